/**
 * Removes transposes: each is carried along as a view of the value before it, through every node that can work in another
 * order of axes, until it meets its inverse or a node that needs the order. Networks of NCHW formats, whose convolutions are
 * NHWC here between two transposes, come out as NHWC networks.
 */
import {
  invertPerm,
  isIdentity,
  keepsOrder,
  permuteArray,
  sizeOf,
  type NDArray,
  type Shape,
} from '../../core/index.js';
import { GraphBuilder, type NodeDraft } from '../builder.js';
import { paramsOf, type Graph, type Node, type NodeOf, type ParamId, type ValueId } from '../ir.js';
import { prune } from './prune.js';

/** A value of the old graph: `base` of the new one, its axes in the order `perm` and then, if `flat`, [n, the rest]. */
interface View {
  readonly base: ValueId;
  readonly perm: readonly number[];
  readonly flat: boolean;
}

const plain = (base: ValueId, rank: number): View => ({
  base,
  perm: Array.from({ length: rank }, (_, i) => i),
  flat: false,
});

const isPlain = ({ perm, flat }: View): boolean => !flat && isIdentity(perm);

/**
 * @param edges 'keep': inputs and outputs as they are. 'nhwc': images that are only read, or only made, through a transpose
 *   from or to NCHW become NHWC themselves
 */
export function removeTransposes(graph: Graph, edges: 'keep' | 'nhwc' = 'keep'): Graph {
  return prune(new Eliminator(graph, edges).run());
}

const NHWC = [0, 2, 3, 1];
const NCHW = [0, 3, 1, 2];
const sameOrder = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((axis, i) => axis === b[i]);

class Eliminator {
  readonly #old: Graph;
  readonly #edges: 'keep' | 'nhwc';
  readonly #new: GraphBuilder;
  readonly #views = new Map<ValueId, View>();
  readonly #exact = new Map<string, ValueId>();
  readonly #params = new Map<ParamId, ParamId>();
  readonly #constants: ReadonlyMap<ValueId, NDArray>;
  readonly #moved = new Map<string, ValueId>();
  /** Values that nodes read. */
  readonly #read: ReadonlySet<ValueId>;
  readonly #uses = new Map<NDArray, number>();

