/** Random problems of the kernels that only training needs. Sizes are those from which they take a problem. */
import type { MapFunction, NumberArray, OpParams, PoolWindows } from '../../../../kernels/index.js';
import type { Random } from '../../../../src/core/index.js';
import { codes, floats, int32s } from '../../js/samples.js';
import type { Case, Cases } from './types.js';

type Draw = (r: Random, size: number) => NumberArray;
const normal: Draw = (r, size) => floats(r, size).map((v) => 4 * v);
const positive: Draw = (r, size) => floats(r, size).map((v) => Math.abs(v) + 1e-3);
const whole =
  (from: number, to: number): Draw =>
  (r, size) =>
    new Float32Array(size).map(() => from + r.int(to - from));
const bytes: Draw = (r, size) => codes(r, size, r.int(2) === 0);
const bits: Draw = (r, size) => new Uint8Array(size).map(() => r.int(2));
const sums: Draw = (r, size) => int32s(r, size, r.int(2) === 0 ? 2000 : 2 ** 30);

interface Shape {
  /** operands of all elements, and operands that may repeat */
  readonly full: readonly Draw[];
  readonly short?: readonly Draw[];
  readonly numbers?: readonly number[];
  /** results; float32 unless said otherwise */
  readonly results?: readonly ('float32' | 'codes' | 'mask')[];
  /** 0 where every kernel gives the same bits */
  readonly bound?: number;
}

const binary: Shape = { full: [normal], short: [normal] };
const range: readonly Draw[] = [positive, whole(-200, 0), whole(0, 200)];
const adam = [0.99, 0.01, 0.9, 0.1, 0.999, 0.001, 0.01, 1.5, 1e-8];
const rounded = { bound: 1e-6 };

const SHAPES: Readonly<Record<MapFunction, Shape>> = {
  relu: { full: [normal] },
  relu6: { full: [normal] },
  neg: { full: [normal] },
  abs: { full: [normal] },
  square: { full: [normal] },
  sqrt: { full: [positive] },
  add: binary,
  sub: binary,
  mul: binary,
  div: { full: [normal], short: [positive] },
  maximum: binary,
  minimum: binary,
  share: { full: [whole(0, 3)], short: [whole(0, 3)] },
  addScaled: { ...binary, numbers: [0.3], ...rounded },
  reluGrad: { full: [normal, normal] },
  relu6Grad: { full: [normal, normal] },
  masked: { full: [normal, bits] },
  normalize: { full: [normal], short: [normal, positive, normal], ...rounded },
  normalizeGrad: { full: [normal, normal], short: [normal, normal, normal, normal], ...rounded },
  descend: { full: [normal, normal], numbers: [0.1, 0.01], ...rounded },
  momentum: {
    full: [normal, normal, normal],
    numbers: [0.1, 0.01, 0.9, 0.8, 1, 0.9],
    results: ['float32', 'float32'],
    ...rounded,
  },
  adam: {
    full: [normal, normal, normal, positive],
    numbers: adam,
    results: ['float32', 'float32', 'float32'],
    ...rounded,
  },
  amsgrad: {
    full: [normal, normal, normal, positive, positive],
    numbers: adam,
    results: ['float32', 'float32', 'float32', 'float32'],
    ...rounded,
  },
  fakeQuantize: { full: [normal], short: range },
  fakeQuantizeGrad: { full: [normal, normal], short: range },
  inside: { full: [normal], short: range, results: ['mask'] },
  // codes that both types of arrays hold
  quantize: {
    full: [normal],
    short: [positive, whole(-40, 0), whole(0, 20), whole(40, 100)],
    results: ['codes'],
  },
  dequantize: { full: [bytes], short: [positive, whole(-128, 256)] },
  accumulated: { full: [sums], short: [positive], numbers: [0, 6] },
  rescaled: { full: [sums], short: [positive], numbers: [-7] },
  requantized: {
    full: [whole(-300, 300), sums],
    short: [(r, n) => int32s(r, n, 10), (r, n) => int32s(r, n, 5000)],
    numbers: [3, 0.0625, -120, 110, -128, 127],
    results: ['float32', 'mask'],
  },
};

