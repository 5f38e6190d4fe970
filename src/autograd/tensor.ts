/**
 * Tensor and tape. Every op goes through {@link apply}: it checks, computes, remembers what the backward pass needs,
 * and shows the call to a tracer where one listens. The tape is the chain of `Node`s behind a tensor.
 */
import {
  AutogradError,
  DTypeError,
  flattenNested,
  formatShape,
  isFloat,
  NDArray,
  sameShape,
  ShapeError,
  toNested,
  type DType,
  type Nested,
  type Shape,
  type TypedArray,
} from '../core/index.js';
import { nested, type Storage } from '../core/storage.js';
import { formatArray } from './print.js';
import type { OpContext, OpDef } from './op.js';

/** One recorded call of an op. */
interface Node {
  readonly id: number;
  readonly op: OpDef<unknown>;
  readonly attrs: unknown;
  /** Empty once the backward pass has used it: a loss that is kept does not keep the activations behind it. */
  inputs: readonly Tensor[];
  /** null once the backward pass has used it. */
  context: Context | null;
}

class Context implements OpContext {
  saved: NDArray[] = [];
  constructor(readonly needsGrad: readonly boolean[]) {}
  save(...arrays: NDArray[]): void {
    if (this.needsGrad.includes(true)) this.saved = arrays;
  }
}

export interface TensorOptions {
  dtype?: DType;
  requiresGrad?: boolean;
}

export class Tensor {
  /** The value. Optimizers and loaders write into its `data`; ops never do. */
  readonly value: NDArray;
  /** The accumulated gradient of a leaf, in the memory that the leaf lives in; null before the first backward pass. */
  grad: NDArray | null = null;
  /** @internal The op call that made this tensor; null for a leaf. */
  node: Node | null = null;
  #requiresGrad: boolean;

  constructor(value: NDArray, options: { requiresGrad?: boolean } = {}) {
    this.value = value;
    this.#requiresGrad = false;
    if (options.requiresGrad) this.requiresGrad = true;
  }

  get shape(): Shape {
    return this.value.shape;
  }
  get dtype(): DType {
    return this.value.dtype;
  }
  get data(): TypedArray {
    return this.value.data;
  }
  get size(): number {
    return this.value.size;
  }
  get rank(): number {
    return this.value.rank;
  }
  get isLeaf(): boolean {
    return this.node === null;
  }

  get requiresGrad(): boolean {
    return this.#requiresGrad || this.node !== null;
  }
  /** Throws DTypeError for integer tensors and AutogradError for results of ops. */
  set requiresGrad(on: boolean) {
    if (this.node !== null)
      throw new AutogradError(
        'requiresGrad: only a leaf can be switched; use detach() on the result of an op',
      );
    if (on && !isFloat(this.dtype))
      throw new DTypeError(`requiresGrad: a ${this.dtype} tensor has no gradient; use float32 or float64`);
    this.#requiresGrad = on;
  }

  /** The same value, cut off from the tape. The data is shared. */
  detach(): Tensor {
    return new Tensor(this.value);
  }

  clone(): Tensor {
    return new Tensor(this.value.clone());
  }

  /** The single element of a tensor of size 1. Throws ShapeError otherwise. */
  item(): number {
    if (this.size !== 1)
      throw new ShapeError(
        `item: the tensor has shape ${formatShape(this.shape)}; only a single element has a value`,
      );
    return this.data[0];
  }

  /** Nested plain arrays; a number for a scalar. */
  toArray(): Nested {
    return toNested(this.data, this.shape);
  }

  toString(): string {
    return formatArray(this.value, { requiresGrad: this.requiresGrad });
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /**
   * Back-propagates from this tensor into the `grad` of every leaf that requires one, adding to what is there.
   * The tape is walked iteratively in reverse order of creation and its saved arrays are freed as they are used.
   *
   * @param grad gradient of this tensor; may be left out for a single element (then 1)
   * @throws AutogradError when nothing requires a gradient, or the tape was already used; ShapeError for a bad `grad`
   */
  backward(grad?: Tensor | NDArray, options: { retainGraph?: boolean } = {}): void {
    if (!this.requiresGrad)
      throw new AutogradError(
        'backward: no input of this tensor requires a gradient; set requiresGrad on a leaf',
      );
    let seed: NDArray;
    if (grad === undefined) {
      if (this.size !== 1)
        throw new AutogradError(
          `backward: the tensor has shape ${formatShape(this.shape)}; give the gradient of its elements, or reduce it to one`,
        );
      seed = NDArray.full(this.shape, 1, this.dtype);
    } else {
      seed = grad instanceof Tensor ? grad.value : grad;
      if (!sameShape(seed.shape, this.shape))
        throw new ShapeError(
          `grad: shape ${formatShape(seed.shape)} differs from the tensor's ${formatShape(this.shape)}`,
        );
      if (seed.dtype !== this.dtype) seed = seed.astype(this.dtype);
    }
    backpropagate(this, seed, options.retainGraph ?? false);
  }
}

function addInto(sum: NDArray, g: NDArray): void {
  const a = sum.data;
  const b = g.data;
  for (let i = 0; i < a.length; i++) a[i] += b[i];
}

function accumulateLeaf(leaf: Tensor, g: NDArray): void {
  if (leaf.grad !== null) return addInto(leaf.grad, g);
  leaf.grad = NDArray.beside(leaf.value);
  leaf.grad.data.set(g.data);
}

/**
 * The gradients on their way through the tape. An op may return an array it was given, or one array for several inputs, so
 * the uses of those that this pass made are counted: one that has no more is freed at once, inside a tidy() that is, and
 * the next op finds its memory still in the cache.
 */
class Gradients {
  readonly #sums = new Map<Node, NDArray>();
  readonly #uses = new Map<Storage, number>();

