/** Integer products and 1x1 convolutions by Strassen's algorithm (`strassen.ts`). */
import { weightCodes } from '../../int4.js';
import type { AnyKernel, Kernel, Memory, OpParams } from '../../types.js';
import { Binding } from '../binding.js';
import { compiledOnce, wasmEngine } from '../engine.js';
import { callProduct, isPointwise, rowTable } from '../igemm/plan.js';
import { shapeOf, TEMPORARY } from '../igemm/tile.js';
import { checked, type WasmKernel } from '../selfTest.js';
import { kindOf, productGeometry, sampleLayer } from './layer.js';
import { outputKind, packRequantization } from './requantize.js';
import { context, emitStrassen, HALF, PRODUCTS, RIGHT } from './strassen.js';

/** Bytes of the matrices of a unit: most of a second-level cache. */
const MATRIX_BYTES = 288 * 1024;
const MAX_QUADS = 24;
/** Blocks of a matrix [rows][columns] in the products: those of the next level. */
function combineWeights(w: Int16Array, rows: number, columns: number): Int16Array[] {
  const [h, v] = [columns / 2, rows / 2];
  return RIGHT.map((signs) => {
    const sum = new Int16Array(h * v);
    for (let i = 0; i < 4; i++) {
      const sign = { '+': 1, '-': -1, '0': 0 }[signs[i]]!;
      // a row of weights is a column of the factor: block 12 is the second half of the rows
      const from = (i & 1) * v * columns + (i >> 1) * h;
      if (sign !== 0)
        for (let r = 0, o = 0; r < v; r++)
          for (let j = 0; j < h; j++, o++) sum[o] += sign * w[from + r * columns + j];
    }
    return sum;
  });
}

type Params = OpParams['qgemm'];

function prepare(p: Params, memory: Memory): () => void {
  const { m, n, k } = p;
  const binding = new Binding(memory);
  const { vectors } = shapeOf(binding.engine.target);
  const columns = 4 * vectors;
  const depth = 8 * Math.ceil(k / 32);
  const panels = Math.ceil(n / (4 * columns));
  const quarter = panels * columns;

  const w = new Int16Array(16 * quarter * depth);
  const codes = weightCodes(p, n * k);
  for (let i = 0, o = 0; i < n; i++, o += 4 * depth - k)
    for (let j = 0; j < k; j++) w[o++] = codes[i * k + j] - p.wZeroPoint;
  const weights = binding.allocate('int16', PRODUCTS * quarter * depth);
  combineWeights(w, 4 * quarter, 4 * depth)
    .flatMap((part) => combineWeights(part, 2 * quarter, 2 * depth))
    .forEach((part, point) => {
      for (let c = 0, i = 0; c < quarter; c++) {
        const lane = c % columns;
        const o = ((c - lane) * PRODUCTS + point * columns) * depth + 2 * lane;
        for (let j = 0; j < depth; j++) weights[o + (j >> 1) * 2 * columns + (j & 1)] = part[i++];
      }
    });

  const wanted = Math.min(MAX_QUADS, MATRIX_BYTES / (PRODUCTS * 2 * depth), (m + 12) / 4);
  const quads = Math.max(4, wanted & -4);
  const pointBytes = quads * 2 * depth + 64;
  const quadSums = PRODUCTS * 16 * vectors;
  const place = Array.from({ length: 4 * quarter }, (_, i) => (i < n ? i : -1));
  const kind = outputKind(p.requant, p.y);
  const signed = p.x instanceof Int8Array;
  const fields = {
    x: binding.read(p.x),
    xRow: k,
    y: binding.write(p.y),
    b: weights.byteOffset,
    bias: binding.constant(
      'int32',
      place.map((c) => p.bias?.[c] ?? 0),
    ),
    ...packRequantization(p.requant, place, binding),
    zeros: binding.allocate('int32', columns).byteOffset,
    zeroPoint: p.xZeroPoint,
    table: rowTable(
      binding,
      quads,
      (q) => q * 2 * depth,
      (q) => q * quadSums,
    ),
    runs: binding.constant('int32', [0, depth / 2]),
    rows: m,
    depth,
    quarter,
    quads,
    channels: n,
    panels,
    pointBytes,
    pointWeights: columns * depth * 2,
    allStrips: Math.ceil(m / (4 * quads)),
    unitStrips: 1,
  };
  const module = compiledOnce(`strassen ${kind} ${signed}`, (m, target) =>
    emitStrassen(m, target, kind, signed),
  );
  const scratch = TEMPORARY + HALF + PRODUCTS * pointBytes + quads * quadSums + 64;
  return binding.finish(callProduct(binding, module, fields, 2 * m * n * k, scratch, context));
}

/**
 * Faster than the direct product? Measured: 1.06 to 1.13 times, 256 bits wide 1.02 at most; 0.9 at 128 codes of depth, 1.03
 * where 6 % of the blocks are padding; 0.8 to 0.9 at 2048x2048, whose weights, 3 times as many, no cache holds.
 */
const pays = ({ m, n, k }: Params): boolean => {
  const padded = (x: number, step: number): number => step * Math.ceil(x / step);
  return (
    m >= 64 &&
    n >= 96 &&
    k >= 256 &&
    n * k >= 2 ** 15 &&
    n * k <= 2 ** 20 &&
    padded(m, 16) * padded(n, 32) * padded(k, 32) <= 1.09 * m * n * k &&
    !wasmEngine()!.target.revectorize
  );
};

/** As a product, of a 1x1 convolution. */
const product = (p: OpParams['qconv2d']): Params => ({
  ...p,
  m: p.batch * p.inHeight * p.inWidth,
  n: p.outChannels,
  k: p.inChannels,
});

const qgemm: WasmKernel<'qgemm'> = {
  op: 'qgemm',
  name: 'q8-qc8w-gemm-strassen49-wasmsimd',
  bound: 0,
  // 16 bits hold four differences of a code and a zero point, were that no code
  supports: (p) => pays(p) && Math.max(Math.abs(p.xZeroPoint), Math.abs(p.wZeroPoint)) < 2 ** 12,
  prepare,
  kind: kindOf,
  sample: (like) => {
    const [m, n, k] = [23, 75, 43];
    const { params, output } = sampleLayer(like, productGeometry(m, n, k));
    return { params: { m, n, k, ...params }, output };
  },
};

const tested = checked(qgemm);

const qconv2d: Kernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qc8w-conv1x1-strassen49-wasmsimd',
  supports: (p) => isPointwise(p) && (tested as Kernel<'qgemm'>).supports(product(p)),
  prepare: (p, memory) => prepare(product(p), memory),
};

export const strassenKernels = [tested, qconv2d as AnyKernel];
