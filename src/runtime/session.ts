/** Runs an integer graph: kernels resolved and weights packed once, then no allocation but the outputs. */
import {
  heap,
  js,
  resolve,
  type Backend,
  type Kernel,
  type OpName,
  type OpParams,
} from '../../kernels/index.js';
import {
  ArgumentError,
  DTypeError,
  formatShape,
  GraphError,
  NDArray,
  sameShape,
  ShapeError,
  type TypedArray,
} from '../core/index.js';
import { validate, type Graph, type Value, type ValueId } from '../graph/index.js';
import { lower, type Bindings } from './lower.js';
import { planArena, type Plan } from './plan.js';

export interface SessionOptions {
  /** Kernels to choose from, first match wins. Default: tuned JavaScript. */
  backend?: Backend;
  /** Images per pass through the graph; longer inputs run in several passes. Default 1. */
  batch?: number;
  /** Keeps every intermediate value readable through {@link Session.tensor}; costs memory. Default false. */
  keep?: boolean;
}

interface Step {
  readonly id: ValueId;
  readonly kernel: string;
  run(): void;
}

export class Session {
  readonly graph: Graph;
  readonly batch: number;
  readonly #keep: boolean;
  readonly #plan: Plan;
  readonly #steps: readonly Step[];

  /** Throws GraphError for a graph that is not an integer graph. */
  constructor(graph: Graph, options: SessionOptions = {}) {
    const { backend = js, batch = 1, keep = false } = options;
    if (!Number.isInteger(batch) || batch < 1)
      throw new ArgumentError(`batch: ${batch} must be a whole number >= 1`);
    this.graph = validate(graph);
    this.batch = batch;
    this.#keep = keep;
    this.#plan = planArena(graph, batch, keep);
    const bindings: Bindings = {
      numerics: graph.numerics,
      value: (id) => {
        const value = this.#value(id);
        return { shape: this.#shape(value, batch), data: this.#array(id), qparams: value.qparams };
      },
      param: (id) => graph.params.get(id)!,
    };
    this.#steps = graph.nodes.flatMap((node) => {
      const call = lower(node, bindings);
      if (call === null) return [];
      const kernel = resolve<OpName>(backend, call.op, call.params) as Kernel<OpName>;
      const run = kernel.prepare(call.params as OpParams[OpName], heap);
      return [{ id: node.id, kernel: kernel.name, run }];
    });
  }

  /** Bytes of the arena, and what the values would take without sharing. */
  get memory(): { readonly arenaBytes: number; readonly unsharedBytes: number } {
    return { arenaBytes: this.#plan.arenaBytes, unsharedBytes: this.#plan.unsharedBytes };
  }

  /** Which kernel each node runs on. */
  get kernels(): readonly { readonly id: ValueId; readonly kernel: string }[] {
    return this.#steps.map(({ id, kernel }) => ({ id, kernel }));
  }

  /**
   * Runs a graph of one input and one output.
   * @param x shape [n, ...] with the element type of the graph's input (float32, unless it takes codes)
   */
  run(x: NDArray): NDArray {
    const { inputs, outputs } = this.graph;
    if (inputs.length !== 1 || outputs.length !== 1)
      throw new GraphError(
        `run: the graph has ${inputs.length} inputs and ${outputs.length} outputs; use runAll`,
      );
    return this.runAll(new Map([[inputs[0], x]])).get(outputs[0])!;
  }

  /** Runs a graph of any inputs and outputs, all of one batch size. */
  runAll(inputs: ReadonlyMap<ValueId, NDArray>): Map<ValueId, NDArray> {
    const total = this.#check(inputs);
    const outputs = new Map(
      this.graph.outputs.map((id) => [
        id,
        NDArray.zeros(this.#shape(this.#value(id), total), this.#dtype(id)),
      ]),
    );
    for (let start = 0; start < total; start += this.batch) {
      const rows = Math.min(this.batch, total - start);
      for (const [id, x] of inputs) {
        const per = x.size / total;
        this.#array(id).set(x.data.subarray(start * per, (start + rows) * per));
      }
      for (const step of this.#steps) step.run();
      for (const [id, y] of outputs) {
        const per = y.size / total;
        y.data.set(this.#array(id).subarray(0, rows * per), start * per);
      }
    }
    return outputs;
  }

  /** The codes (or floats) of any value after the last pass, `batch` rows. Needs `keep: true`. The array is live. */
  tensor(id: ValueId): NDArray {
    if (!this.#keep)
      throw new ArgumentError(
        `tensor: ${id} may be overwritten; create the session with keep: true to read it`,
      );
    const value = this.#value(id);
    return new NDArray(this.#array(id), this.#shape(value, this.batch));
  }

  #value(id: ValueId): Value {
    const value = this.graph.values.get(id);
    if (value === undefined)
      throw new ArgumentError(
        `${id} is not a value of this graph; it has ${[...this.graph.values.keys()].join(', ')}`,
      );
    return value;
  }

  #array(id: ValueId): TypedArray {
    return this.#plan.arrays.get(id)!;
  }

  #dtype(id: ValueId): NDArray['dtype'] {
    const array = this.#array(id);
    return array instanceof Float32Array ? 'float32' : array instanceof Uint8Array ? 'uint8' : 'int8';
  }

  #shape(value: Value, batch: number): number[] {
    return [batch, ...value.shape.slice(1)];
  }

  #check(inputs: ReadonlyMap<ValueId, NDArray>): number {
    const known = new Set(this.graph.inputs);
    for (const id of inputs.keys())
      if (!known.has(id))
        throw new ArgumentError(
          `inputs: ${id} is not an input of this graph; it takes ${this.graph.inputs.join(', ')}`,
        );
    let total = -1;
    for (const id of known) {
      const x = inputs.get(id);
      if (x === undefined) throw new ArgumentError(`inputs: ${id} is missing; give every input of the graph`);
      const rows = x.shape[0] ?? 0;
      const want = this.#shape(this.#value(id), rows);
      if (rows < 1 || !sameShape(x.shape, want))
        throw new ShapeError(
          `inputs: ${id} has shape ${formatShape(x.shape)}; the graph takes [n, ${want.slice(1).join(', ')}]`,
        );
      if (x.dtype !== this.#dtype(id))
        throw new DTypeError(`inputs: ${id} is ${x.dtype}; the graph takes ${this.#dtype(id)}`);
      if (total >= 0 && total !== rows)
        throw new ShapeError(
          `inputs: ${id} has a batch of ${rows}, another input of ${total}; they must be equal`,
        );
      total = rows;
    }
    return total;
  }
}
