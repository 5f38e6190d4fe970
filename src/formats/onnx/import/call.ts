/** A node of the file as the functions that import it see it: its attributes with their types, its inputs, its errors. */
import { FormatError, UnsupportedError } from '../../../core/errors.js';
import type { ValueId } from '../../../graph/index.js';
import type { OnnxAttribute, OnnxNode, OnnxTensor } from '../types.js';
import type { Constant } from './constants.js';

/** A value of the graph that is being built, or a constant. */
export type Operand = ValueId | Constant;

export const isConstant = (operand: Operand): operand is Constant => typeof operand !== 'string';

export class Call {
  readonly node: OnnxNode;
  readonly opset: number;
  readonly inputs: readonly (Operand | null)[];
  readonly #used: Set<string>;

  constructor(
    node: OnnxNode,
    opset: number,
    inputs: readonly (Operand | null)[],
    used: Set<string> = new Set(),
  ) {
    this.node = node;
    this.opset = opset;
    this.inputs = inputs;
    this.#used = used;
  }

  /** The same attributes for another operator on other inputs. */
  as(opType: string, inputs: readonly (Operand | null)[]): Call {
    return new Call({ ...this.node, opType }, this.opset, inputs, this.#used);
  }

  /** Name of what the node makes. */
  get name(): string {
    return this.node.outputs.find((name) => name !== '') ?? this.node.name;
  }

  get where(): string {
    return describe(this.node);
  }

  /** Refuses what this importer does not do. */
  refuse(why: string): never {
    throw new UnsupportedError(`${this.where}: ${why}${attributesOf(this.node)}`);
  }

  /** Refuses what ONNX does not allow. */
  invalid(why: string): never {
    throw new FormatError(`${this.where}: ${why}; the file is corrupt${attributesOf(this.node)}`);
  }

  #attribute<T>(name: string, type: OnnxAttribute['type']): T | null {
    this.#used.add(name);
    const attribute = this.node.attributes.get(name);
    if (attribute === undefined) return null;
    if (attribute.type !== type)
      this.invalid(`attribute ${name} is of type ${attribute.type}, it should be ${type}`);
    return attribute.value as T;
  }

  int(name: string, fallback: number): number {
    return this.#attribute<number>(name, 'int') ?? fallback;
  }

  flag(name: string, fallback = false): boolean {
    return this.int(name, fallback ? 1 : 0) !== 0;
  }

  float(name: string, fallback: number): number {
    return this.#attribute<number>(name, 'float') ?? fallback;
  }

  string(name: string, fallback: string): string {
    return this.#attribute<string>(name, 'string') ?? fallback;
  }

  ints(name: string): readonly number[] | null {
    return this.#attribute(name, 'ints');
  }

  floats(name: string): readonly number[] | null {
    return this.#attribute(name, 'floats');
  }

  tensor(name: string): OnnxTensor | null {
    return this.#attribute(name, 'tensor');
  }

  has(name: string): boolean {
    return this.node.attributes.has(name);
  }

  /** These attributes say nothing to inference. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#used.add(name);
  }

  /** Refuses attributes that nobody asked for, and results that were not made. */
  finish(results: readonly (Operand | null)[]): void {
    for (const name of this.node.attributes.keys())
      if (!this.#used.has(name)) this.refuse(`attribute ${name} is not supported`);
    this.node.outputs.forEach((name, i) => {
      if (name !== '' && (results[i] ?? null) === null)
        this.refuse(
          `output ${i} (${JSON.stringify(name)}) is not supported; export the model without what reads it`,
        );
    });
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
  constant(i: number, what: string): Constant | null {
    const operand = this.inputs[i] ?? null;
    if (operand === null || isConstant(operand)) return operand;
    return this.refuse(
      `its ${what} (input ${i}) is computed from the inputs of the model; only constants are supported there, or give it in \`constants\``,
    );
  }

  required(i: number, what: string): Constant {
    return this.constant(i, what) ?? this.invalid(`its ${what} (input ${i}) is missing`);
  }

  /** A constant list of integers; null where it is not given. */
  list(i: number, what: string): number[] | null {
    const constant = this.constant(i, what);
    if (constant === null) return null;
    if (constant.data.length > MAX_LIST) this.invalid(`its ${what} has ${constant.data.length} elements`);
    return Array.from(constant.data);
  }

  /** A constant of one element. */
  number(i: number, what: string, fallback: number): number {
    const constant = this.constant(i, what);
    if (constant === null || constant.data.length === 0) return fallback;
    if (constant.data.length !== 1) this.refuse(`its ${what} has ${constant.data.length} elements, not one`);
    return constant.data[0];
  }

  /** Axis of a value of rank `rank`, counted from its end where negative. */
  axis(axis: number, rank: number): number {
    const a = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(a) || a < 0 || a >= rank) this.invalid(`axis ${axis} is none of a rank of ${rank}`);
    return a;
  }

  /** Ascending; duplicates are refused. */
  axes(axes: readonly number[], rank: number): number[] {
    const all = axes.map((axis) => this.axis(axis, rank));
    if (new Set(all).size !== all.length) this.invalid(`axes [${axes.join(', ')}] name one axis twice`);
    return all.sort((a, b) => a - b);
  }
}

/** Lists say something about each axis, or each part of a split. */
const MAX_LIST = 4096;

export function describe({ name, opType, domain, outputs }: OnnxNode): string {
  const shown = name === '' ? (outputs[0] ?? '') : name;
  return `node ${JSON.stringify(shown.slice(0, 200))} (${domain === '' ? '' : `${domain}.`}${opType})`;
}

/** Scalars and short lists; what is long or no number by its type. */
function attributesOf({ attributes }: OnnxNode): string {
  if (attributes.size === 0) return '';
  const shown = Array.from(attributes)
    .slice(0, 16)
    .map(([name, { type, value }]) => {
      const text = /^(int|float|string)s?$/.test(type) ? JSON.stringify(value) : type;
      return `${name.slice(0, 40)} = ${text.length > 80 ? type : text}`;
    });
  return ` (attributes: ${shown.join(', ')})`;
}
