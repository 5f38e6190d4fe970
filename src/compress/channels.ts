/**
 * Which channels of a network belong together: what one channel of a layer touches, through activations, depthwise layers,
 * residual sums, concatenations and flattening, up to the weights that read it.
 */
import type { NDArray } from '../core/index.js';
import {
  isLayer,
  type BatchNormRef,
  type Graph,
  type LayerNode,
  type Node,
  type NodeOf,
  type ParamId,
  type ValueId,
} from '../graph/index.js';

/** Channels that can only be kept or removed together are one unit. */
export type Unit = number;

/** One axis of a parameter. 'makes': with these entries 0 the channel is 0; 'follows': the others. */
export interface Label {
  readonly axis: number;
  readonly units: readonly Unit[];
  readonly role: 'makes' | 'follows';
}

export class Channels {
  /** Of the last axis of each value. */
  readonly values = new Map<ValueId, readonly Unit[]>();
  readonly labels = new Map<ParamId, Label[]>();
  readonly #graph: Graph;
  readonly #parents: Unit[] = [];
  readonly #kept = new Set<Unit>();

  constructor(graph: Graph) {
    this.#graph = graph;
    for (const id of graph.inputs) this.values.set(id, this.#keep(this.#fresh(this.#size(id))));
    for (const node of graph.nodes) this.values.set(node.id, this.#through(node));
    for (const id of graph.outputs) this.#keep(this.values.get(id)!);
  }

  /** The unit that stands for all it was joined with. */
  find(unit: Unit): Unit {
    while (this.#parents[unit] !== unit) unit = this.#parents[unit];
    return unit;
  }

  /** Whether the network needs the unit: inputs, outputs, and what ops read that do not treat channels alike. */
  isKept(unit: Unit): boolean {
    return this.#kept.has(this.find(unit));
  }

  #size(id: ValueId): number {
    return this.#graph.values.get(id)!.shape.at(-1) ?? 1;
  }

  #array(id: ParamId): NDArray {
    return this.#graph.params.get(id)!.array;
  }

  #fresh(count: number): Unit[] {
    return Array.from({ length: count }, () => this.#parents.push(this.#parents.length) - 1);
  }

  #keep(units: readonly Unit[]): readonly Unit[] {
    for (const unit of units) this.#kept.add(this.find(unit));
    return units;
  }

  #join(a: readonly Unit[], b: readonly Unit[]): readonly Unit[] {
    a.forEach((unit, i) => {
      const [x, y] = [this.find(unit), this.find(b[i])];
      this.#parents[y] = x;
      if (this.#kept.has(y)) this.#kept.add(x);
    });
    return a;
  }

  #label(param: ParamId, axis: number, units: readonly Unit[], role: Label['role']): void {
    const labels = this.labels.get(param) ?? [];
    const same = labels.find((label) => label.axis === axis);
    // a parameter that two nodes read
    if (same !== undefined) this.#join(same.units, units);
    else this.labels.set(param, [...labels, { axis, units, role }]);
  }

  #batchNorm(bn: BatchNormRef, units: readonly Unit[]): void {
    for (const id of [bn.gamma, bn.beta]) this.#label(id, 0, units, 'makes');
    for (const id of [bn.mean, bn.variance]) this.#label(id, 0, units, 'follows');
  }

  /** The units of what a node makes. */
  #through(node: Node): readonly Unit[] {
    const inputs = node.inputs.map((id) => this.values.get(id)!);
    const [x] = inputs;
    if (isLayer(node)) return this.#layer(node, x);
    switch (node.op) {
      case 'batchNorm':
        this.#batchNorm(node, x);
        return x;
      case 'prelu':
        this.#label(node.slope, 0, x, 'follows');
        return x;
      case 'constant': {
        const units = this.#fresh(this.#size(node.id));
        const { rank } = this.#array(node.param);
        if (rank === 0) return this.#keep(units);
        this.#label(node.param, rank - 1, units, 'makes');
        return units;
      }
      case 'add':
      case 'sub':
      case 'mul':
        return this.#sum(node.op, inputs);
      case 'concat':
        if (node.axis === this.#graph.values.get(node.id)!.shape.length - 1) return inputs.flat();
        return inputs.reduce((a, b) => this.#join(a, b));
      case 'reshape': {
        const size = this.#size(node.id);
        // flattened pixels, or axes of size 1 that come and go: element i is of channel i mod c
        if (size % x.length === 0) return Array.from({ length: size }, (_, i) => x[i % x.length]);
        break;
      }
      case 'reduce':
        if (!node.axes.includes(this.#graph.values.get(node.inputs[0])!.shape.length - 1)) return x;
        break;
      case 'pad':
        if (node.value === 0 && node.pads.at(-1)!.every((n) => n === 0)) return x;
        break;
      case 'unary':
        if (keepsZero(node)) return x;
        break;
      case 'activation':
      case 'maxPool2d':
      case 'avgPool2d':
      case 'globalAvgPool':
      case 'resize':
        return x;
    }
    for (const units of inputs) this.#keep(units);
    return this.#keep(this.#fresh(this.#size(node.id)));
  }

  #layer(node: LayerNode, x: readonly Unit[]): readonly Unit[] {
    const { shape } = this.#array(node.weight);
    const groups = node.op === 'conv2d' ? node.groups : 1;
    const perGroup = shape[0] / groups;
    const depthwise = groups > 1 && groups === x.length;
    const made = depthwise
      ? Array.from({ length: shape[0] }, (_, o) => x[Math.floor(o / perGroup)])
      : this.#fresh(shape[0]);
    if (groups === 1) this.#label(node.weight, shape.length - 1, x, 'follows');
    else if (!depthwise) {
      this.#keep(x);
      this.#keep(made);
    }
    this.#label(node.weight, 0, made, 'makes');
    if (node.bias !== null) this.#label(node.bias, 0, made, 'makes');
    if (node.batchNorm !== null) this.#batchNorm(node.batchNorm, made);
    return made;
  }

  /** Operands of as many channels are joined; one channel that is spread over others stays. */
  #sum(op: 'add' | 'sub' | 'mul', [a, b]: readonly (readonly Unit[])[]): readonly Unit[] {
    if (a.length === b.length) return this.#join(a, b);
    const [one, many] = a.length === 1 ? [a, b] : [b, a];
    this.#keep(one);
    // 0 + y is not 0, 0 * y is
    return op === 'mul' ? many : this.#keep(many);
  }
}

/** Whether f(0) = 0, so that a channel of zeros stays one. */
function keepsZero({ fn, alpha, beta }: NodeOf<'unary'>): boolean {
  switch (fn) {
    case 'clip':
      return alpha <= 0 && beta >= 0;
    case 'pow':
      return alpha > 0;
    default:
      return ['tanh', 'hardswish', 'silu', 'leakyRelu', 'elu', 'sqrt', 'abs', 'neg'].includes(fn);
  }
}
