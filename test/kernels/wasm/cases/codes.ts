/** Elementwise integer ops, pools and moves: lengths from 1, mixed types, both numerics, broadcasting, odd values. */
import type {
  BinaryParams,
  CodeArray,
  Numerics,
  OpParams,
  QuantizedArray,
  WindowGeometry,
} from '../../../../kernels/index.js';
import { forEachWindow } from '../../../../kernels/reference/window.js';
import type { Random } from '../../../../src/core/index.js';
import { codes, convGeometry, type Fill, sizes } from '../../js/samples.js';
import { dimension, pick } from './layers.js';
import type { Case, Cases } from './types.js';

const FILLS: readonly Fill[] = ['random', 'random', 'random', 'lowest', 'highest', 'alternating'];
/** float32 values that rounding and clamping must treat as the reference does */
const ODD_FLOATS = [NaN, Infinity, -Infinity, -0, 1e-42, 3e38, -3e38, 0.5, 1.5, -2.5, 126.5, 2 ** 24];

const product = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const bit = (r: Random): boolean => r.int(2) === 0;
const lowest = (data: CodeArray): number => (data instanceof Int8Array ? -128 : 0);

function numerics(r: Random): Numerics {
  return pick<Numerics>(r, [
    { numerics: 'float' },
    { numerics: 'fixed', rounding: 'double' },
    { numerics: 'fixed', rounding: 'single' },
  ]);
}

function quantized(r: Random, length: number, like?: QuantizedArray): QuantizedArray {
  const signed = like === undefined ? bit(r) : like.data instanceof Int8Array;
  const data = codes(r, length, signed, pick(r, FILLS));
  if (like !== undefined) return { ...like, data };
  return {
    data,
    scale: Math.fround(2 ** r.uniform(-7, 0)),
    zeroPoint: lowest(data) + pick(r, [0, 128, 255, r.int(256)]),
  };
}

function clampOf(r: Random, y: CodeArray): { min: number; max: number } {
  if (bit(r)) return { min: lowest(y), max: lowest(y) + 255 };
  const min = lowest(y) + r.int(100);
  return { min, max: min + 50 + r.int(106) };
}

/** Now and then more than a run holds. */
const length = (r: Random): number => (r.int(40) === 0 ? 4096 + r.int(5000) : dimension(r));

/** Two shapes that broadcast to a third: some axes of each are 1, or missing. */
function shapes(r: Random): Pick<BinaryParams, 'aShape' | 'bShape' | 'yShape'> {
  const axes = () => [1 + r.int(3), 1 + r.int(4), pick(r, [1, 3, 8, 1 + r.int(30)]), dimension(r)];
  const yShape = r.int(4) === 0 ? [length(r)] : axes();
  if (r.int(3) === 0) return { aShape: yShape, bShape: yShape, yShape: [1, ...yShape] };
  const mask = (keep: number): number[] => yShape.map((d) => (r.int(4) < keep ? d : 1));
  const side = (): number[] => pick(r, [yShape, mask(3), mask(1), yShape.slice(r.int(yShape.length)), [1]]);
  const [aShape, bShape] = [side(), side()];
  const largest = yShape.map((_, i) =>
    Math.max(...[aShape, bShape].map((s) => s[s.length - yShape.length + i] ?? 1)),
  );
  return { aShape, bShape, yShape: largest };
}

function binary(r: Random, op: 'qadd' | 'qmul'): Case {
  const s = shapes(r);
  const a = quantized(r, product(s.aShape));
  const b = quantized(r, product(s.bShape));
  const y = quantized(r, product(s.yShape));
  // sums spread over the codes, now and then far beyond them
  const spread = op === 'qadd' ? 1.5 * Math.max(a.scale, b.scale) : 100 * a.scale * b.scale;
  const params = {
    ...numerics(r),
    ...clampOf(r, y.data),
    ...s,
    a,
    b,
    y: { ...y, scale: Math.fround(spread * 2 ** pick(r, [0, 0, 0, -8, 8])) },
    subtract: bit(r),
  };
  return { op, params, output: y.data, bound: 0 };
}

function maxPool(r: Random): Case {
  const channels = dimension(r);
  const g = convGeometry(r, { inChannels: channels, outChannels: channels, groups: channels });
  const x = quantized(r, sizes(g).x);
  const y = quantized(r, sizes(g).y, r.int(8) === 0 ? undefined : x);
  const params = { ...g, channels, ...clampOf(r, y.data), x: x.data, y: y.data };
  return { op: 'qmaxpool', params, output: y.data, bound: 0 };
}

function hasEmptyWindow(g: WindowGeometry): boolean {
  let empty = false;
  forEachWindow(g, (_position, _cell, rows, columns) => (empty ||= rows * columns === 0));
  return empty;
}

function averagePool(r: Random): Case {
  const channels = dimension(r);
  const g = convGeometry(r, { inChannels: channels, outChannels: channels, groups: channels });
  const x = quantized(r, sizes(g).x);
  const y = quantized(r, sizes(g).y, bit(r) ? undefined : x);
  const countIncludePad = bit(r) || hasEmptyWindow(g); // which has no mean
  const params = { ...g, channels, ...numerics(r), ...clampOf(r, y.data), countIncludePad, x, y };
  return { op: 'qavgpool', params, output: y.data, bound: 0 };
}

