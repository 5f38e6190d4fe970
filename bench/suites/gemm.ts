/** Matrix products in every type of operands. */
import { elementBytes, Operands } from '../operands.js';
import { GEMMS, type GemmShape } from '../shapes/gemm.js';
import type { Dtype, GemmCase } from '../types.js';

function gemmCase({ name, m, n, k }: GemmShape, dtype: Dtype): GemmCase {
  const operands = new Operands(dtype, name);
  return {
    suite: 'gemm',
    shape: name,
    dtype,
    ops: 2 * m * n * k,
    bytes: elementBytes(dtype) * (m * k + n * k + m * n),
    kind: 'gemm',
    m,
    n,
    k,
    x: operands.activations(m * k),
    w: operands.weights(n * k),
    quantization: operands.quantization(n, k),
  };
}

const DTYPES: readonly Dtype[] = ['f32', 'u8s8', 's8s8', 'w8a7'];

/** Made one at a time: all operands together would take a gigabyte. */
export function* gemmCases(quick: boolean, wanted: (shape: string) => boolean): Generator<GemmCase> {
  for (const shape of GEMMS)
    if ((!quick || shape.quick) && wanted(shape.name))
      for (const dtype of quick ? DTYPES.slice(0, 2) : DTYPES) yield gemmCase(shape, dtype);
}
