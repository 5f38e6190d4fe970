/** Unstructured magnitude pruning: weights near 0 become 0 and stay 0, through float and quantization-aware training. */
import type { Tensor } from '../autograd/index.js';
import { ArgumentError, FormatError } from '../core/index.js';
import type { SparsitySchedule } from './schedule.js';

/** A module, or a graph that trains. */
export interface Prunable {
  namedParameters(): Iterable<[string, Tensor] | readonly [string, Tensor]>;
}

export interface PrunerOptions {
  /** 'global' (default): the smallest weights of all layers together; 'layer': the same share of each. */
  readonly scope?: 'global' | 'layer';
  /** Default: every parameter with two axes or more, that is, all weights and no biases. */
  readonly include?: (name: string, parameter: Tensor) => boolean;
  /** Sparsity by step, for {@link Pruner.step}. Left out, steps keep what is pruned. */
  readonly schedule?: SparsitySchedule;
}

/** Plain JSON, for a checkpoint. */
export interface PrunerState {
  readonly step: number;
  /** Positions of the weights that are kept at 0, by parameter. */
  readonly pruned: Readonly<Record<string, readonly number[]>>;
}

interface Entry {
  readonly name: string;
  readonly tensor: Tensor;
  /** 1 for weights that live. */
  readonly mask: Uint8Array;
}

/**
 * Han et al. 2015, "Learning both weights and connections for efficient neural networks", arXiv:1506.02626. A pruned
 * weight is the float 0; batch norm that is folded and symmetric codes keep it, so it is code 0 in the integers.
 */
export class Pruner {
  readonly #entries: readonly Entry[];
  readonly #scope: 'global' | 'layer';
  readonly #schedule: SparsitySchedule | null;
  #step = 0;

  /** Throws ArgumentError where nothing is left to prune. */
  constructor(model: Prunable, options: PrunerOptions = {}) {
    const { scope = 'global', include = (_name, { rank }) => rank >= 2, schedule = null } = options;
    if (scope !== 'global' && scope !== 'layer')
      throw new ArgumentError(`scope: ${String(scope)} is unknown; use 'global' or 'layer'`);
    this.#scope = scope;
    this.#schedule = schedule;
    this.#entries = Array.from(model.namedParameters())
      .filter(([name, tensor]) => include(name, tensor))
      .map(([name, tensor]) => ({ name, tensor, mask: new Uint8Array(tensor.size).fill(1) }));
    if (this.#entries.length === 0)
      throw new ArgumentError('model: it has no weights to prune; see the option include');
  }

  /** A pruner that keeps the weights that are 0 now: to go on with a pruned network, as with its QuantizedModule. */
  static keepingZeros(model: Prunable, options: PrunerOptions = {}): Pruner {
    const pruner = new Pruner(model, options);
    for (const { tensor, mask } of pruner.#entries)
      mask.set(Uint8Array.from(tensor.data, (w) => Number(w !== 0)));
    return pruner;
  }

  /** Share of weights kept at 0, of those that may be pruned. */
  get sparsity(): number {
    const total = this.#entries.reduce((n, { mask }) => n + mask.length, 0);
    return this.#entries.reduce((n, { mask }) => n + zeros(mask), 0) / total;
  }

  /** By parameter: 1 for weights that live, 0 for those kept at 0. */
  masks(): Map<string, Uint8Array> {
    return new Map(this.#entries.map(({ name, mask }) => [name, mask.slice()]));
  }

  /**
   * Prunes the smallest weights until the share `sparsity` (rounded down to whole weights) is 0. What is pruned already
   * stays so: a smaller share than before changes nothing. Equal weights go by their position.
   */
  prune(sparsity: number): void {
    if (!(sparsity >= 0 && sparsity < 1))
      throw new ArgumentError(`sparsity: ${sparsity} must be at least 0 and below 1`);
    for (const group of this.#scope === 'global' ? [this.#entries] : this.#entries.map((e) => [e]))
      pruneSmallest(group, sparsity);
    this.apply();
  }

  /** Writes 0 over pruned weights. Call it, or {@link step}, after each step of an optimizer. */
  apply(): void {
    for (const { tensor, mask } of this.#entries)
      for (let i = 0; i < mask.length; i++) if (mask[i] === 0) tensor.data[i] = 0;
  }

  /** After each step of the optimizer: prunes as the schedule says, and keeps pruned weights at 0. */
  step(): void {
    const sparsity = this.#schedule?.(this.#step++) ?? null;
    if (sparsity === null) this.apply();
    else this.prune(sparsity);
  }

  state(): PrunerState {
    const pruned = this.#entries.map(({ name, mask }) => [
      name,
      Array.from(mask.keys()).filter((i) => mask[i] === 0),
    ]);
    return { step: this.#step, pruned: Object.fromEntries(pruned) as PrunerState['pruned'] };
  }

  /** Throws FormatError, and changes nothing, where the state is none or of another network. */
  load(state: PrunerState): void {
    const { step, pruned } = Object(state) as PrunerState;
    if (!Number.isInteger(step) || step < 0 || Object(pruned) !== pruned)
      throw new FormatError(`state: step ${step} is no count, or pruned no record; load what state() gave`);
    for (const { name, mask } of this.#entries)
      if (!Array.isArray(pruned[name]) || pruned[name].some((i) => !(mask[i] >= 0)))
        throw new FormatError(`state: it does not fit ${name}; load what a pruner of the same network saved`);
    for (const { name, mask } of this.#entries) {
      mask.fill(1);
      for (const i of pruned[name]) mask[i] = 0;
    }
    this.#step = step;
    this.apply();
  }
}

function zeros(mask: Uint8Array): number {
  return mask.reduce((n, m) => n + 1 - m, 0);
}

function pruneSmallest(entries: readonly Entry[], sparsity: number): void {
  const total = entries.reduce((n, { mask }) => n + mask.length, 0);
  const wanted = Math.floor(total * sparsity) - entries.reduce((n, { mask }) => n + zeros(mask), 0);
  if (wanted <= 0) return;
  const alive = entries.flatMap(({ tensor, mask }) =>
    Array.from(mask.keys())
      .filter((i) => mask[i] === 1)
      .map((i) => ({ mask, i, size: Math.abs(tensor.data[i]) })),
  );
  alive.sort((a, b) => a.size - b.size);
  for (const { mask, i } of alive.slice(0, wanted)) mask[i] = 0;
}