function map(fn: MapFunction, r: Random): Case {
  const { full, short = [], numbers: s = [], results = ['float32'], bound = 0 } = SHAPES[fn];
  const channels = 1 + r.int(40);
  const inner = r.int(2) === 0 ? 1 : 1 + r.int(60);
  const period = channels * inner;
  const least = r.int(4) === 0 ? 4096 : 512;
  const n = period * (Math.ceil(least / period) + r.int(5)) + (inner === 1 ? channels * r.int(3) : 0);
  const x = [
    ...full.map((draw) => draw(r, n)),
    ...short.map((draw) => draw(r, [n, 1, channels, channels][r.int(4)])),
  ];
  const y = results.map((result) => {
    if (result === 'float32') return new Float32Array(n);
    return result === 'codes' && r.int(2) === 0 ? new Int8Array(n) : new Uint8Array(n);
  });
  // in place, where one array makes another
  if (y.length === 1 && y[0] instanceof Float32Array && x[0] instanceof Float32Array && r.int(2) === 0)
    y[0] = x[0] as Float32Array<ArrayBuffer>;
  return { op: 'map', params: { fn, inner, x, s, y }, output: y[r.int(y.length)], bound };
}

function sumsCase(r: Random): Case {
  const fn = (['sum', 'moments', 'products', 'range'] as const)[r.int(4)];
  const [outer, channels] = [1 + r.int(3), 1 + r.int(50)];
  const rows = Math.ceil(512 / channels) + r.int(400);
  const y = Array.from({ length: fn === 'sum' ? 1 : 2 }, () => new Float64Array(outer * channels));
  const params: OpParams['sums'] = {
    ...{ fn, outer, rows, channels, y },
    x: Array.from({ length: fn === 'products' ? 2 : 1 }, () => floats(r, outer * rows * channels)),
    p: fn === 'sum' ? [] : [floats(r, outer * channels, true) as Float64Array],
  };
  return { op: 'sums', params, output: y[r.int(y.length)], bound: 1e-12 };
}

/** Windows of one size, as of a sliding kernel, or of any. */
function windows(r: Random): PoolWindows {
  const axis = (size: number): PoolWindows['rows'] => {
    const step = 1 + r.int(2);
    const taps = r.int(2) === 0 ? 1 + r.int(3) : 0;
    const span = taps === 0 ? 0 : (taps - 1) * step + 1;
    const start = new Int32Array(1 + r.int(size)).map(() => r.int(size - Math.max(span - 1, 0)));
    return { start, end: start.map((v) => (taps > 0 ? v + span : Math.min(size, v + 1 + r.int(4)))), step };
  };
  const [height, width] = [6 + r.int(9), 6 + r.int(9)];
  const channels = 4 + r.int(20);
  const batch = Math.ceil(512 / (height * width * channels)) + r.int(3);
  return { batch, height, width, channels, rows: axis(height), columns: axis(width) };
}

function pool(isMax: boolean, isGrad: boolean, r: Random): Case {
  const g = windows(r);
  const { rows, columns } = g;
  const image = floats(r, g.batch * g.height * g.width * g.channels);
  const result = floats(r, g.batch * rows.start.length * columns.start.length * g.channels);
  const divisors = {
    rowDivisor: new Float64Array(rows.start.length).map(() => 1 + r.int(4)),
    columnDivisor: new Float64Array(columns.start.length).map(() => 1 + r.int(4)),
  };
  if (!isMax)
    return isGrad
      ? {
          op: 'avgpoolGrad',
          params: { ...g, ...divisors, dx: image, dy: result },
          output: image,
          bound: 1e-6,
        }
      : { op: 'avgpool', params: { ...g, ...divisors, x: image, y: result }, output: result, bound: 1e-6 };
  // the first tap of each window
  const firsts = Array.from(rows.start).flatMap((row) =>
    Array.from(columns.start, (column) => row * g.width + column),
  );
  const winners = Int32Array.from(result, (_, i) => firsts[Math.floor(i / g.channels) % firsts.length]);
  if (isGrad)
    return { op: 'maxpoolGrad', params: { ...g, dx: image, dy: result, winners }, output: image, bound: 0 };
  const places = r.int(3) === 0 ? null : winners;
  const output = places !== null && r.int(2) === 0 ? places : result;
  return { op: 'maxpool', params: { ...g, x: image, y: result, winners: places }, output, bound: 0 };
}

const functions = Object.keys(SHAPES) as MapFunction[];

export const trainingCases: Cases = {
  'elementwise functions': (r) => map(functions[r.int(functions.length)], r),
  'sums over rows': sumsCase,
  'max and average pooling': (r) => pool(r.int(2) === 0, r.int(2) === 0, r),
};

/** A random call of one function. */
export { map as mapCase, functions };