function mean(r: Random): Case {
  const [outer, reduce, inner] = [1 + r.int(4), length(r), dimension(r)];
  const x = quantized(r, outer * reduce * inner);
  const y = quantized(r, outer * inner, bit(r) ? undefined : x);
  const params = { ...numerics(r), outer, reduce, inner, ...clampOf(r, y.data), x, y };
  return { op: 'qmean', params, output: y.data, bound: 0 };
}

function concat(r: Random): Case {
  const outer = 1 + r.int(20);
  const inners = Array.from({ length: 1 + r.int(4) }, () => dimension(r));
  const y = quantized(r, outer * inners.reduce((n, inner) => n + inner));
  const inputs = inners.map((inner) => ({
    ...quantized(r, outer * inner, bit(r) ? y : undefined),
    inner,
  }));
  const params = { ...numerics(r), outer, inputs, ...clampOf(r, y.data), y };
  return { op: 'qconcat', params, output: y.data, bound: 0 };
}

function pad(r: Random): Case {
  const shape = Array.from({ length: 1 + r.int(4) }, () => 1 + r.int(6));
  shape[shape.length - 1] = dimension(r);
  const pads = shape.map(() => (bit(r) ? [0, 0] : [r.int(3), r.int(20)]) as [number, number]);
  const x = quantized(r, product(shape)).data;
  const signed = x instanceof Int8Array;
  const y = codes(r, product(shape.map((d, i) => d + pads[i][0] + pads[i][1])), signed);
  return { op: 'qpad', params: { shape, pads, x, value: lowest(x) + r.int(256), y }, output: y, bound: 0 };
}

function requantize(r: Random): Case {
  const n = length(r);
  const x = quantized(r, n);
  const y = quantized(r, n, r.int(4) === 0 ? x : undefined);
  return {
    op: 'qrequantize',
    params: { ...numerics(r), ...clampOf(r, y.data), x, y },
    output: y.data,
    bound: 0,
  };
}

function lut(r: Random): Case {
  const n = length(r);
  const [x, y] = [quantized(r, n).data, quantized(r, n).data];
  const table = codes(r, 256, y instanceof Int8Array);
  return { op: 'qlut', params: { x, table, y }, output: y, bound: 0 };
}

function gather(r: Random): Case {
  const [cell, from, to] = [1 + r.int(5), 1 + r.int(30), 1 + r.int(60)];
  const x = quantized(r, cell * from).data;
  const y = codes(r, cell * to, x instanceof Int8Array);
  const indices = new Int32Array(to).map((_, i) => (i > 0 && bit(r) ? i : r.int(from)) % from);
  return { op: 'qgather', params: { cell, indices, x, y }, output: y, bound: 0 };
}

function resize(r: Random): Case {
  const [batch, inHeight, inWidth, outHeight, outWidth] = [3, 9, 9, 12, 12].map((n) => 1 + r.int(n));
  const channels = dimension(r);
  const x = quantized(r, batch * inHeight * inWidth * channels).data;
  const y = codes(r, batch * outHeight * outWidth * channels, x instanceof Int8Array);
  const g = { batch, inHeight, inWidth, outHeight, outWidth, channels };
  const alignCorners = bit(r);
  const params = { ...g, alignCorners, halfPixelCenters: !alignCorners && bit(r), x, y };
  return { op: 'qresize', params, output: y, bound: 0 };
}

/** Layout and scales of quantize and dequantize. */
function scales(r: Random, like: CodeArray) {
  const [outer, channels, inner] = [1 + r.int(3), 1 + r.int(5), length(r)];
  const count = bit(r) ? 1 : channels;
  return {
    outer,
    channels,
    inner,
    scale: new Float32Array(count).map(() => 2 ** r.uniform(-7, 0)),
    zeroPoint: new Int32Array(count).map(() => lowest(like) + r.int(256)),
  };
}

function quantize(r: Random): Case {
  const signed = bit(r);
  const s = scales(r, codes(r, 0, signed));
  const n = s.outer * s.channels * s.inner;
  const x = new Float32Array(n).map(() =>
    r.int(10) === 0 ? pick(r, ODD_FLOATS) : r.normal() * 2 ** r.int(8),
  );
  // half of the values are ties
  if (bit(r)) x.forEach((_, i) => (x[i] = (r.int(600) - 300) * s.scale[0] * 0.5));
  const y = codes(r, n, signed);
  return { op: 'quantize', params: { ...s, x, ...clampOf(r, y), y }, output: y, bound: 0 };
}

function dequantize(r: Random): Case {
  const x = codes(r, 0, bit(r));
  const s = scales(r, x);
  const n = s.outer * s.channels * s.inner;
  const y = new Float32Array(n);
  const params: OpParams['dequantize'] = { ...s, x: codes(r, n, x instanceof Int8Array), y };
  return { op: 'dequantize', params, output: y, bound: 0 };
}

export const codeCases: Cases = {
  'integer additions': (r) => binary(r, 'qadd'),
  'integer multiplications': (r) => binary(r, 'qmul'),
  'integer max pools': maxPool,
  'integer average pools': averagePool,
  'integer means': mean,
  'integer concatenations': concat,
  'integer pads': pad,
  'integer requantizations': requantize,
  'integer table lookups': lut,
  'gathers of cells': gather,
  'integer resizes': resize,
  quantizations: quantize,
  dequantizations: dequantize,
};
