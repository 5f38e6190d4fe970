/**
 * A graph of this library as an ONNX model, for the runtimes of ONNX. Integer graphs are written with QuantizeLinear and
 * DequantizeLinear around float ops (QDQ), which ONNX Runtime fuses into its integer kernels. Covers the ops of the
 * networks that are measured; others throw an Error.
 */
import type { QParams } from '../../src/core/index.js';
import {
  isLayer,
  type Activation,
  type Graph,
  type LayerNode,
  type Node,
  type ValueId,
} from '../../src/graph/index.js';
import type { Data } from '../types.js';
import { channelsFirst } from './layout.js';
import { ModelBuilder } from './model.js';

class Exporter {
  readonly #graph: Graph;
  readonly #builder = new ModelBuilder();
  /** The ONNX value, float, that stands for a value of the graph. */
  readonly #names = new Map<ValueId, string>();
  /** Flattened images, whose elements are in another order: [cells, channels]. */
  readonly #flattened = new Map<ValueId, readonly [number, number]>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  export(): Uint8Array {
    const { inputs, outputs, nodes } = this.#graph;
    const b = this.#builder;
    const [, height, width, channels] = this.#shape(inputs[0]);
    this.#names.set(inputs[0], b.input('x', 'float32', [1, channels, height, width]));
    for (const node of nodes) this.#names.set(node.id, this.#quantized(node.id, this.#node(node)));
    b.node('Identity', [this.#names.get(outputs[0])!], {}, { output: 'y' });
    b.output('y', 'float32', this.#shape(outputs[0]));
    return b.bytes();
  }

  #shape(id: ValueId): readonly number[] {
    return this.#graph.values.get(id)!.shape;
  }

  #scales(q: QParams, zeroPoints: Data): [string, string] {
    const shape = q.axis === null ? [] : [q.scale.length];
    return [this.#builder.constant(q.scale, shape), this.#builder.constant(zeroPoints, shape)];
  }

  /** Rounds to the codes of a value, where it has any. */
  #quantized(id: ValueId, name: string): string {
    const q = this.#graph.values.get(id)!.qparams;
    if (q === null) return name;
    const zero = q.quantMin < 0 ? Int8Array.from(q.zeroPoint) : Uint8Array.from(q.zeroPoint);
    const scales = this.#scales(q, zero);
    const codes = this.#builder.node('QuantizeLinear', [name, ...scales]);
    return this.#builder.node('DequantizeLinear', [codes, ...scales]);
  }

  /** A parameter as a float value: as it is, or dequantized from its codes along axis 0. */
  #param(id: string, data: Data, shape: readonly number[]): string {
    const b = this.#builder;
    const { qparams: q } = this.#graph.params.get(id)!;
    const name = b.constant(data, shape, id);
    if (q === null) return name;
    const zero = data instanceof Int8Array ? Int8Array.from(q.zeroPoint) : q.zeroPoint;
    return b.node('DequantizeLinear', [name, ...this.#scales(q, zero)], q.axis === null ? {} : { axis: 0 });
  }

  #layer(node: LayerNode): { weight: string; rest: string[] } {
    const { array } = this.#graph.params.get(node.weight)!;
    const data = array.data as Float32Array;
    let weight: string;
    if (node.op === 'conv2d') {
      const [o, h, w, i] = array.shape;
      weight = this.#param(node.weight, channelsFirst(data, o, h * w, i), [o, i, h, w]);
    } else {
      const flat = this.#flattened.get(node.inputs[0]);
      const rows = array.shape[0];
      const moved = flat === undefined ? data : channelsFirst(data, rows, flat[0], flat[1]);
      weight = this.#param(node.weight, moved, array.shape);
    }
    if (node.bias === null) return { weight, rest: [] };
    const bias = this.#graph.params.get(node.bias)!.array;
    return { weight, rest: [this.#param(node.bias, bias.data as Data, bias.shape)] };
  }

  #activate(activation: Activation, name: string): string {
    const b = this.#builder;
    if (activation === 'none') return name;
    if (activation === 'relu') return b.node('Relu', [name]);
    return b.node('Clip', [name, b.constant(Float32Array.of(0), []), b.constant(Float32Array.of(6), [])]);
  }

  #node(node: Node): string {
    const b = this.#builder;
    const inputs = node.inputs.map((id) => this.#names.get(id)!);
    if (isLayer(node) && node.batchNorm !== null) throw new Error(`${node.id}: fold batch norm first`);
    switch (node.op) {
      case 'quantize':
      case 'dequantize':
        return inputs[0];
      case 'conv2d': {
        const { weight, rest } = this.#layer(node);
        const y = b.node('Conv', [inputs[0], weight, ...rest], {
          strides: node.stride,
          pads: pads(node.padding),
          dilations: node.dilation,
          group: node.groups,
        });
        return this.#activate(node.activation, y);
      }
      case 'linear': {
        const { weight, rest } = this.#layer(node);
        return this.#activate(node.activation, b.node('Gemm', [inputs[0], weight, ...rest], { transB: 1 }));
      }
      case 'activation':
        return this.#activate(node.activation, inputs[0]);
      case 'add':
        return this.#activate(node.activation, b.node('Add', inputs));
      case 'maxPool2d':
        return b.node('MaxPool', inputs, {
          kernel_shape: node.kernel,
          strides: node.stride,
          pads: pads(node.padding),
          dilations: node.dilation,
        });
      case 'avgPool2d':
        return b.node('AveragePool', inputs, {
          kernel_shape: node.kernel,
          strides: node.stride,
          pads: pads(node.padding),
          count_include_pad: Number(node.countIncludePad),
        });
      case 'globalAvgPool': {
        const mean = this.#quantized(node.id, b.node('GlobalAveragePool', inputs));
        return node.keepdim ? mean : b.node('Flatten', [mean]);
      }
      case 'reshape': {
        const [, height, width, channels] = this.#shape(node.inputs[0]);
        if (this.#shape(node.id).length !== 2) throw new Error(`${node.id}: only images are flattened here`);
        if (channels !== undefined) this.#flattened.set(node.id, [height * width, channels]);
        return b.node('Flatten', inputs);
      }
      default:
        throw new Error(`${node.op} is not written to ONNX here`);
    }
  }
}

/** ONNX: all beginnings, then all ends. */
function pads([top, bottom, left, right]: readonly [number, number, number, number]): readonly number[] {
  return [top, left, bottom, right];
}

/** An ONNX model with one float input `x` [1, c, h, w] and one float output `y`. Batch norm must be folded. */
export function onnxGraph(graph: Graph): Uint8Array {
  return new Exporter(graph).export();
}
