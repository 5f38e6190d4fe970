/** Inputs and outputs of a file: floats or int8, whatever the graph itself has there. */
import { roundHalfEven } from '../../../../kernels/index.js';
import {
  ArgumentError,
  NDArray,
  sameQParams,
  sizeOf,
  type QParams,
  type TypedArray,
} from '../../../core/index.js';
import { storageOf, type ValueId } from '../../../graph/index.js';
import { codesOf, offsetOf, type Exporter } from './exporter.js';
import type { Codes, TensorId } from './writer.js';

export type EdgeType = 'float32' | 'int8';

export interface Edges {
  /** The tensor of an input. */
  input(id: ValueId): TensorId;
  /** The tensor of an output; one that is none of `taken`, inputs and outputs before it. */
  output(id: ValueId, taken: ReadonlySet<TensorId>): TensorId;
  /** Arrays of a self-test as the file has them. */
  arrays(
    given: ReadonlyMap<string, NDArray>,
    ids: readonly ValueId[],
    tensors: readonly TensorId[],
  ): Map<string, NDArray>;
}

/** @param inputs @param outputs null: as in the graph */
export function boundary(e: Exporter, inputs: EdgeType | null, outputs: EdgeType | null): Edges {
  const { graph, write } = e;

  /** The codes that an input is quantized to wherever it is read. */
  const quantizedTo = (id: ValueId): readonly [QParams, readonly ValueId[]] => {
    const readers = graph.nodes.filter((node) => node.inputs.includes(id));
    const qparams = readers.map((node) => (node.op === 'quantize' ? e.qparams(node.id) : null));
    const [first] = qparams;
    if (
      graph.outputs.includes(id) ||
      !first ||
      qparams.some((other) => other === null || !sameQParams(first, other))
    )
      throw new ArgumentError(
        `inputs: 'int8' is not possible for ${id}, which the graph reads as floats; leave it out, or quantize the graph`,
      );
    return [first, readers.map((node) => node.id)];
  };

  const copied = (tensor: TensorId, name: string): TensorId =>
    e.reshaped(tensor, write.at(tensor).shape, name);

  const asCodes = (id: ValueId): TensorId => {
    if (e.qparams(id) !== null) return e.value(id);
    const node = graph.nodes.find((n) => n.id === id);
    if (node?.op !== 'dequantize')
      throw new ArgumentError(
        `outputs: 'int8' is not possible for ${id}, which the graph computes in floats; leave it out, or quantize the graph`,
      );
    return e.value(node.inputs[0]);
  };

  return {
    input(id) {
      const shape = e.shape(id);
      const codes = e.codes(id);
      if (inputs === 'int8' && codes === null) {
        const [qparams, readers] = quantizedTo(id);
        const tensor = write.reservedTensor(id, shape, codesOf(qparams));
        e.define(id, tensor);
        for (const reader of readers) e.define(reader, tensor);
        return tensor;
      }
      if (inputs === 'float32' && codes !== null) {
        const real = write.tensor(`${id}/float32`, shape, null);
        const tensor = write.reservedTensor(id, shape, codes);
        write.operator('QUANTIZE', [real], null, [tensor]);
        e.define(id, e.clamp(tensor, id));
        return real;
      }
      const tensor = write.reservedTensor(id, shape, codes);
      e.define(id, tensor);
      return tensor;
    },
    output(id, taken) {
      const tensor = outputs === 'int8' ? asCodes(id) : outputs === 'float32' ? e.real(id) : e.value(id);
      const { data } = write.at(tensor);
      return taken.has(tensor) || data !== null ? copied(tensor, `${id}/output`) : tensor;
    },
    arrays(given, ids, tensors) {
      for (const id of given.keys())
        if (!ids.includes(id))
          throw new ArgumentError(
            `selfTest: ${id} is none of ${ids.join(', ')}, which the graph has at that side`,
          );
      return new Map(
        ids.map((id, i) => {
          const { name, shape, dtype, quantization } = write.at(tensors[i]);
          const array = given.get(id);
          const value = graph.values.get(id)!;
          if (array === undefined || array.dtype !== storageOf(value) || array.size !== sizeOf(shape))
            throw new ArgumentError(
              `selfTest: ${id} needs ${sizeOf(shape)} elements of ${storageOf(value)}${array === undefined ? '' : `; it has ${array.size} of ${array.dtype}`}`,
            );
          const codes = quantization && { ...quantization, dimension: 0 };
          return [name, new NDArray(elements(array, value.qparams, dtype === 'int8' ? codes : null), shape)];
        }),
      );
    },
  };
}

/** From floats (`qparams` null) or codes of the graph to floats (`codes` null) or codes of the file. */
function elements({ data }: NDArray, qparams: QParams | null, codes: Codes | null): TypedArray {
  const numbers = data as ArrayLike<number>;
  if (qparams !== null) {
    const { scale, zeroPoint } = qparams;
    return codes === null
      ? Float32Array.from(numbers, (q) => (q - zeroPoint[0]) * scale[0])
      : Int8Array.from(numbers, (q) => q + offsetOf(qparams));
  }
  if (codes === null) return Float32Array.from(numbers);
  const { scale, zeroPoint } = codes;
  const quantized = (v: number): number => roundHalfEven(Math.fround(v / scale[0])) + zeroPoint[0];
  return Int8Array.from(numbers, (v) => Math.min(Math.max(quantized(v), -128), 127));
}
