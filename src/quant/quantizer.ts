/** One tensor's quantizer: a spec with its observer, or with fixed parameters. */
import { QuantizationError, type FloatNDArray, type NDArray, type QParams } from '../core/index.js';
import type { Observer } from './observers/index.js';
import type { QSpec } from './qspec.js';

export class Quantizer {
  readonly id: string;
  #observer: Observer | null = null;
  #qparams: QParams | null = null;

  constructor(id: string, spec: Extract<QSpec, { kind: 'observed' | 'fixed' }>) {
    this.id = id;
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
    this.#qparams = null;
  }

  get calibrated(): boolean {
    return this.#qparams !== null || (this.#observer?.calibrated ?? false);
  }

  /** Throws QuantizationError before the first observation. */
  qparams(): QParams {
    if (!this.calibrated)
      throw new QuantizationError(
        `${this.id}: nothing was observed yet; calibrate() on representative data, or train, before this`,
      );
    this.#qparams ??= this.#observer!.qparams();
    return this.#qparams;
  }

  /** Forgets what was observed. */
  reset(): void {
    if (this.#observer === null) return;
    this.#observer.reset();
    this.#qparams = null;
  }

  /** Plain JSON of the observer, for a checkpoint; null where the parameters are fixed. */
  state(): object | null {
    return this.#observer?.state() ?? null;
  }

  /** Throws FormatError when the state is of another observer. */
  load(state: object | null): void {
    if (this.#observer === null || state === null) return;
    this.#observer.load(state);
    this.#qparams = null;
  }

  /** Uses these parameters from now on, whatever is observed. */
  fix(qparams: QParams): void {
    this.#qparams = qparams;
    this.#observer = null;
  }
}