  constructor(graph: Graph, edges: 'keep' | 'nhwc') {
    this.#old = graph;
    this.#edges = edges;
    this.#read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
    this.#new = new GraphBuilder(graph.numerics);
    this.#constants = new Map(
      graph.nodes
        .filter((node) => node.op === 'constant')
        .map(({ id, param }) => [id, graph.params.get(param)!.array]),
    );
    for (const id of graph.nodes.flatMap(paramsOf)) {
      const { array } = graph.params.get(id)!;
      this.#uses.set(array, (this.#uses.get(array) ?? 0) + 1);
    }
  }

  run(): Graph {
    const { inputs, nodes, outputs, values, batch } = this.#old;
    for (const id of inputs) {
      const { shape, qparams } = values.get(id)!;
      const turned = this.#edges === 'nhwc' && this.#readAsNhwc(id);
      const input = this.#new.input(id, turned ? NHWC.map((axis) => shape[axis]) : shape, qparams);
      this.#views.set(id, turned ? { base: input, perm: NCHW, flat: false } : plain(input, shape.length));
    }
    for (const node of nodes) this.#views.set(node.id, this.#visit(node));
    return this.#new.finish(
      outputs.map((id) => {
        const view = this.#view(id);
        const turned = this.#edges === 'nhwc' && !view.flat && sameOrder(view.perm, NCHW);
        return turned ? view.base : this.#materialize(view, id);
      }),
      batch,
    );
  }

  #readAsNhwc(id: ValueId): boolean {
    const readers = this.#old.nodes.filter((node) => node.inputs.includes(id));
    return (
      readers.length > 0 &&
      readers.every((node) =>
        node.op === 'transpose'
          ? sameOrder(node.perm, NHWC)
          : node.op === 'quantize' && this.#readAsNhwc(node.id),
      )
    );
  }

  #view(id: ValueId): View {
    return this.#views.get(id)!;
  }

  #shape(id: ValueId): Shape {
    return this.#new.shape(id);
  }

  /** The value of a view in the new graph, in its own order. */
  #materialize(view: View, name: string): ValueId {
    if (isPlain(view)) return view.base;
    const { base, perm, flat } = view;
    const key = `${base} ${perm.join(' ')} ${flat}`;
    const known = this.#exact.get(key);
    if (known !== undefined) return known;
    const shape = this.#shape(base);
    const qparams = this.#new.qparams(base);
    let id = base;
    let order = perm.map((axis) => shape[axis]);
    if (!keepsOrder(shape, perm))
      id = this.#new.node(
        flat ? `${name}.transpose` : name,
        { op: 'transpose', inputs: [base], perm },
        qparams,
      );
    if (flat) order = [order[0], sizeOf(order.slice(1))];
    if (flat || id === base)
      id = this.#new.node(name, { op: 'reshape', inputs: [id], shape: order }, qparams);
    this.#exact.set(key, id);
    return id;
  }

  /** The new name of a parameter, copied over once. */
  #param(id: ParamId): ParamId {
    let copy = this.#params.get(id);
    if (copy === undefined) {
      const { array, qparams } = this.#old.params.get(id)!;
      this.#params.set(id, (copy = this.#new.param(id, array, qparams)));
    }
    return copy;
  }

  /** Adds a node in place of `node`, with the parameters that it has. */
  #emit(node: Node, changes: object): ValueId {
    const names = new Map(paramsOf(node).map((id) => [id, this.#param(id)]));
    const rename = (value: unknown): unknown => {
      if (typeof value === 'string') return names.get(value) ?? value;
      if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, rename(v)]));
    };
    const { op, inputs, id, ...attrs } = node;
    const draft = { op, inputs, ...(rename(attrs) as object), ...changes } as NodeDraft;
    return this.#new.node(id, draft, this.#old.values.get(id)!.qparams);
  }

  /** A node that needs its inputs as they are. */
  #exactly(node: Node): View {
    const inputs = node.inputs.map((id) => this.#materialize(this.#view(id), id));
    const id = this.#emit(node, { inputs });
    return plain(id, this.#shape(id).length);
  }

  /** A node of one input whose attributes follow the axes. */
  #through(node: Node, view: View, changes: object = {}): View {
    return { ...view, base: this.#emit(node, { inputs: [view.base], ...changes }) };
  }

  #visit(node: Node): View {
    const [x] = node.inputs.map((id) => this.#view(id));
    const last = (x?.perm.length ?? 0) - 1;
    // position in the value of axis i of the base
    const at = x === undefined ? [] : invertPerm(x.perm);
    switch (node.op) {
      case 'transpose':
        return x.flat ? this.#exactly(node) : { ...x, perm: node.perm.map((i) => x.perm[i]) };
      case 'activation':
      case 'unary':
      case 'quantize':
        return this.#through(node, x);
      case 'dequantize':
        return this.#isEdge(node, x) ? this.#exactly(node) : this.#through(node, x);
      case 'softmax':
      case 'lookup':
      case 'prelu':
      case 'batchNorm':
        return x.flat || x.perm[last] !== last ? this.#exactly(node) : this.#through(node, x);
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
      case 'maximum':
      case 'minimum':
        return this.#together(node, () => ({}));
      case 'concat':
        return this.#together(node, (perm) => ({ axis: perm[node.axis] }));
      case 'pad':
        return x.flat ? this.#exactly(node) : this.#through(node, x, { pads: at.map((i) => node.pads[i]) });
      case 'slice': {
        if (x.flat) return this.#exactly(node);
        const { start, step, count } = node;
        return this.#through(node, x, {
          start: at.map((i) => start[i]),
          step: at.map((i) => step[i]),
          count: at.map((i) => count[i]),
        });
      }
      case 'gather':
        return x.flat ? this.#exactly(node) : this.#through(node, x, { axis: x.perm[node.axis] });
      case 'reduce':
        return x.flat ? this.#exactly(node) : this.#reduce(node, x);
      case 'reshape':
        return this.#reshape(node, x);
      case 'linear':
        return x.flat && this.#uses.get(this.#old.params.get(node.weight)!.array) === 1
          ? this.#flatLinear(node, x)
          : this.#exactly(node);
      default:
        return this.#exactly(node);
    }
  }

  /** Whether what comes out is a result that has to be turned: codes are turned before, for kernels do not move floats. */
  #isEdge({ id }: Node, x: View): boolean {
    const turned = this.#edges === 'nhwc' && !x.flat && sameOrder(x.perm, NCHW);
    return !turned && !this.#read.has(id);
  }

  /** A node of several inputs: in the order of axes that they share, constants put into it. */
  #together(node: Node, changes: (perm: readonly number[]) => object): View {
    const views = node.inputs.map((id) => this.#view(id));
    const constants = node.inputs.map((id) => this.#constants.get(id));
    const first = views.find((_, i) => constants[i] === undefined);
    if (first === undefined || first.flat) return this.#exactly(node);
    const { perm } = first;
    const alike = views.every((v, i) => constants[i] !== undefined || (!v.flat && sameOrder(v.perm, perm)));
    if (!alike || isIdentity(perm)) return this.#exactly(node);
    const inputs = views.map((v, i) => {
      const array = constants[i];
      if (array === undefined) return v.base;
      const key = `${v.base} ${perm.join(' ')}`;
      const known = this.#moved.get(key);
      if (known !== undefined) return known;
      const qparams = this.#new.qparams(v.base);
      const moved = this.#new.constant(node.inputs[i], permuteArray(array, invertPerm(perm)), qparams);
      this.#moved.set(key, moved);
      return moved;
    });
    return { base: this.#emit(node, { inputs, ...changes(perm) }), perm, flat: false };
  }

  #reduce(node: NodeOf<'reduce'>, x: View): View {
    const axes = node.axes.map((i) => x.perm[i]).sort((a, b) => a - b);
    const base = this.#emit(node, { inputs: [x.base], axes });
    if (node.keepdim) return { ...x, base };
    const kept = x.perm.filter((axis) => !axes.includes(axis));
    return { base, perm: kept.map((axis) => kept.filter((other) => other < axis).length), flat: false };
  }

  #reshape(node: NodeOf<'reshape'>, x: View): View {
    const shape = this.#shape(x.base);
    if (isPlain(x) || keepsOrder(shape, x.perm)) {
      if (
        !x.flat &&
        isPlain(x) &&
        shape.length === node.shape.length &&
        shape.every((d, i) => d === node.shape[i])
      )
        return x;
      return plain(this.#emit(node, { inputs: [this.#new.reshapeOf(x.base)] }), node.shape.length);
    }
    const flattens = !x.flat && x.perm[0] === 0 && node.shape.length === 2 && node.shape[0] === shape[0];
    return flattens ? { ...x, flat: true } : this.#exactly(node);
  }

  /** A linear layer on a flattened transpose: its weights move instead. */
  #flatLinear(node: NodeOf<'linear'>, x: View): View {
    const shape = this.#shape(x.base);
    const { array, qparams } = this.#old.params.get(node.weight)!;
    const [outputs] = array.shape;
    const order = x.perm.slice(1).map((axis) => axis - 1);
    const asSeen = array.reshape([outputs, ...order.map((axis) => shape[axis + 1])]);
    const moved = permuteArray(asSeen, [0, ...invertPerm(order).map((i) => i + 1)]);
    this.#params.set(node.weight, this.#new.param(node.weight, moved.reshape(array.shape), qparams));
    const flat: Shape = [shape[0], sizeOf(shape.slice(1))];
    const base = this.#new.qparams(x.base);
    const input = this.#new.node(node.inputs[0], { op: 'reshape', inputs: [x.base], shape: flat }, base);
    return plain(this.#emit(node, { inputs: [input] }), 2);
  }
}
