/** Runs an integer graph: kernels resolved and weights packed once, then no allocation but the outputs. */
import {
  heap,
  integer,
  linearMemoryOf,
  prepare,
  type Backend,
  type CodeArray,
  type OpName,
  type OpParams,
} from '../../kernels/index.js';
import { checkWhole } from '../core/checks.js';
import {
  ArgumentError,
  DisposedError,
  DTypeError,
  GraphError,
  NDArray,
  ShapeError,
  type TypedArray,
} from '../core/index.js';
import {
  macsOf,
  rowsOf,
  shapeAt,
  validate,
  type Graph,
  type Node,
  type Value,
  type ValueId,
} from '../graph/index.js';
import type { Bindings } from './bindings.js';
import { lower } from './lower.js';
import { planArena, type Plan } from './plan.js';

export interface SessionOptions {
  /** Kernels to choose from, first match wins. Default: WebAssembly, and plain JavaScript where there is none. */
  backend?: Backend;
  /** Images per pass through the graph; longer inputs run in several passes. Default 1. */
  batch?: number;
  /** Keeps every intermediate value readable through {@link Session.tensor}; costs memory. Default false. */
  keep?: boolean;
}

/** What a layer costs in one pass of `batch` images. */
export interface LayerProfile {
  readonly id: ValueId;
  readonly op: Node['op'];
  readonly kernel: string;
  /** Median over the rounds. */
  readonly ms: number;
  /** 10^9 operations a second, two for each multiply-add; null for nodes that have none. */
  readonly gops: number | null;
  /** Of the time of all layers, in [0, 1]. */
  readonly share: number;
}

interface Step {
  readonly node: Node;
  readonly kernel: string;
  run(): void;
}

/** A view of an arena keeps the session alive that owns it. */
const OWNERS = new WeakMap<TypedArray, Session>();

export class Session {
  readonly graph: Graph;
  readonly batch: number;
  readonly #keep: boolean;
  readonly #plan: Plan;
  readonly #steps: readonly Step[];
  readonly #tensors = new Map<ValueId, NDArray>();
  #dispose: (() => void) | null;

