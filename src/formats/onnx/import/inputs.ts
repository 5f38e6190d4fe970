/** Inputs that are codes: what they stand for is said by the first operator that reads them. */
import { perTensor, type QParams } from '../../../core/index.js';
import { FormatError, UnsupportedError } from '../../../core/errors.js';
import { tensorNumbers, type OnnxGraph, type OnnxValueInfo } from '../types.js';
import { isFloatType } from './constants.js';
import { codeRange } from './quantized.js';

const READERS = new Set(['DequantizeLinear', 'QLinearConv', 'QLinearMatMul']);

/** Null for floats. */
export function inputQParams(graph: OnnxGraph, { name, dtype }: OnnxValueInfo): QParams | null {
  if (dtype === null || isFloatType(dtype)) return null;
  const reader = graph.nodes.find((node) => READERS.has(node.opType) && node.inputs[0] === name);
  const [scale, zero] = [1, 2].map((i) => graph.initializers.get(reader?.inputs[i] ?? ''));
  if (scale === undefined || tensorNumbers(scale).length !== 1)
    throw new UnsupportedError(
      `input ${JSON.stringify(name)}: is ${dtype}, and no DequantizeLinear, QLinearConv or QLinearMatMul with a constant scale says what its codes stand for`,
    );
  const [quantMin, quantMax] = codeRange(dtype)!;
  const zeroPoint = zero === undefined ? 0 : tensorNumbers(zero)[0];
  try {
    return perTensor(tensorNumbers(scale)[0], zeroPoint, { quantMin, quantMax });
  } catch (error) {
    throw new FormatError(`input ${JSON.stringify(name)}: ${(error as Error).message}`);
  }
}
