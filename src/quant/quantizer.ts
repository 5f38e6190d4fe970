/** One tensor's quantizer: a spec with its observer and what is trained, or with fixed parameters. */
import type { Tensor } from '../autograd/index.js';
import {
  FormatError,
  QuantizationError,
  type FloatNDArray,
  type NDArray,
  type QParams,
} from '../core/index.js';
import { fakeQuantize } from '../ops/index.js';
import type { Observer } from './observers/index.js';
import { chooseQParams } from './qparams.js';
import type { QSpec } from './qspec.js';
import type { TrainedQuantizer } from './trained/index.js';

type Spec = Extract<QSpec, { kind: 'observed' | 'fixed' }>;

export class Quantizer {
  readonly id: string;
  readonly #spec: Spec;
  /** All whose ranges are one; itself among them. */
  #group: readonly Quantizer[] = [this];
  #observer: Observer | null = null;
  #trained: TrainedQuantizer | null = null;
  /** Whether the trained parameters have their initial values. */
  #initialised = false;
  #qparams: QParams | null = null;

  /** @param channels of the axis that the spec names; 1 per tensor */
  constructor(id: string, spec: Spec, channels = 1) {
    this.id = id;
    this.#spec = spec;
    if (spec.kind === 'fixed') this.#qparams = spec.qparams;
    else {
      const { range, symmetric, axis, observer, quantizer, role } = spec;
      const observed = { ...range, symmetric, axis, name: id };
      this.#observer = observer(observed);
      this.#trained = quantizer?.({ ...observed, role, channels }) ?? null;
    }
  }

  /** Shows a tensor to the observer; nothing happens where the parameters are fixed. */
  observe(x: NDArray): void {
    if (this.#observer === null || (this.#initialised && !this.#trained!.follows)) return;
    this.#observer.observe(x as FloatNDArray);
    this.#forget();
  }

  /** From now on these have the qparams of the union of their ranges. Each is observed by itself. */
  static join(group: readonly Quantizer[]): void {
    for (const quantizer of group) quantizer.#group = group;
  }

  /** What was computed from the observers, here and in those that depend on this one. */
  #forget(): void {
    this.#initialised = false;
    for (const quantizer of this.#group) if (quantizer.#observer !== null) quantizer.#qparams = null;
  }

  get calibrated(): boolean {
    return this.#initialised || this.#qparams !== null || (this.#observer?.calibrated ?? false);
  }

  /** What was observed here, without what it is grouped with; null where parameters are fixed or nothing was seen. */
  range(): { readonly min: number; readonly max: number } | null {
    if (this.#initialised) {
      const { scale, zeroPoint, quantMin, quantMax } = this.#trained!.qparams();
      const reach = (code: number): number[] => Array.from(scale, (s, c) => (code - zeroPoint[c]) * s);
      return { min: Math.min(...reach(quantMin)), max: Math.max(...reach(quantMax)) };
    }
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
    if (this.#trained !== null) return this.#initialise(this.#trained).qparams();
    this.#qparams ??= this.#group.length === 1 ? this.#observer!.qparams() : this.#union();
    return this.#qparams;
  }

  /** Takes the parameters over from the observer, once; it is not needed again where it does not follow. */
  #initialise(trained: TrainedQuantizer): TrainedQuantizer {
    if (this.#initialised) return trained;
    trained.init(this.#observer!.qparams(), this.#observer!.range());
    if (!trained.follows) this.#observer!.reset();
    this.#initialised = true;
    return trained;
  }

  /** What is trained, by name: part of the parameters of the network. */
  get tensors(): Readonly<Record<string, Tensor>> {
    return this.#trained?.tensors ?? {};
  }

  /** See {@link TrainedQuantizer.rate}. */
  get rate(): number {
    return this.#trained?.rate ?? 1;
  }

  /** Whether {@link fakeQuantize} is more than rounding with {@link qparams}. */
  get trained(): boolean {
    return this.#trained !== null;
  }

  /** On the tape: gradients flow to x, and to what is trained. */
  fakeQuantize(x: Tensor): Tensor {
    const qparams = this.qparams();
    return this.#trained?.fakeQuantize(x) ?? fakeQuantize(x, qparams);
  }

  /**
   * The tensor is another now, each channel multiplied by a factor: ranges are observed afresh, what is trained goes along.
   *
   * @param factors positive, one per channel
   */
  follow(x: NDArray, factors: Float32Array): void {
    if (this.#initialised && !this.#trained!.follows) this.#trained!.rescale?.(factors);
    else this.reset();
    this.observe(x);
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
    if (this.#observer === null) return null;
    const observer = this.#observer.state();
    return this.#trained === null ? observer : { initialised: this.#initialised, observer };
  }

  /** Throws FormatError when the state is of another observer. */
  load(state: object | null): void {
    if (this.#observer === null || state === null) return;
    if (this.#trained === null) this.#observer.load(state);
    else {
      const { initialised, observer } = state as { initialised?: unknown; observer?: unknown };
      if (typeof initialised !== 'boolean' || typeof observer !== 'object' || observer === null)
        throw new FormatError(`${this.id}: the state is of an observer; this quantizer is trained`);
      this.#observer.load(observer);
    }
    this.#forget();
    this.#initialised = this.#trained?.follows === false && (state as { initialised: boolean }).initialised;
  }

  /** Uses these parameters from now on, whatever is observed. */
  fix(qparams: QParams): void {
    this.#qparams = qparams;
    this.#observer = null;
    this.#trained = null;
    this.#initialised = false;
  }
}
