/** `map`: what the functions mean, and what runs on float64, on small arrays and without WebAssembly. */
import type { Kernel, MapFunction, NumberArray, OpParams } from '../../types.js';
import { roundHalfEven } from '../../rounding.js';

/** All x and y have one length. Each function has its loop, which V8 then compiles for it alone. */
type Loop = (x: readonly NumberArray[], s: readonly number[], y: readonly NumberArray[]) => void;

const isSingle = (a: NumberArray): a is Float32Array => a instanceof Float32Array;

/** The bits of +Infinity; larger ones, without the sign, are NaN. */
const INFINITY_BITS = 0x7f800000;
const SIX_BITS = 0x40c00000;
const bitsOf = (a: NumberArray): Int32Array => new Int32Array(a.buffer, a.byteOffset, a.length);

// Signs of activations are a coin toss, and a branch on them costs 8.4 ns an element in mispredictions. On the bits of
// float32 it is a mask: 2 to 3 ns. For positive numbers bits are ordered as the numbers are.

function reluBits(x: Int32Array, y: Int32Array, top: number): void {
  for (let i = 0; i < y.length; i++) {
    const v = x[i];
    const isNaN = (INFINITY_BITS - (v & 0x7fffffff)) >> 31;
    const kept = v & (~(v >> 31) | isNaN);
    y[i] = kept > top && isNaN === 0 ? top : kept;
  }
}

/** All ones where 0 < x < top. */
function reluGradBits(g: Int32Array, x: Int32Array, y: Int32Array, top: number): void {
  for (let i = 0; i < y.length; i++) {
    const v = x[i];
    y[i] = g[i] & (-v >> 31) & ~(v >> 31) & ((v - top) >> 31);
  }
}

const rectify =
  (top: number, topBits: number): Loop =>
  ([x], _, [y]) => {
    if (isSingle(y)) reluBits(bitsOf(x), bitsOf(y), topBits);
    else for (let i = 0; i < y.length; i++) y[i] = x[i] <= 0 ? 0 : x[i] >= top ? top : x[i];
  };
const rectifyGrad =
  (top: number, topBits: number): Loop =>
  ([g, x], _, [y]) => {
    if (isSingle(y)) reluGradBits(bitsOf(g), bitsOf(x), bitsOf(y), topBits);
    else for (let i = 0; i < y.length; i++) y[i] = x[i] <= 0 || x[i] >= top ? 0 : g[i];
  };

/** `x / scale`, rounded to float32 where the operands are. */
function divided(x: NumberArray, scale: NumberArray, i: number, single: boolean): number {
  const v = x[i] / scale[i];
  return single ? Math.fround(v) : v;
}

/** Clamping to whole numbers before rounding is the same as after; 0 for NaN. */
function rounded(v: number, low: number, high: number): number {
  return roundHalfEven(Math.min(Math.max(v !== v ? 0 : v, low), high));
}

function isInside(v: number, low: number, high: number): boolean {
  const q = roundHalfEven(v);
  return q >= low && q <= high;
}

/** Adam and AMSGrad (top is v in the former): see optim/adam.ts. */
function adam(x: readonly NumberArray[], s: readonly number[], y: readonly NumberArray[]): void {
  const [p, g, m, v, top] = x;
  const [keep, coupled, beta1, rest1, beta2, rest2, rate, unbias, eps] = s;
  for (let i = 0; i < p.length; i++) {
    const q = p[i] * keep;
    const d = g[i] + coupled * q;
    const mi = beta1 * m[i] + rest1 * d;
    const vi = beta2 * v[i] + rest2 * d * d;
    let largest = vi;
    if (top !== undefined) y[3][i] = largest = vi > top[i] ? vi : top[i];
    y[1][i] = mi;
    y[2][i] = vi;
    y[0][i] = q - (rate * mi) / (Math.sqrt(largest) * unbias + eps);
  }
}

