/** A graph that runs through the ops, so it trains like the model it came from. */
import { Tensor } from '../autograd/index.js';
import { ArgumentError, GraphError, loadStateInto, type NDArray, type StateDict } from '../core/index.js';
import { isLayer, paramsOf, type Graph, type Node, type ParamId, type ValueId } from '../graph/index.js';
import { persistent } from '../ops/index.js';
import { executeNode, type ParamTensors } from './execute.js';

/** Parameters that are statistics, not weights: no gradient. */
function bufferIds(graph: Graph): Set<ParamId> {
  const ids = new Set<ParamId>();
  for (const node of graph.nodes) {
    const bn = node.op === 'batchNorm' ? node : isLayer(node) ? node.batchNorm : null;
    if (bn !== null) ids.add(bn.mean).add(bn.variance);
  }
  return ids;
}

/** The parameters that are tensors of the module; codes that a layer computes with are the graph's alone. */
function tensorsOf(node: Node): ParamId[] {
  return paramsOf(node).filter((id) => node.op !== 'dynamicLinear' || id !== node.weight);
}

export class GraphModule implements ParamTensors {
  readonly graph: Graph;
  training = true;
  readonly #tensors: Map<ParamId, Tensor>;
  readonly #buffers: Set<ParamId>;

  /** Weights are shared with the graph, not copied; see {@link cloneParams}. */
  constructor(graph: Graph) {
    this.graph = graph;
    this.#buffers = bufferIds(graph);
    const used = new Set(graph.nodes.flatMap(tensorsOf));
    this.#tensors = new Map(
      [...graph.params.values()]
        .filter(({ id }) => used.has(id))
        .map(({ id, array }) => [id, new Tensor(array, { requiresGrad: !this.#buffers.has(id) })]),
    );
  }

  /** Counts a tensor that the graph does not name among the parameters, or without a gradient among the buffers. */
  protected adopt(id: ParamId, tensor: Tensor): void {
    this.#tensors.set(id, tensor);
    if (!tensor.requiresGrad) this.#buffers.add(id);
  }

  tensor(id: ParamId): Tensor {
    const t = this.#tensors.get(id);
    if (t === undefined) throw new ArgumentError(`${id} is not a parameter of this graph`);
    return t;
  }

  *namedParameters(): IterableIterator<[string, Tensor]> {
    for (const entry of this.#tensors) if (!this.#buffers.has(entry[0])) yield entry;
  }

  parameters(): Tensor[] {
    return [...this.namedParameters()].map(([, t]) => t);
  }

  *namedBuffers(): IterableIterator<[string, Tensor]> {
    for (const entry of this.#tensors) if (this.#buffers.has(entry[0])) yield entry;
  }

  /** A copy of all parameters and statistics. */
  stateDict(): Map<ParamId, NDArray> {
    return new Map(Array.from(this.#tensors, ([id, t]) => [id, t.value.clone()]));
  }

  /** Copies saved values in; nothing is changed unless everything fits. */
  loadStateDict(state: StateDict): void {
    loadStateInto(new Map(Array.from(this.#tensors, ([id, t]) => [id, t.value])), state, true);
  }

  train(on = true): this {
    this.training = on;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /**
   * Runs a graph of one input. Gives its output, or where it has several a list of them, in the order of `graph.outputs`:
   * what the model that was traced gives. Which of the two, the graph knows and the caller says: `forward<Tensor[]>(x)`.
   */
  forward<Output extends Tensor | readonly Tensor[] = Tensor>(x: Tensor): Output {
    const { inputs, outputs } = this.graph;
    if (inputs.length !== 1)
      throw new GraphError(`forward: the graph has ${inputs.length} inputs; use runAll`);
    const values = this.runAll(new Map([[inputs[0], x]]));
    const results = outputs.map((id) => values.get(id)!);
    return (results.length === 1 ? results[0] : results) as Output;
  }

  /** Every value of the graph for the given inputs. */
  runAll(inputs: ReadonlyMap<ValueId, Tensor>): Map<ValueId, Tensor> {
    const values = new Map<ValueId, Tensor>();
    for (const id of this.graph.inputs) {
      const x = inputs.get(id);
      if (x === undefined) throw new ArgumentError(`inputs: ${id} is missing; give every input of the graph`);
      values.set(id, this.enter(id, x));
    }
    for (const node of this.graph.nodes) {
      const xs = node.inputs.map((id) => values.get(id)!);
      values.set(node.id, this.runNode(node, xs));
    }
    return values;
  }

  /** The value of an input of the graph, made from what is given for it. */
  enter(_id: ValueId, x: Tensor): Tensor {
    return x;
  }

  /** The value of one node, made from the values it reads: `runAll` a step at a time. */
  runNode(node: Node, xs: readonly Tensor[]): Tensor {
    return executeNode(node, xs, this, this.training);
  }
}

/** A graph whose parameters are copies, in the memory of the kernels: training one does not change the other. */
export function cloneParams(graph: Graph): Graph {
  const copy = (a: NDArray): NDArray => persistent(() => a.astype(a.dtype));
  const params = new Map([...graph.params].map(([id, p]) => [id, { ...p, array: copy(p.array) }]));
  return { ...graph, params };
}
