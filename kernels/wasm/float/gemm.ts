/** Float32 matrix product. Rows of `a` are read where they lie; of a transposed one, columns are staged strip by strip. */
import type { OpParams } from '../../types.js';
import { Binding } from '../binding.js';
import { matrixWindows, planStrips } from '../igemm/plan.js';
import { TEMPORARY } from '../igemm/tile.js';
import { sampleFloats, type WasmKernel } from '../selfTest.js';
import { areFloat32, planProduct, SAMPLE_BOUND } from './product.js';

/** Columns of a transposed matrix that are staged together, and the bytes that they may take. */
const STRIP_COLUMNS = 96;
const STRIP_BYTES = 2 ** 20;

/** Strips of columns of a [depth, columns] matrix: a step of the depth is a staged row. */
function columnStrips(depth: number, columns: number): ReturnType<typeof planStrips> {
  const width = Math.max(16, Math.min(STRIP_COLUMNS, columns, Math.floor(STRIP_BYTES / (4 * depth))));
  const strips = Math.ceil(columns / width);
  const lastRows = columns - (strips - 1) * width;
  const whole = planStrips(matrixWindows(depth, width, 4, 4));
  return {
    ...whole,
    stripRows: width,
    lastRows,
    offset: (y) => 4 * y,
    scratchBytes: TEMPORARY + 4 * width * depth + 64,
    fields: {
      ...whole.fields,
      strips,
      allStrips: strips,
      xRow: 4 * columns,
      xStrip: 4 * width,
      stagedRows: depth,
      stripRows: 0,
      rowElements: 4 * width,
      lastRowElements: 4 * lastRows,
    },
  };
}

const kindOf = ({ transA, transB }: OpParams['gemm']): string => `${transA ? 'T' : 'N'}${transB ? 'T' : 'N'}`;

/** A small problem of the kind of `like`. */
export function sampleProduct(like: OpParams['gemm'], m: number, n: number, k: number) {
  const c = new Float32Array(m * n);
  const [a, b] = [sampleFloats(m * k), sampleFloats(k * n)];
  const bias = like.bias === null ? null : sampleFloats(n);
  return { params: { ...like, m, n, k, a, b, bias, c }, output: c };
}

export const gemm: WasmKernel<'gemm'> = {
  op: 'gemm',
  name: 'f32-gemm-4x8-wasmsimd',
  bound: SAMPLE_BOUND,
  supports: ({ a, b, bias, c }) => areFloat32(a, b, bias, c),
  prepare: ({ m, n, k, a, b, transA, transB, bias, accumulate, c }, memory) => {
    const binding = new Binding(memory);
    const [depthStep, columnStep] = transB ? [4, 4 * k] : [4 * n, 4];
    const row = 4 * n;
    const strips = transA ? columnStrips(k, m) : undefined;
    const calls = planProduct(
      binding,
      {
        windows: matrixWindows(m, k, 4, 4),
        groups: 1,
        channels: n,
        elementwise: false,
        x: binding.read(a),
        right: { from: binding.read(b), stretches: [0], length: k, depthStep, columnStep, groupStep: 0 },
        bias,
        y: accumulate ? binding.update(c) : binding.write(c),
        accumulate,
        outputs: { image: 0, row, column: 0 },
      },
      strips,
      strips?.rowBytes,
    );
    return binding.finish(...calls);
  },
  kind: kindOf,
  sample: (like) => sampleProduct(like, 6, 13, 300),
};
