/**
 * The state of one export: for every value of the graph the tensor of the file that holds it, and the steps that all nodes
 * are written with. Images are [n, h, w, c] in the graph and [n, c, h, w] in the file, so a tensor is read as a view, a value
 * whose axes lie in another order; a Transpose is written only where a node needs an order that no tensor has.
 */
import {
  GraphError,
  invertPerm,
  isIdentity,
  keepsOrder,
  permuteArray,
  sizeOf,
  type NDArray,
  type QParams,
  type Shape,
} from '../../../core/index.js';
import type { Activation, Graph, NodeOf, ParamId, ValueId } from '../../../graph/index.js';
import { OnnxBuilder, type Attributes } from './builder.js';
import { asFloats, codesFrom, storageFor, type CodeType, type Storage } from './codes.js';
import { between, identity, NHWC_IN_NCHW, type Tensor, type View } from './view.js';

export interface ExporterOptions {
  readonly style: 'qdq' | 'qoperator';
  readonly activations: CodeType | null;
}

export class Exporter {
  readonly graph: Graph;
  readonly style: 'qdq' | 'qoperator';
  readonly build: OnnxBuilder;
  readonly #activations: CodeType | null;
  readonly #views = new Map<ValueId, View>();
  readonly #constants = new Map<ValueId, NodeOf<'constant'>>();
  /** Tensors by what they hold: `value order`. */
  readonly #known = new Map<string, Tensor>();
  readonly #reals = new Map<string, string>();
  readonly #scales = new Map<string, readonly [string, string]>();
  readonly #labelled: Set<ValueId>;
  readonly #edge: (id: ValueId) => readonly number[];

  /** @param edge the order of axes in which inputs and outputs stand in the file */
  constructor(
    graph: Graph,
    { style, activations }: ExporterOptions,
    edge: (id: ValueId) => readonly number[],
  ) {
    this.graph = graph;
    this.#labelled = new Set(graph.inputs);
    this.style = style;
    this.#activations = activations;
    this.#edge = edge;
    this.build = new OnnxBuilder(graph.values.keys());
  }

  qparams(id: ValueId): QParams | null {
    return this.graph.values.get(id)!.qparams;
  }

  storage(qp: QParams): Storage {
    return storageFor(qp, this.#activations);
  }

  /** Says where a value is. */
  define(id: ValueId, view: View): void {
    this.#views.set(id, view);
    this.build.settle(view.tensor.name);
    if (!view.flat) this.#known.set(`${id} ${view.perm.join()}`, view.tensor);
  }

  constant(node: NodeOf<'constant'>): void {
    this.#constants.set(node.id, node);
  }

  isConstant(id: ValueId): boolean {
    return this.#constants.has(id);
  }

  /** A value as it lies in the file. */
  view(id: ValueId): View {
    const view = this.#views.get(id);
    if (view !== undefined) return view;
    const perm = identity(this.graph.values.get(id)!.shape.length);
    return { tensor: this.read(id, perm), perm, flat: false };
  }

  /** As {@link view}, but never flat. */
  unflattened(id: ValueId): View {
    const view = this.view(id);
    return view.flat ? { tensor: this.plain(id), perm: [0, 1], flat: false } : view;
  }

  /** A value in the graph's own order of axes. */
  plain(id: ValueId): Tensor {
    return this.read(id, identity(this.graph.values.get(id)!.shape.length));
  }

  channelsFirst(id: ValueId): Tensor {
    return this.read(id, NHWC_IN_NCHW);
  }

  /** A value in an order of axes: a tensor that is there, or a Transpose of it. */
  read(id: ValueId, perm: readonly number[]): Tensor {
    const key = `${id} ${perm.join()}`;
    let tensor = this.#known.get(key);
    if (tensor === undefined) {
      const constant = this.#constants.get(id);
      tensor = constant === undefined ? this.#reorder(id, perm) : this.#place(constant, perm);
      this.build.settle(tensor.name);
      this.#known.set(key, tensor);
    }
    return tensor;
  }

  #reorder(id: ValueId, perm: readonly number[]): Tensor {
    const view = this.#views.get(id)!;
    const order = view.flat ? view.perm : between(view.perm, perm);
    const { shape } = view.tensor;
    const turned = order.map((axis) => shape[axis]);
    const rest = view.flat ? [turned[0], sizeOf(turned.slice(1))] : turned;
    let { tensor } = view;
    if (!keepsOrder(shape, order)) {
      tensor = this.move(tensor, 'Transpose', `${id}/transposed`, turned, [], { perm: order });
      if (view.flat) tensor = this.reshape(tensor, rest, `${id}/flat`);
    } else if (view.flat || !isIdentity(order)) tensor = this.reshape(tensor, rest, `${id}/reshaped`);
    return this.#named(tensor, id, perm);
  }