const LOOPS: Readonly<Record<MapFunction, Loop>> = {
  relu: rectify(NaN, 0x7fffffff),
  relu6: rectify(6, SIX_BITS),
  reluGrad: rectifyGrad(NaN, 0x7fffffff),
  relu6Grad: rectifyGrad(6, SIX_BITS),
  neg([x], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = -x[i];
  },
  abs([x], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = Math.abs(x[i]);
  },
  square([x], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] * x[i];
  },
  sqrt([x], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = Math.sqrt(x[i]);
  },
  add([a, b], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = a[i] + b[i];
  },
  sub([a, b], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = a[i] - b[i];
  },
  mul([a, b], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = a[i] * b[i];
  },
  div([a, b], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = a[i] / b[i];
  },
  maximum([a, b], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = Math.max(a[i], b[i]);
  },
  minimum([a, b], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = Math.min(a[i], b[i]);
  },
  share([a, b], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = a[i] < b[i] ? 0 : a[i] === b[i] ? 0.5 : 1;
  },
  addScaled([a, b], [s], [y]) {
    for (let i = 0; i < y.length; i++) y[i] = a[i] + s * b[i];
  },
  masked([x, mask], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = mask[i] === 0 ? 0 : x[i];
  },
  normalize([x, mean, scale, offset], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = (x[i] - mean[i]) * scale[i] + offset[i];
  },
  normalizeGrad([g, x, mean, a, b, c], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = g[i] * a[i] + (x[i] - mean[i]) * b[i] + c[i];
  },
  descend([p, g], [rate, decay], [y]) {
    for (let i = 0; i < y.length; i++) y[i] = p[i] - rate * (g[i] + decay * p[i]);
  },
  momentum([p, g, v], [rate, decay, momentum, fresh, a, b], [y, velocity]) {
    for (let i = 0; i < y.length; i++) {
      const d = g[i] + decay * p[i];
      const vi = momentum * v[i] + fresh * d;
      velocity[i] = vi;
      y[i] = p[i] - rate * (a * d + b * vi);
    }
  },
  adam,
  amsgrad: adam,
  fakeQuantize([x, scale, low, high], _, [y]) {
    const single = isSingle(x);
    for (let i = 0; i < y.length; i++)
      y[i] = rounded(divided(x, scale, i, single), low[i], high[i]) * scale[i];
  },
  fakeQuantizeGrad([g, x, scale, low, high], _, [y]) {
    const single = isSingle(x);
    for (let i = 0; i < y.length; i++)
      y[i] = isInside(divided(x, scale, i, single), low[i], high[i]) ? g[i] : 0;
  },
  inside([x, scale, low, high], _, [y]) {
    const single = isSingle(x);
    for (let i = 0; i < y.length; i++) y[i] = isInside(divided(x, scale, i, single), low[i], high[i]) ? 1 : 0;
  },
  quantize([x, scale, low, high, zeroPoint], _, [y]) {
    const single = isSingle(x);
    for (let i = 0; i < y.length; i++)
      y[i] = rounded(divided(x, scale, i, single), low[i], high[i]) + zeroPoint[i];
  },
  dequantize([q, scale, zeroPoint], _, [y]) {
    for (let i = 0; i < y.length; i++) y[i] = (q[i] - zeroPoint[i]) * scale[i];
  },
  accumulated([acc, scale], [low, high], [y]) {
    for (let i = 0; i < y.length; i++) y[i] = Math.min(Math.max(Math.fround(acc[i]) * scale[i], low), high);
  },
  rescaled([acc, multiplier], [zeroPoint], [y]) {
    for (let i = 0; i < y.length; i++)
      y[i] = roundHalfEven(Math.fround(Math.fround(acc[i]) * multiplier[i])) + zeroPoint;
  },
  requantized([q, acc, first, last], [zeroPoint, scale, min, max, quantMin, quantMax], [y, mask]) {
    for (let i = 0; i < y.length; i++) {
      const v = q[i];
      y[i] = ((v < min ? min : v > max ? max : v) - zeroPoint) * scale;
      mask[i] = acc[i] >= first[i] && acc[i] <= last[i] && v >= quantMin && v <= quantMax ? 1 : 0;
    }
  },
};

/** Short operands are repeated to this many elements, if their period divides it, and not to all of them. */
const CHUNK = 2048;

function repeated(x: NumberArray, length: number, inner: number): NumberArray {
  const full = new (x.constructor as Float32ArrayConstructor)(length);
  if (x.length === 1) return full.fill(x[0]);
  for (let i = 0, r = 0, c = 0; i < length; i++) {
    full[i] = x[c];
    if (++r === inner) {
      r = 0;
      if (++c === x.length) c = 0;
    }
  }
  return full;
}

export const map: Kernel<'map'> = {
  op: 'map',
  name: 'f32-map-reference',
  supports: () => true,
  prepare({ fn, inner, x, s, y }: OpParams['map']) {
    const loop = LOOPS[fn];
    const n = y[0].length;
    const isShort = (a: NumberArray): boolean => a.length !== n;
    if (!x.some(isShort)) return () => loop(x, s, y);
    const period = inner * x.reduce((p, a) => (isShort(a) && a.length > 1 ? a.length : p), 1);
    const chunk = Math.min(n, period * Math.ceil(CHUNK / period));
    return () => {
      const whole = x.map((a) => (isShort(a) ? repeated(a, chunk, inner) : a));
      if (chunk === n) return loop(whole, s, y);
      for (let i = 0; i < n; i += chunk) {
        const to = Math.min(i + chunk, n);
        loop(
          whole.map((a, k) => (isShort(x[k]) ? a.subarray(0, to - i) : a.subarray(i, to))),
          s,
          y.map((a) => a.subarray(i, to)),
        );
      }
    };
  },
};