  /** Adds `g` to the gradient of the output of `node`. */
  add(node: Node, g: NDArray): void {
    let sum = this.#sums.get(node);
    if (sum === undefined) {
      this.#sums.set(node, g);
      this.#count(g.storage, 1);
      return;
    }
    if (this.#uses.get(sum.storage) !== 1) {
      this.#count(sum.storage, -1);
      sum = sum.astype(sum.dtype);
      this.#uses.set(sum.storage, 1);
      this.#sums.set(node, sum);
    }
    addInto(sum, g);
  }

  /** Runs `backward` on the gradient of the output of `node` and hands its results to `use`. */
  pass(
    node: Node,
    backward: (grad: NDArray) => readonly (NDArray | null)[],
    use: (grads: readonly (NDArray | null)[]) => void,
  ): void {
    const grad = this.#sums.get(node);
    if (grad === undefined) return; // every path to it returned null
    this.#sums.delete(node);
    const { result, made } = nested(
      () => backward(grad),
      (grads) => NDArray.storagesIn(grads),
    );
    for (const storage of made) this.#uses.set(storage, 1);
    use(result);
    for (const storage of made) this.#count(storage, -1);
    this.#count(grad.storage, -1);
  }

  #count(storage: Storage, change: number): void {
    const uses = this.#uses.get(storage);
    if (uses === undefined) return; // not made by this pass
    this.#uses.set(storage, uses + change);
    if (change < 0 && uses + change === 0) storage.free();
  }
}

function reachable(root: Node): Node[] {
  const seen = new Set<Node>([root]);
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop())
    for (const t of node.inputs)
      if (t.node !== null && !seen.has(t.node)) {
        seen.add(t.node);
        stack.push(t.node);
      }
  return [...seen].sort((a, b) => b.id - a.id);
}

function backpropagate(root: Tensor, seed: NDArray, retainGraph: boolean): void {
  if (root.node === null) {
    accumulateLeaf(root, seed);
    return;
  }
  const gradients = new Gradients();
  gradients.add(root.node, seed);
  for (const node of reachable(root.node)) {
    const { op, context, inputs } = node;
    gradients.pass(
      node,
      (grad) => {
        if (context === null)
          throw new AutogradError(
            `backward: the tape of ${op.name} was already used and freed; pass retainGraph: true the first time`,
          );
        return op.backward(context, grad, node.attrs);
      },
      (grads) => {
        inputs.forEach((input, i) => {
          const g = grads[i];
          if (g === null || g === undefined || !context!.needsGrad[i]) return;
          if (!sameShape(g.shape, input.shape) || g.dtype !== input.dtype)
            throw new AutogradError(
              `backward: ${op.name} returned ${g.dtype} ${formatShape(g.shape)} for input ${i}, which is ${input.dtype} ${formatShape(input.shape)}`,
            );
          if (input.node === null) accumulateLeaf(input, g);
          else gradients.add(input.node, g);
        });
        if (!retainGraph) {
          node.context = null;
          node.inputs = [];
        }
      },
    );
  }
}

let gradEnabled = true;
let nextId = 0;

/** Runs `f` without recording; results do not require gradients. Nests, and restores the state on throw. */
export function noGrad<T>(f: () => T): T {
  const before = gradEnabled;
  gradEnabled = false;
  try {
    return f();
  } finally {
    gradEnabled = before;
  }
}

export function isGradEnabled(): boolean {
  return gradEnabled;
}

/** Sees every op call while it listens; see {@link withTracer}. */
export interface Tracer {
  record(op: OpDef<unknown>, inputs: readonly Tensor[], attrs: unknown, output: Tensor): void;
}

let tracer: Tracer | null = null;

/** Runs `f` while `t` listens. */
export function withTracer<T>(t: Tracer, f: () => T): T {
  const before = tracer;
  tracer = t;
  try {
    return f();
  } finally {
    tracer = before;
  }
}

/** The only door to an op: infers the shape, computes, records for backward, shows the tracer. */
export function apply<A>(op: OpDef<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  op.infer(inputs, attrs);
  const needsGrad = inputs.map((t) => gradEnabled && t.requiresGrad);
  const context = new Context(needsGrad);
  const value = op.forward(
    context,
    inputs.map((t) => t.value),
    attrs,
  );
  const output = new Tensor(value);
  if (needsGrad.includes(true))
    output.node = { id: nextId++, op: op as OpDef<unknown>, attrs, inputs, context };
  tracer?.record(op as OpDef<unknown>, inputs, attrs, output);
  return output;
}

/** A tensor from nested arrays or a typed array. Default dtype: float32, or that of the typed array. */
export function tensor(
  data: Nested | TypedArray | NDArray,
  options: TensorOptions & { shape?: Shape } = {},
): Tensor {
  let value: NDArray;
  if (data instanceof NDArray) value = data;
  else if (ArrayBuffer.isView(data)) value = new NDArray(data, options.shape ?? [data.length]);
  else {
    const { values, shape } = flattenNested(data);
    value = NDArray.zeros(shape, options.dtype ?? 'float32');
    value.data.set(values);
  }
  if (options.shape !== undefined) value = value.reshape(options.shape);
  if (options.dtype !== undefined && options.dtype !== value.dtype) value = value.astype(options.dtype);
  return new Tensor(value, { requiresGrad: options.requiresGrad ?? false });
}

export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 0, options);
}

export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 1, options);
}

export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return new Tensor(NDArray.full(shape, value, options.dtype ?? 'float32'), {
    requiresGrad: options.requiresGrad ?? false,
  });
}