  #place({ id, param }: NodeOf<'constant'>, perm: readonly number[]): Tensor {
    const array = permuteArray(this.graph.params.get(param)!.array, invertPerm(perm));
    const qparams = this.qparams(id);
    if (qparams === null)
      return {
        name: this.build.floats(param, asFloats(array.data), array.shape),
        shape: array.shape,
        qparams,
      };
    const { dtype, offset } = this.storage(qparams);
    const name = this.build.constant(param, dtype, array.shape, codesFrom(dtype, array.data, offset));
    return { name, shape: array.shape, qparams };
  }

  /** Gives a tensor of the last node the name of the value, where it is free and the tensor is what an output has to be. */
  #named(tensor: Tensor, id: ValueId, perm: readonly number[]): Tensor {
    const wanted = !this.graph.outputs.includes(id) || this.#edge(id).join() === perm.join();
    if (!wanted || this.#labelled.has(id)) return tensor;
    this.#labelled.add(id);
    return { ...tensor, name: this.build.label(tensor.name, id) };
  }

  /** Names of the scale and the zero point of a value; `name` is for new ones. */
  scales(qp: QParams, name: string): readonly [string, string] {
    const { dtype, zeroPoint } = this.storage(qp);
    const key = `${dtype} ${qp.scale[0]} ${zeroPoint}`;
    let names = this.#scales.get(key);
    if (names === undefined) {
      names = [
        this.build.floats(`${name}/scale`, qp.scale, []),
        this.build.constant(`${name}/zero_point`, dtype, [], codesFrom(dtype, [zeroPoint])),
      ];
      this.#scales.set(key, names);
    }
    return names;
  }

  /** The name of a tensor as floats. */
  real(tensor: Tensor): string {
    const { name } = tensor;
    let real = this.#reals.get(name);
    if (real === undefined) {
      real = this.build.settle(this.dequantize(tensor));
      this.#reals.set(name, real);
    }
    return real;
  }

  /** As {@link real}, but a new tensor. */
  dequantize({ name, qparams }: Tensor): string {
    if (qparams === null) return name;
    const inputs = [name, ...this.scales(qparams, name)];
    return this.build.node('DequantizeLinear', `${name}/dequantized`, inputs);
  }

  /** Floats as a value has them: as they are, or as its codes, clamped to those that it takes. */
  quantize(real: string, name: string, qparams: QParams | null): string {
    if (qparams === null) return real;
    const codes = this.build.node('QuantizeLinear', `${name}/codes`, [real, ...this.scales(qparams, name)]);
    return this.clampCodes(codes, name, qparams);
  }

  clampCodes(codes: string, name: string, qparams: QParams): string {
    const { dtype, min, max, lowest, highest } = this.storage(qparams);
    if (min === lowest && max === highest) return codes;
    const bound = (what: string, code: number): string =>
      this.build.constant(`${name}/${what}`, dtype, [], codesFrom(dtype, [code]));
    return this.build.node('Clip', `${name}/clipped`, [codes, bound('min', min), bound('max', max)]);
  }

  /** A node that puts elements elsewhere: on the codes themselves, or in QDQ on what they stand for. */
  move(
    x: Tensor,
    opType: string,
    name: string,
    shape: Shape,
    inputs: readonly string[],
    attributes: Attributes = {},
  ): Tensor {
    const { qparams } = x;
    if (qparams === null || this.style === 'qoperator')
      return { name: this.build.node(opType, name, [x.name, ...inputs], attributes), shape, qparams };
    const moved = this.build.node(opType, `${name}/moved`, [this.real(x), ...inputs], attributes);
    const scales = this.scales(qparams, x.name);
    return { name: this.build.node('QuantizeLinear', name, [moved, ...scales]), shape, qparams };
  }

  /** @param target what the Reshape is told, if not the shape with the batch left as it is */
  reshape(x: Tensor, shape: Shape, name: string, target = this.batched(shape)): Tensor {
    return this.move(x, 'Reshape', name, shape, [this.build.int64s(`${name}/shape`, target)]);
  }

  /** A shape as Reshape takes it: 0 is the size that the input has there. */
  batched(shape: Shape, free = 0): number[] {
    return this.graph.batch === 'fixed' ? [...shape] : [free, ...shape.slice(1)];
  }

  /** The clamp of a layer; as Relu where the codes of the value end it at 6 anyway. */
  activate(real: string, activation: Activation, name: string, qparams: QParams | null): string {
    if (activation === 'none') return real;
    const ended = qparams !== null && this.#endsAt6(qparams);
    if (activation === 'relu' || ended) return this.build.node('Relu', `${name}/relu`, [real]);
    const bounds = [this.build.floats(`${name}/0`, [0], []), this.build.floats(`${name}/6`, [6], [])];
    return this.build.node('Clip', `${name}/relu6`, [real, ...bounds]);
  }

  /** Whether the codes of a value cannot leave the range of an activation. */
  impliedBy(qp: QParams, activation: Activation): boolean {
    if (activation === 'none') return true;
    const { zeroPoint, lowest } = this.storage(qp);
    return zeroPoint === lowest && (activation === 'relu' || this.#endsAt6(qp));
  }

  /** Whether 6 has the highest code. */
  #endsAt6(qp: QParams): boolean {
    const { zeroPoint, highest } = this.storage(qp);
    // 0.49: beyond doubt, whatever the rounding
    return (highest - zeroPoint - 0.49) * qp.scale[0] <= 6;
  }

  /** The value of a node from the float result of its op: activation, codes, name. */
  result(
    node: { readonly id: ValueId; readonly activation?: Activation },
    real: string,
    shape: Shape,
    perm: readonly number[] = identity(shape.length),
    flat = false,
  ): View {
    const { id, activation = 'none' } = node;
    const qparams = this.qparams(id);
    const active = this.activate(real, activation, id, qparams);
    return this.hold(id, { name: this.quantize(active, id, qparams), shape, qparams }, perm, flat);
  }

  /** The value of a node, of a tensor that was made for it. */
  hold(
    id: ValueId,
    tensor: Tensor,
    perm: readonly number[] = identity(tensor.shape.length),
    flat = false,
  ): View {
    return { tensor: flat ? tensor : this.#named(tensor, id, perm), perm, flat };
  }

  /** An array of the graph's parameters as floats, for what no integer kernel reads. */
  parameter(id: ParamId): NDArray {
    const param = this.graph.params.get(id);
    if (param === undefined) throw new GraphError(`parameter ${id} is missing`);
    return param.array;
  }

  /** The tensor of a graph output, in the order of the edge and under the value's name where that is free. */
  output(id: ValueId): Tensor {
    const tensor = this.read(id, this.#edge(id));
    if (tensor.name === id && !this.graph.inputs.includes(id)) return tensor;
    const copy = this.build.node('Identity', `${id}/output`, [tensor.name]);
    return { ...tensor, name: this.#labelled.has(id) ? copy : this.build.label(copy, id) };
  }
}
