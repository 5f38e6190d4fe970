/** An operator of the file as the functions that import it see it: its operands, its options, its errors. */
import { FormatError, UnsupportedError } from '../../../core/errors.js';
import type { QParams } from '../../../core/index.js';
import type { ValueId } from '../../../graph/index.js';
import type { Constant } from '../../onnx/import/constants.js';
import { operatorName } from '../check.js';
import type { TfliteBuiltin, TfliteOperator, TfliteOptionsOf, TfliteTensor } from '../types.js';

/** Elements that are known at import; codes where they have qparams. */
export interface Known extends Constant {
  readonly qparams: QParams | null;
}

/** A value of the graph that is being built, or a constant. */
export type Operand = ValueId | Known;

export const isKnown = (operand: Operand): operand is Known => typeof operand !== 'string';

/** Lists say something about each axis, or each part of a split. */
const MAX_LIST = 4096;

export class Call {
  readonly operator: TfliteOperator;
  readonly inputs: readonly (Operand | null)[];
  readonly outputs: readonly TfliteTensor[];
  /** qparams of the outputs; null for floats. */
  readonly qparams: readonly (QParams | null)[];
  readonly #index: number;

  constructor(
    operator: TfliteOperator,
    index: number,
    inputs: readonly (Operand | null)[],
    outputs: readonly TfliteTensor[],
    qparams: readonly (QParams | null)[],
  ) {
    this.operator = operator;
    this.#index = index;
    this.inputs = inputs;
    this.outputs = outputs;
    this.qparams = qparams;
  }

  /** Name of what the operator makes. */
  get name(): string {
    const name = this.outputs[0]?.name ?? '';
    return name === '' ? `${operatorName(this.operator)}_${this.#index}` : name;
  }

  get where(): string {
    return `operator ${this.#index} (${operatorName(this.operator).slice(0, 100)}, ${JSON.stringify(this.name.slice(0, 200))})`;
  }

  /** Whether it makes codes. */
  get isInteger(): boolean {
    return this.qparams[0] !== null;
  }

  /** Refuses what this importer does not do. */
  refuse(why: string): never {
    throw new UnsupportedError(`${this.where}: ${why}${this.#options()}`);
  }

  /** Refuses what TFLite does not allow. */
  invalid(why: string): never {
    throw new FormatError(`${this.where}: ${why}; the file is corrupt${this.#options()}`);
  }

  #options(): string {
    const { op } = this.operator;
    const options = op === 'CUSTOM' || op === 'OTHER' ? null : this.operator.options;
    return options === null ? '' : ` (options: ${JSON.stringify(options).slice(0, 400)})`;
  }

  /** The options, by the operator that is imported. */
  options<O extends TfliteBuiltin>(_op: O): TfliteOptionsOf<O> {
    return (this.operator as { readonly options: unknown }).options as TfliteOptionsOf<O>;
  }

  /** Refuses an operator on codes that has no integer form here. */
  floatOnly(): void {
    if (this.isInteger)
      this.refuse(
        'has no integer kernel here; keep it in float when the model is converted, or cut the model before it',
      );
  }

  given(i: number): boolean {
    return (this.inputs[i] ?? null) !== null;
  }

  operand(i: number): Operand {
    return this.inputs[i] ?? this.invalid(`input ${i} is missing`);
  }

  operands(): Operand[] {
    if (this.inputs.length === 0) this.invalid('has no inputs');
    return this.inputs.map((_, i) => this.operand(i));
  }

  /** An input that has to be constant; null where it is not given. */
  known(i: number, what: string): Known | null {
    const operand = this.inputs[i] ?? null;
    if (operand === null || isKnown(operand)) return operand;
    return this.refuse(
      `its ${what} (input ${i}) is computed from the inputs of the model; only constants are supported there`,
    );
  }

  required(i: number, what: string): Known {
    return this.known(i, what) ?? this.invalid(`its ${what} (input ${i}) is missing`);
  }

  /** A constant list of whole numbers. */
  list(i: number, what: string): number[] {
    const { data } = this.required(i, what);
    if (data.length > MAX_LIST) this.invalid(`its ${what} has ${data.length} elements`);
    return Array.from(data);
  }

  /** Axis of a value of rank `rank`, counted from its end where negative. */
  axis(axis: number, rank: number): number {
    const a = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(a) || a < 0 || a >= rank) this.invalid(`axis ${axis} is none of a rank of ${rank}`);
    return a;
  }

  /** Ascending, each once. */
  axes(axes: readonly number[], rank: number): number[] {
    return [...new Set(axes.map((axis) => this.axis(axis, rank)))].sort((a, b) => a - b);
  }
}
