/**
 * The state of one export: for every value of the graph the tensor of the file that holds it, and the steps that all nodes
 * are written with. Codes are int8 in the file; unsigned codes are moved down by 128, which changes no number.
 */
import { sizeOf, type QParams, type Shape } from '../../../core/index.js';
import {
  shapeAt,
  type Activation,
  type Graph,
  type Node,
  type Param,
  type ValueId,
} from '../../../graph/index.js';
import type { TfliteActivation } from '../schema.js';
import type { TfliteBuiltin, TfliteOptionsOf } from '../types.js';
import { TfliteWriter, type Codes, type TensorId } from './writer.js';

export interface ExporterOptions {
  readonly batch: number;
  readonly functions: 'operators' | 'tables';
  readonly perChannelLinear: 'refuse' | 'convolution' | 'fullyConnected';
}

export const ACTIVATIONS: Readonly<Record<Activation, TfliteActivation>> = {
  none: 'NONE',
  relu: 'RELU',
  relu6: 'RELU6',
};

/** What codes of the graph are moved by in the file. */
export function offsetOf({ quantMin }: QParams): number {
  return quantMin < 0 ? 0 : -128;
}

export function codesOf(qp: QParams): Codes {
  return { scale: qp.scale, zeroPoint: qp.zeroPoint.map((z) => z + offsetOf(qp)), dimension: qp.axis ?? 0 };
}

const sameCodes = (a: Codes, b: Codes): boolean =>
  a.scale[0] === b.scale[0] && a.zeroPoint[0] === b.zeroPoint[0];

export class Exporter {
  readonly graph: Graph;
  readonly options: ExporterOptions;
  readonly write: TfliteWriter;
  readonly #tensors = new Map<ValueId, TensorId>();
  readonly #reals = new Map<TensorId, TensorId>();

  constructor(graph: Graph, options: ExporterOptions) {
    this.graph = graph;
    this.options = options;
    this.write = new TfliteWriter(graph.values.keys());
  }

  /** The tensor that holds a value. */
  value(id: ValueId): TensorId {
    return this.#tensors.get(id)!;
  }

  define(id: ValueId, tensor: TensorId): void {
    this.#tensors.set(id, tensor);
  }

  isDefined(id: ValueId): boolean {
    return this.#tensors.has(id);
  }

  qparams(id: ValueId): QParams | null {
    return this.graph.values.get(id)!.qparams;
  }

  codes(id: ValueId): Codes | null {
    const qparams = this.qparams(id);
    return qparams === null ? null : codesOf(qparams);
  }

  /** With the batch of the file. */
  shape(id: ValueId): Shape {
    return shapeAt(this.graph, id, this.options.batch);
  }

  param(id: string): Param {
    return this.graph.params.get(id)!;
  }

  /** Whether a node computes codes from codes. */
  isInteger(node: Node): boolean {
    return [...node.inputs, node.id].every((id) => this.qparams(id) !== null);
  }

  /** Adds an operator of one output. */
  operator<O extends TfliteBuiltin>(
    op: O,
    inputs: readonly TensorId[],
    options: TfliteOptionsOf<O>,
    name: string,
    shape: Shape,
    codes: Codes | null,
  ): TensorId {
    const output = this.write.tensor(name, shape, codes);
    this.write.operator(op, inputs, options, [output]);
    return output;
  }

  /** The value of a node, made by an operator on tensors that are like it: codes, or floats. */
  node<O extends TfliteBuiltin>(
    node: Node,
    op: O,
    inputs: readonly TensorId[],
    options: TfliteOptionsOf<O>,
  ): TensorId {
    const shape = this.shape(node.id);
    const qparams = this.qparams(node.id);
    const codes = this.codes(node.id);
    if (qparams !== null && !fillsInt8(qparams))
      return this.clamp(this.operator(op, inputs, options, `${node.id}/wide`, shape, codes), node.id);
    const output = this.write.reservedTensor(node.id, shape, codes);
    this.write.operator(op, inputs, options, [output]);
    return output;
  }

  /** As {@link node}, of floats; the result is quantized where the value of the node is. */
  realNode<O extends TfliteBuiltin>(
    node: Node,
    op: O,
    inputs: readonly TensorId[],
    options: TfliteOptionsOf<O>,
  ): TensorId {
    if (this.qparams(node.id) === null) return this.node(node, op, inputs, options);
    const real = this.operator(op, inputs, options, `${node.id}/real`, this.shape(node.id), null);
    return this.node(node, 'QUANTIZE', [real], null);
  }

  /** A value as floats. */
  real(id: ValueId): TensorId {
    const tensor = this.value(id);
    if (this.qparams(id) === null) return tensor;
    let real = this.#reals.get(tensor);
    if (real === undefined) {
      real = this.operator('DEQUANTIZE', [tensor], null, `${id}/real`, this.shape(id), null);
      this.#reals.set(tensor, real);
    }
    return real;
  }

  /** A tensor in other codes. */
  requantized(tensor: TensorId, from: Codes, to: Codes, name: string): TensorId {
    if (sameCodes(from, to)) return tensor;
    return this.operator('QUANTIZE', [tensor], null, name, this.write.at(tensor).shape, to);
  }

  /** The value of a node from a tensor of other codes. */
  converted(node: Node, tensor: TensorId, from: Codes): TensorId {
    if (!sameCodes(from, this.codes(node.id)!)) return this.node(node, 'QUANTIZE', [tensor], null);
    return fillsInt8(this.qparams(node.id)!) ? tensor : this.clamp(tensor, node.id);
  }

  /** Keeps codes in the range of a value that does not use all of int8. */
  clamp(tensor: TensorId, id: ValueId): TensorId {
    const qparams = this.qparams(id)!;
    const codes = this.codes(id);
    const offset = offsetOf(qparams);
    const bound = (code: number): TensorId =>
      this.write.constant(`${id}/${code}`, 'int8', [1], Int8Array.of(code), codes);
    const [low, high] = [qparams.quantMin + offset, qparams.quantMax + offset];
    const shape = this.shape(id);
    let clamped = tensor;
    if (low > -128)
      clamped = this.operator('MAXIMUM', [clamped, bound(low)], null, `${id}/low`, shape, codes);
    if (high < 127)
      clamped = this.operator('MINIMUM', [clamped, bound(high)], null, `${id}/high`, shape, codes);
    return clamped;
  }

  /** A float that broadcasts to every shape. */
  scalar(value: number): TensorId {
    return this.write.constant(`float ${value}`, 'float32', [1], Float32Array.of(value));
  }

  /** A reshape of a tensor, in its own codes. */
  reshaped(tensor: TensorId, shape: Shape, name: string): TensorId {
    const { quantization } = this.write.at(tensor);
    const codes = quantization && { ...quantization, dimension: quantization.quantizedDimension };
    return this.operator(
      'RESHAPE',
      [tensor, this.write.int32s(shape)],
      { newShape: shape },
      name,
      shape,
      codes,
    );
  }

  /** How many elements a value has. */
  size(id: ValueId): number {
    return sizeOf(this.shape(id));
  }
}

export function fillsInt8(qp: QParams): boolean {
  return qp.quantMax - qp.quantMin === 255;
}
