/** Tensors of a file as constants and qparams of the graph. */
import { FormatError, UnsupportedError } from '../../../core/errors.js';
import { checkQParams, qdtypeOf, type QParams } from '../../../core/index.js';
import { widenFloat16 } from '../../half.js';
import type { Allowance } from '../../onnx/import/constants.js';
import type { TfliteTensor } from '../types.js';
import type { Known } from './call.js';

const RANGES = {
  int8: { quantMin: -128, quantMax: 127 },
  uint8: { quantMin: 0, quantMax: 255 },
  int4: { quantMin: -8, quantMax: 7 },
  int32: { quantMin: -(2 ** 31), quantMax: 2 ** 31 - 1 },
} as const;

const shown = ({ name }: TfliteTensor): string => `tensor ${JSON.stringify(name.slice(0, 200))}`;

/** Null for tensors that are no codes. */
export function qparamsOf(tensor: TfliteTensor): QParams | null {
  const { dtype, quantization } = tensor;
  if (quantization === null || quantization.scale.length === 0) return null;
  if (dtype === 'float32' || dtype === 'float16' || dtype === 'int64') return null;
  if (!Object.hasOwn(RANGES, dtype))
    throw new UnsupportedError(
      `${shown(tensor)}: codes of ${dtype} are not supported; quantize activations to int8 when the model is converted`,
    );
  const range = RANGES[dtype as keyof typeof RANGES];
  const { scale, zeroPoint, quantizedDimension } = quantization;
  const axis = scale.length === 1 ? null : quantizedDimension;
  const qparams = { dtype: qdtypeOf(range), scale, zeroPoint, axis, ...range };
  // Biases of a weight scale of 0 have none either, and no use for it.
  if (dtype === 'int32') return qparams;
  try {
    return checkQParams(qparams, shown(tensor));
  } catch (error) {
    throw new FormatError(`${error instanceof Error ? error.message : String(error)}; the file is corrupt`);
  }
}

/** The elements of a constant as numbers. 64-bit integers are doubles, exact up to 2^53. */
export function knownOf(tensor: TfliteTensor, allowance: Allowance): Known {
  const { dtype, shape, data } = tensor;
  if (data === null) throw new FormatError(`${shown(tensor)}: has no data; the file is corrupt`);
  const qparams = qparamsOf(tensor);
  allowance.grant(data.length);
  if (dtype === 'float16') {
    allowance.charge(4 * data.length);
    return { dtype, dims: shape, data: widenFloat16(data as Uint16Array), qparams: null };
  }
  if (dtype === 'int64' || dtype === 'uint64') {
    allowance.charge(8 * data.length);
    const wide = data as BigInt64Array | BigUint64Array;
    return { dtype, dims: shape, data: Float64Array.from(wide as BigInt64Array, Number), qparams: null };
  }
  return { dtype, dims: shape, data: data as Known['data'], qparams };
}

/** Numbers that codes stand for. */
export function dequantizedOf(constant: Known, allowance: Allowance): Known {
  const { qparams, data, dims } = constant;
  allowance.charge(4 * data.length);
  if (qparams === null) return { dtype: 'float32', dims, data: Float32Array.from(data), qparams };
  const { scale, zeroPoint, axis } = qparams;
  const inner = axis === null ? data.length : dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const c = axis === null ? 0 : Math.floor(i / inner) % scale.length;
    out[i] = (data[i] - zeroPoint[c]) * scale[c];
  }
  return { dtype: 'float32', dims, data: out, qparams: null };
}
