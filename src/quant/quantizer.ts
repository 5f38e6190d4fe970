/** One tensor's quantizer: a spec with its observer, or with fixed parameters. */
import { QuantizationError, type FloatNDArray, type NDArray, type QParams } from '../core/index.js';
import type { Observer } from './observers/index.js';
import { chooseQParams } from './qparams.js';
import type { QSpec } from './qspec.js';

type Spec = Extract<QSpec, { kind: 'observed' | 'fixed' }>;

export class Quantizer {
  readonly id: string;
  readonly #spec: Spec;
  /** All whose ranges are one; itself among them. */
  #group: readonly Quantizer[] = [this];
  #observer: Observer | null = null;
  #qparams: QParams | null = null;

  constructor(id: string, spec: Spec) {
    this.id = id;
    this.#spec = spec;
    if (spec.kind === 'fixed') this.#qparams = spec.qparams;
    else {
      const { range, symmetric, axis, observer } = spec;
      this.#observer = observer({ ...range, symmetric, axis, name: id });
    }
  }

  /** Shows a tensor to the observer; nothing happens where the parameters are fixed. */
  observe(x: NDArray): void {
    if (this.#observer === null) return;
    this.#observer.observe(x as FloatNDArray);
    this.#forget();
  }

  /** From now on these have the qparams of the union of their ranges. Each is observed by itself. */
  static join(group: readonly Quantizer[]): void {
    for (const quantizer of group) quantizer.#group = group;
  }

  /** What was computed from the observers, here and in those that depend on this one. */
  #forget(): void {
    for (const quantizer of this.#group) if (quantizer.#observer !== null) quantizer.#qparams = null;
  }

  get calibrated(): boolean {
    return this.#qparams !== null || (this.#observer?.calibrated ?? false);
  }

  /** What was observed here, without what it is grouped with; null where parameters are fixed or nothing was seen. */
  range(): { readonly min: number; readonly max: number } | null {
    if (!this.#observer?.calibrated) return null;
    const { min, max } = this.#observer.range();
    return { min: Math.min(...min), max: Math.max(...max) };
  }

  /** Throws QuantizationError before the first observation. */
  qparams(): QParams {
    if (!this.calibrated)
      throw new QuantizationError(
        `${this.id}: nothing was observed yet; calibrate() on representative data, or train, before this`,
      );
    this.#qparams ??= this.#group.length === 1 ? this.#observer!.qparams() : this.#union();
    return this.#qparams;
  }

  #union(): QParams {
    // in the first steps of a training without calibration, not all have been observed
    const ranges = this.#group.filter((q) => q.#observer?.calibrated).map((q) => q.#observer!.range());
    const min = Math.min(...ranges.map((r) => r.min[0]));
    const max = Math.max(...ranges.map((r) => r.max[0]));
    const { range, symmetric } = this.#spec as Extract<Spec, { kind: 'observed' }>;
    return chooseQParams(min, max, { ...range, symmetric, name: this.id });
  }

  /** Forgets what was observed. */
  reset(): void {
    if (this.#observer === null) return;
    this.#observer.reset();
    this.#forget();
  }

  /** Plain JSON of the observer, for a checkpoint; null where the parameters are fixed. */
  state(): object | null {
    return this.#observer?.state() ?? null;
  }

  /** Throws FormatError when the state is of another observer. */
  load(state: object | null): void {
    if (this.#observer === null || state === null) return;
    this.#observer.load(state);
    this.#forget();
  }

  /** Uses these parameters from now on, whatever is observed. */
  fix(qparams: QParams): void {
    this.#qparams = qparams;
    this.#observer = null;
  }
}
