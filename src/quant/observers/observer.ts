/** What an observer is, and what all observers share: batches, checks, errors, state. */
import {
  ArgumentError,
  DTypeError,
  FormatError,
  isFloatArray,
  normalizeAxis,
  QuantizationError,
  ShapeError,
  type FloatNDArray,
  type NDArray,
  type QParams,
  type QRange,
} from '../../core/index.js';
import { chooseQParams, type QParamsConvention } from '../qparams.js';
import { batchRange, type ObservedRange } from './range.js';

/**
 * Watches the values of one tensor during calibration or training and proposes quantization parameters for it. Its
 * memory does not grow with the number of values.
 */
export interface Observer {
  /**
   * Takes in one batch of float32 or float64 values (observed as float32). Throws QuantizationError for NaN or Infinity,
   * DTypeError for integers, and then has taken nothing in.
   */
  observe(x: NDArray): void;
  /** Has it seen a batch? */
  readonly calibrated: boolean;
  /** The range to quantize, one value per channel (one in all, per tensor). Throws QuantizationError before any batch. */
  range(): ObservedRange;
  /** The parameters for {@link range}. Throws QuantizationError before any batch. */
  qparams(): QParams;
  /** Forgets everything. */
  reset(): void;
  /** Plain JSON for a checkpoint; `load` puts it back. */
  state(): object;
  /** Throws FormatError when the state is another kind of observer's, or broken. */
  load(state: object): void;
}

export interface ObserverSpec extends QRange {
  symmetric: boolean;
  /** The axis that has its own scale per index; null for per tensor. Negative counts from the end. */
  axis: number | null;
  /** Default 'torch'; see `chooseQParams`. */
  convention?: QParamsConvention;
  /** The tensor, for error messages. */
  name?: string;
}

/** Makes the observer of one tensor. */
export type ObserverFactory = (spec: ObserverSpec) => Observer;

/** The part of an observer that does not depend on how it turns batches into a range. */
export abstract class BaseObserver implements Observer {
  protected readonly name: string;
  /** Size of the observed axis; 0 before the first batch. */
  protected channels = 0;
  #batches = 0;
  #axis: number | null = null;
  #range: ObservedRange | null = null;

  constructor(
    protected readonly spec: ObserverSpec,
    private readonly kind: string,
  ) {
    this.name = spec.name ?? 'x';
  }

  get calibrated(): boolean {
    return this.#batches > 0;
  }

  observe(x: NDArray): void {
    if (!isFloatArray(x))
      throw new DTypeError(`${this.name}: batch ${this.#batches} is ${x.dtype}; observe float32 or float64`);
    if (x.size === 0)
      throw new ArgumentError(`${this.name}: batch ${this.#batches} is empty; observe at least one value`);
    const axis = this.spec.axis === null ? null : normalizeAxis(this.spec.axis, x.rank);
    const channels = axis === null ? 1 : x.shape[axis];
    if (this.calibrated && channels !== this.channels)
      throw new ShapeError(
        `${this.name}: batch ${this.#batches} has ${channels} channels on axis ${axis}, earlier ones had ${this.channels}; observe one tensor`,
      );
    const range = batchRange(x, axis, `${this.name}, batch ${this.#batches}`);
    this.channels = channels;
    this.#axis = axis;
    this.update(x, axis, range, this.#batches);
    this.#batches++;
    this.#range = null;
  }

  range(): ObservedRange {
    if (!this.calibrated)
      throw new QuantizationError(
        `${this.name}: nothing was observed; calibrate with at least one batch first`,
      );
    return (this.#range ??= this.compute());
  }

  qparams(): QParams {
    const { min, max } = this.range();
    return chooseQParams(min, max, { ...this.spec, axis: this.#axis, name: this.name });
  }

  reset(): void {
    this.#batches = 0;
    this.channels = 0;
    this.#range = null;
    this.clear();
  }

  state(): object {
    return {
      kind: this.kind,
      batches: this.#batches,
      axis: this.#axis,
      channels: this.channels,
      data: this.calibrated ? this.save() : null,
    };
  }

  load(state: object): void {
    const s = state as {
      kind?: unknown;
      batches?: unknown;
      axis?: unknown;
      channels?: unknown;
      data?: unknown;
    };
    if (s.kind !== this.kind)
      throw new FormatError(
        `${this.name}: the state is of a ${String(s.kind)} observer; this one is ${this.kind}`,
      );
    const { batches, axis, channels } = s;
    if (!isCount(batches) || !isCount(channels) || !(axis === null || isCount(axis)))
      throw new FormatError(`${this.name}: the state of the observer is broken (batches, axis or channels)`);
    this.reset();
    if (batches === 0) return;
    this.channels = channels;
    try {
      this.restore(s.data);
    } catch (error) {
      this.reset();
      const why = error instanceof Error ? error.message : String(error);
      throw new FormatError(`${this.name}: the state of the observer is broken: ${why}`);
    }
    this.#batches = batches;
    this.#axis = axis;
  }

  /** Takes in a batch whose range is finite. `channels` is set. */
  protected abstract update(x: FloatNDArray, axis: number | null, range: ObservedRange, batch: number): void;
  protected abstract compute(): ObservedRange;
  protected abstract clear(): void;
  protected abstract save(): unknown;
  /** Reads what `save` gave, after JSON. Throws anything where it is broken. */
  protected abstract restore(data: unknown): void;
}

export function isCount(v: unknown): v is number {
  return typeof v === 'number' && Number.isInteger(v) && v >= 0;
}

/** Numbers of a state; throws unless there are `length` finite ones. */
export function numbersOf(data: unknown, key: string, length?: number): number[] {
  const list = (data as Record<string, unknown> | null)?.[key];
  if (
    !Array.isArray(list) ||
    !list.every(Number.isFinite) ||
    (length !== undefined && list.length !== length)
  )
    throw new Error(`${key} is not a list of ${length ?? ''} finite numbers`);
  return list as number[];
}
