/** The base of every optimizer: parameter groups, one slot of state per parameter, and resumable state. */
import type { Tensor } from '../autograd/index.js';
import {
  ArgumentError,
  formatShape,
  isFloatArray,
  NDArray,
  sameShape,
  type FloatArray,
} from '../core/index.js';

/** Hyper-parameters are plain JSON values, so that they can go into a checkpoint. */
export interface Hyper {
  lr: number;
}

export type ParamGroup<H> = H & { readonly params: readonly Tensor[] };

/** Tensors, or groups of tensors with hyper-parameters of their own. */
export type Params<H> = Iterable<Tensor> | Iterable<Partial<H> & { readonly params: Iterable<Tensor> }>;

/** What an optimizer remembers of one parameter: its number of updates and named arrays of its size. */
export class Slot {
  readonly #parameter: NDArray;
  step = 0;
  readonly arrays = new Map<string, NDArray>();

  constructor(parameter: NDArray) {
    this.#parameter = parameter;
  }

  /** The array called `name`, in the memory of the parameter; zero-filled when it is asked for the first time. */
  array(name: string): FloatArray {
    let a = this.arrays.get(name);
    if (a === undefined) this.arrays.set(name, (a = NDArray.beside(this.#parameter)));
    return a.data as FloatArray;
  }
}

/** Everything needed to go on later. All but `arrays` is plain JSON; array names are `<parameter index>.<name>`. */
export interface OptimizerState {
  readonly kind: string;
  readonly groups: readonly Readonly<Record<string, unknown>>[];
  readonly steps: readonly number[];
  readonly arrays: ReadonlyMap<string, NDArray>;
}

export abstract class Optimizer<H extends Hyper = Hyper> {
  readonly groups: readonly ParamGroup<H>[];
  /** Names the algorithm in a saved state. */
  abstract readonly kind: string;
  readonly #slots = new Map<Tensor, Slot>();

  /** Throws ArgumentError for no parameters, a parameter given twice, or hyper-parameters out of range. */
  constructor(params: Params<H>, defaults: H) {
    const entries = [...(params as Iterable<Tensor | (Partial<H> & { params: Iterable<Tensor> })>)];
    const grouped = entries.length > 0 && 'params' in entries[0];
    const groups = (grouped ? entries : [{ params: entries }]) as (Partial<H> & {
      params: Iterable<Tensor>;
    })[];
    this.groups = groups.map((group) => ({ ...defaults, ...group, params: [...group.params] }));
    for (const { params, ...hyper } of this.groups) {
      this.check(hyper as unknown as H);
      for (const p of params) {
        if (this.#slots.has(p)) throw new ArgumentError('params: a parameter is given twice; list it once');
        if (!p.isLeaf || !isFloatArray(p.value))
          throw new ArgumentError(
            `params: a ${p.isLeaf ? p.dtype : 'computed'} tensor of shape ${formatShape(p.shape)} cannot be trained; give float leaves`,
          );
        this.#slots.set(p, new Slot(p.value));
      }
    }
    if (this.#slots.size === 0)
      throw new ArgumentError('params: there are no parameters to optimize; pass model.parameters()');
  }

  /** Throws ArgumentError for hyper-parameters that the algorithm cannot use. Runs inside the constructor. */
  protected abstract check(hyper: H): void;

  /** Updates `p` in place from its gradient `g`. `slot.step` already counts this update. */
  protected abstract update(p: FloatArray, g: FloatArray, slot: Slot, hyper: H): void;

  /** One update of every parameter that has a gradient. */
  step(): void {
    for (const group of this.groups)
      for (const p of group.params) {
        if (p.grad === null) continue;
        const slot = this.#slots.get(p)!;
        slot.step++;
        this.update(p.data as FloatArray, p.grad.data as FloatArray, slot, group);
      }
  }

  /** Forgets the gradients and frees their arrays: clone() those to keep. */
  zeroGrad(): void {
    for (const p of this.#slots.keys()) {
      p.grad?.dispose();
      p.grad = null;
    }
  }

  /** A copy of the state; later steps do not change it. */
  state(): OptimizerState {
    const arrays = new Map<string, NDArray>();
    [...this.#slots.values()].forEach((slot, i) => {
      for (const [name, a] of slot.arrays) arrays.set(`${i}.${name}`, a.clone());
    });
    return {
      kind: this.kind,
      groups: this.groups.map(({ params: _, ...hyper }) => structuredClone(hyper)),
      steps: [...this.#slots.values()].map((slot) => slot.step),
      arrays,
    };
  }

  /**
   * Goes on from a saved state, hyper-parameters included. Nothing is changed unless all of it fits.
   * Throws ArgumentError when the state is of another algorithm or of other parameters.
   */
  load(state: OptimizerState): void {
    if (state.kind !== this.kind)
      throw new ArgumentError(
        `state: it was saved by ${state.kind}, this optimizer is ${this.kind}; use the same kind`,
      );
    const params = [...this.#slots.keys()];
    if (state.groups.length !== this.groups.length || state.steps.length !== params.length)
      throw new ArgumentError(
        `state: it has ${state.groups.length} groups and ${state.steps.length} parameters, this optimizer ${this.groups.length} and ${params.length}; build it from the same model`,
      );
    const slots = state.steps.map((step, i) => Object.assign(new Slot(params[i].value), { step }));
    for (const [key, a] of state.arrays) {
      const [, index, name] = /^(\d+)\.(\w+)$/.exec(key) ?? [];
      const p = params[Number(index)];
      if (p === undefined || !sameShape(p.shape, a.shape) || !isFloatArray(a))
        throw new ArgumentError(
          `state: array ${key} of shape ${formatShape(a.shape)} belongs to no parameter; build the optimizer from the same model`,
        );
      slots[Number(index)].array(name).set(a.data);
    }
    const hypers = state.groups.map((g, i) => ({ ...this.groups[i], ...structuredClone(g) }));
    for (const hyper of hypers) this.check(hyper);
    hypers.forEach((hyper, i) => Object.assign(this.groups[i], { ...hyper, params: this.groups[i].params }));
    params.forEach((p, i) => this.#slots.set(p, slots[i]));
  }
}

/** Throws ArgumentError unless `low <= value`, and `value < high` where a bound is given. */
export function checkHyper(name: string, value: number, low: number, high = Infinity): void {
  if (!(value >= low && value < high))
    throw new ArgumentError(
      `${name}: ${value} is out of range; use a number ${high === Infinity ? `>= ${low}` : `in [${low}, ${high})`}`,
    );
}