  /** Throws GraphError for a graph that is not an integer graph. */
  constructor(graph: Graph, options: SessionOptions = {}) {
    const { backend = integer, batch = 1, keep = false } = options;
    checkWhole('batch', batch);
    this.graph = validate(graph);
    if (batch > 1 && graph.batch === 'fixed')
      throw new ArgumentError(`batch: ${batch} is too many; this graph runs on its own shapes only, use 1`);
    this.batch = batch;
    this.#keep = keep;
    const owned = linearMemoryOf(backend)?.ownedBy(this);
    this.#dispose = () => owned?.free();
    this.#plan = planArena(graph, batch, owned ?? heap, keep);
    const bindings: Bindings = {
      numerics: graph.numerics,
      value: (id) => {
        const value = this.#value(id);
        return { shape: shapeAt(graph, id, batch), data: this.#array(id), qparams: value.qparams };
      },
      param: (id) => graph.params.get(id)!,
    };
    this.#steps = graph.nodes.flatMap((node) => {
      if (node.op === 'constant') this.#array(node.id).set(graph.params.get(node.param)!.array.data);
      const call = lower(node, bindings);
      if (call === null) return [];
      const { kernel, run } = prepare<OpName>(
        backend,
        call.op,
        call.params as OpParams[OpName],
        owned ?? heap,
      );
      return [{ node, kernel: kernel.name, run }];
    });
  }

  /** Bytes of the arena, and what the values would take without sharing. */
  get memory(): { readonly arenaBytes: number; readonly unsharedBytes: number } {
    return { arenaBytes: this.#plan.arenaBytes, unsharedBytes: this.#plan.unsharedBytes };
  }

  /** Which kernel each node runs on. */
  get kernels(): readonly { readonly id: ValueId; readonly kernel: string }[] {
    return this.#steps.map(({ node, kernel }) => ({ id: node.id, kernel }));
  }

  /**
   * Runs a graph of one input and one output.
   * @param x shape [n, ...] with the element type of the graph's input (float32, unless it takes codes)
   * @param output where the result goes, of its shape and type; a new array unless given
   */
  run(x: NDArray, output?: NDArray): NDArray {
    const [input, result] = this.#single('run');
    const total = this.#check('takes', input, x, -1);
    if (output !== undefined) this.#check('gives', result, output, total);
    const y = output ?? this.#output(result, total);
    this.#passes([x], [y], total);
    return y;
  }

  /** Runs a graph of any inputs and outputs, all of one batch size. */
  runAll(inputs: ReadonlyMap<ValueId, NDArray>): Map<ValueId, NDArray> {
    const ids = this.graph.inputs;
    for (const id of inputs.keys())
      if (!ids.includes(id))
        throw new ArgumentError(`inputs: ${id} is not an input of this graph; it takes ${ids.join(', ')}`);
    let total = -1;
    const xs = ids.map((id) => {
      const x = inputs.get(id);
      if (x === undefined) throw new ArgumentError(`inputs: ${id} is missing; give every input of the graph`);
      total = this.#check('takes', id, x, total);
      return x;
    });
    const ys = this.graph.outputs.map((id) => this.#output(id, total));
    this.#passes(xs, ys, total);
    return new Map(this.graph.outputs.map((id, i) => [id, ys[i]]));
  }

  /**
   * Times every layer of a graph of one input and one output, in passes over the first `batch` rows of `x`.
   * @param rounds timed passes, after a tenth as many that are not; default 20
   */
  profile(x: NDArray, rounds = 20): LayerProfile[] {
    checkWhole('rounds', rounds);
    const [input] = this.#single('profile');
    const total = this.#check('takes', input, x, -1);
    this.#requireArena();
    const first = part(x.data, 0, Math.min(this.batch, total), total);
    const times = this.#steps.map(() => new Float64Array(rounds));
    const shortest = 10 * clockStep();
    for (let round = -Math.ceil(rounds / 10); round < rounds; round++) {
      this.#array(input).set(first);
      this.#steps.forEach((step, i) => {
        const ms = timeOf(step.run, shortest);
        if (round >= 0) times[i][round] = ms;
      });
    }
    const medians = times.map((t) => t.sort()[rounds >> 1]);
    const sum = medians.reduce((a, b) => a + b, 0);
    return this.#steps.map(({ node, kernel }, i) => {
      const macs = macsOf(this.graph, node) * this.batch;
      const ms = medians[i];
      const gops = macs === 0 ? null : (2 * macs) / (1e6 * ms);
      return { id: node.id, op: node.op, kernel, ms, gops, share: ms / sum };
    });
  }

  /**
   * The codes (or floats) of any value after the last pass, `batch` rows. Needs `keep: true`. The array is live: the next
   * run overwrites it, {@link dispose} frees it.
   */
  tensor(id: ValueId): NDArray {
    this.#value(id);
    if (!this.#keep)
      throw new ArgumentError(
        `tensor: ${id} may be overwritten; create the session with keep: true to read it`,
      );
    let tensor = this.#tensors.get(id);
    if (tensor === undefined) {
      const array = this.#array(id);
      OWNERS.set(array, this);
      this.#tensors.set(id, (tensor = new NDArray(array, shapeAt(this.graph, id, this.batch))));
    }
    return tensor;
  }

  /** Frees arena and packed weights now rather than with the garbage; the session cannot run again. */
  dispose(): void {
    this.#dispose?.();
    this.#dispose = null;
    for (const tensor of this.#tensors.values()) tensor.dispose();
  }

  #requireArena(): void {
    if (this.#dispose === null)
      throw new DisposedError('run: this session was disposed of; create another one');
  }

  /** All rows of the inputs, `batch` at a time. */
  #passes(inputs: readonly NDArray[], outputs: readonly NDArray[], total: number): void {
    this.#requireArena();
    const { graph, batch } = this;
    for (let start = 0; start < total; start += batch) {
      const count = Math.min(batch, total - start);
      inputs.forEach((x, i) => this.#array(graph.inputs[i]).set(part(x.data, start, count, total)));
      for (const step of this.#steps) step.run();
      outputs.forEach((y, i) =>
        y.data.set(part(this.#array(graph.outputs[i]), 0, count, batch), (y.size / total) * start),
      );
    }
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

  #output(id: ValueId, total: number): NDArray {
    return NDArray.empty(shapeAt(this.graph, id, total), this.#dtype(id));
  }

  #single(what: string): [input: ValueId, output: ValueId] {
    const { inputs, outputs } = this.graph;
    if (inputs.length !== 1 || outputs.length !== 1)
      throw new GraphError(
        `${what}: the graph has ${inputs.length} inputs and ${outputs.length} outputs, not one of each; run it with runAll`,
      );
    return [inputs[0], outputs[0]];
  }

  /** Returns the number of rows, which must be `total` unless that is -1. */
  #check(verb: 'takes' | 'gives', id: ValueId, x: NDArray, total: number): number {
    const what = verb === 'takes' ? 'inputs' : 'output';
    const n = rowsOf(this.graph, id, x.shape, what, verb);
    if (x.dtype !== this.#dtype(id))
      throw new DTypeError(`${what}: ${id} is ${x.dtype}; the graph ${verb} ${this.#dtype(id)}`);
    const { qparams } = this.#value(id);
    if (verb === 'takes' && qparams !== null) {
      const { quantMin, quantMax } = qparams;
      const outside = (x.data as CodeArray).find((code) => code < quantMin || code > quantMax);
      if (outside !== undefined)
        throw new ArgumentError(
          `inputs: ${id} holds the code ${outside}, outside its range [${quantMin}, ${quantMax}]; clamp the codes`,
        );
    }
    if (total >= 0 && total !== n)
      throw new ShapeError(
        `${what}: ${id} has a batch of ${n}, another input of ${total}; they must be equal`,
      );
    return n;
  }
}

/** `count` of the `total` rows of an array, from row `start` on. */
function part(data: TypedArray, start: number, count: number, total: number): TypedArray {
  if (count === total) return data;
  const per = data.length / total;
  return data.subarray(start * per, (start + count) * per);
}

/** The step of the clock in ms: 0.1 in a page that is not cross-origin isolated. */
function clockStep(): number {
  const start = performance.now();
  let now = start;
  while (now === start) now = performance.now();
  return now - start;
}

/** Milliseconds of one call; of so many together that they take `shortest`, where one is too short for the clock. */
function timeOf(run: () => void, shortest: number): number {
  for (let calls = 1; ; calls *= 2) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) run();
    const ms = performance.now() - start;
    if (ms >= shortest) return ms / calls;
  }
}
