/**
 * The network that an import builds: the same functions on values, which add nodes to the graph, and on constants, which
 * are computed at once. What only moves elements keeps their qparams.
 */
import {
  broadcastShapes,
  formatShape,
  NDArray,
  sameQParams,
  sizeOf,
  stridesOf,
} from '../../../core/index.js';
import type { QParams, Shape } from '../../../core/index.js';
import {
  GraphBuilder,
  type Activation,
  type NodeDraft,
  type ParamId,
  type ValueId,
} from '../../../graph/index.js';
import {
  combineConstants,
  concatConstants,
  gatherConstant,
  isFloatType,
  permuteConstant,
  pickConstant,
  type Allowance,
  type Constant,
} from '../../onnx/import/constants.js';
import { checkSize } from '../../imported.js';
import type { TfliteActivation } from '../schema.js';
import { isKnown, type Call, type Known, type Operand } from './call.js';
import { dequantizedOf } from './tensors.js';

/** Bounds that let every float through. */
export const LOWEST = -3.4028234663852886e38;
export const HIGHEST = 3.4028234663852886e38;

const PLAIN = { NONE: 'none', RELU: 'relu', RELU6: 'relu6' } as const;

export class Network {
  readonly build = new GraphBuilder({ numerics: 'fixed', rounding: 'double' });
  readonly allowance: Allowance;
  readonly notes = new Set<string>();
  readonly #constants = new Map<Known, ValueId>();
  /** Codes as whole numbers, with what was added to them: on their way into a table. */
  readonly #wide = new Map<ValueId, { readonly codes: ValueId; readonly added: readonly number[] }>();
  #call!: Call;

  constructor(allowance: Allowance) {
    this.allowance = allowance;
  }

  /** The operator whose import runs, for names and errors. */
  enter(call: Call): void {
    this.#call = call;
  }

  shape(operand: Operand): Shape {
    return isKnown(operand) ? operand.dims : this.build.shape(operand);
  }

  rank(operand: Operand): number {
    return this.shape(operand).length;
  }

  /** Of codes; null for floats. */
  qparams(operand: Operand): QParams | null {
    return isKnown(operand) ? operand.qparams : this.build.qparams(operand);
  }

  /** Adds a node to the graph; `part` tells the nodes apart that one operator of the file becomes. */
  node(draft: NodeDraft, qparams: QParams | null = null, part = ''): ValueId {
    const { name } = this.#call;
    const id = this.build.node(part === '' ? name : `${name}/${part}`, draft, qparams);
    checkSize(this.build.shape(id), this.#call.where);
    return id;
  }

  /** A constant that repeats a float. */
  float(value: number, rank: number): Known {
    const one = this.allowance.constant('float32', new Array<number>(rank).fill(1));
    one.data[0] = value;
    return { ...one, qparams: null };
  }

  /** As a value of the graph: a constant becomes a parameter. */
  value(operand: Operand): ValueId {
    if (!isKnown(operand)) return operand;
    let id = this.#constants.get(operand);
    if (id === undefined) {
      const { qparams } = operand;
      const array = qparams === null ? this.floats(operand) : this.codes(operand);
      id = this.build.constant(`${this.#call.name}/constant`, array, qparams);
      this.#constants.set(operand, id);
    }
    return id;
  }

  /** All operands as floats. */
  real(operand: Operand): Operand {
    const qparams = this.qparams(operand);
    if (isKnown(operand)) return qparams === null ? operand : dequantizedOf(operand, this.allowance);
    return qparams === null
      ? operand
      : this.#call.refuse('mixes codes and floats; it needs a DEQUANTIZE before it');
  }

  floats(constant: Constant): NDArray {
    if (!isFloatType(constant.dtype))
      this.#call.refuse(
        `computes with a constant of ${constant.dtype}; only floats and codes can be computed with`,
      );
    const { data, dims } = constant;
    if (data instanceof Float32Array) return new NDArray(data, dims);
    this.allowance.charge(data.length * 4);
    return new NDArray(Float32Array.from(data), dims);
  }

  codes({ dtype, data, dims }: Known): NDArray {
    if (dtype !== 'int8' && dtype !== 'uint8' && dtype !== 'int32' && dtype !== 'int4')
      return this.#call.refuse(`reads codes of ${dtype}`);
    return new NDArray(data as Int8Array, dims);
  }

  param(part: string, array: NDArray, qparams: QParams | null): ParamId {
    return this.build.param(`${this.#call.name}.${part}`, array, qparams);
  }

  /** Refuses a move whose result claims other qparams: TFLite copies codes there. */
  moved<T extends Operand>(x: T, to: QParams | null = this.#call.qparams[0]): T {
    const from = this.qparams(x);
    if (from !== null && to !== null && !sameQParams(from, to))
      this.#call.refuse('moves codes to a tensor of another scale or zero point; they have to be equal');
    return x;
  }

  #move(x: ValueId, draft: NodeDraft, part: string): ValueId {
    return this.node(draft, this.build.qparams(x), part);
  }

  /** What a function of constants makes, with the codes of one of them. */
  #known({ qparams }: Known, constant: Constant): Known {
    if (qparams !== null && qparams.axis !== null)
      this.#call.refuse('rearranges a constant with many scales, which only weights of layers can be');
    return { ...constant, qparams };
  }

  reshape(x: Operand, shape: Shape, part = ''): Operand {
    const from = this.shape(x);
    checkSize(shape, this.#call.where);
    if (sizeOf(shape) !== sizeOf(from))
      this.#call.invalid(`cannot make ${formatShape(shape)} of ${formatShape(from)}`);
    if (from.length === shape.length && from.every((d, i) => d === shape[i])) return x;
    return isKnown(x)
      ? this.#known(x, { dtype: x.dtype, data: x.data, dims: shape })
      : this.#move(x, { op: 'reshape', inputs: [x], shape }, part);
  }

  transpose(x: Operand, perm: readonly number[], part = ''): Operand {
    if (perm.every((axis, i) => axis === i)) return x;
    return isKnown(x)
      ? this.#known(x, permuteConstant(this.allowance, x, perm))
      : this.#move(x, { op: 'transpose', inputs: [x], perm }, part);
  }

  /** count[i] elements of axis i, from start[i] on, step[i] apart; all inside. */
  slice(
    x: Operand,
    start: readonly number[],
    step: readonly number[],
    count: readonly number[],
    part = '',
  ): Operand {
    const shape = this.shape(x);
    if (shape.every((d, i) => count[i] === d && step[i] === 1)) return x;
    if (!isKnown(x)) return this.#move(x, { op: 'slice', inputs: [x], start, step, count }, part);
    const strides = stridesOf(shape);
    const inside = (i: number): boolean => {
      const last = start[i] + (count[i] - 1) * step[i];
      return count[i] === 0 || (Math.min(start[i], last) >= 0 && Math.max(start[i], last) < shape[i]);
    };
    if (!count.every((_, i) => inside(i))) this.#call.invalid(`takes elements outside ${formatShape(shape)}`);
    const offset = count.includes(0) ? 0 : start.reduce((sum, s, i) => sum + s * strides[i], 0);
    const steps = strides.map((stride, i) => stride * step[i]);
    return this.#known(x, pickConstant(this.allowance, x, count, offset, steps));
  }

  gather(x: Operand, axis: number, indices: readonly number[], part = ''): Operand {
    const size = this.shape(x)[axis];
    if (indices.length === size && indices.every((index, i) => index === i)) return x;
    this.allowance.charge(8 * indices.length);
    if (indices.some((i) => !(i >= 0 && i < size)))
      this.#call.invalid(`takes elements outside axis ${axis} of ${formatShape(this.shape(x))}`);
    return isKnown(x)
      ? this.#known(x, gatherConstant(this.allowance, x, axis, indices))
      : this.#move(x, { op: 'gather', inputs: [x], axis, indices }, part);
  }

  concat(parts: readonly Operand[], axis: number, qparams: QParams | null, name = ''): Operand {
    const [first] = parts;
    if (parts.length === 1) return first;
    const shape = this.shape(first);
    const fits = (part: Operand): boolean => {
      const dims = this.shape(part);
      return dims.length === shape.length && dims.every((d, i) => i === axis || d === shape[i]);
    };
    if (!parts.every(fits))
      this.#call.invalid(`joins ${parts.map((part) => formatShape(this.shape(part))).join(' and ')}`);
    if (parts.every(isKnown)) {
      if (qparams !== null) return this.#call.refuse('joins constant codes');
      return { ...concatConstants(this.allowance, parts, axis), qparams };
    }
    return this.node({ op: 'concat', inputs: parts.map((part) => this.value(part)), axis }, qparams, name);
  }

  /** Constant padding, [before, after] per axis, negative where elements are cut off. */
  pad(x: Operand, pads: readonly (readonly [number, number])[], value: number, part = ''): Operand {
    const shape = this.shape(x);
    if (pads.flat().some((n) => !Number.isSafeInteger(n) || Math.abs(n) > 2 ** 24))
      this.#call.invalid('its padding is no list of whole numbers');
    const cut = pads.map((pair) => pair.map((n) => Math.max(-n, 0)));
    const kept = this.slice(
      x,
      cut.map(([before]) => before),
      shape.map(() => 1),
      shape.map((d, i) => d - cut[i][0] - cut[i][1]),
      'cut',
    );
    const added = pads.map(([a, b]) => [Math.max(a, 0), Math.max(b, 0)] as const);
    if (added.every(([a, b]) => a === 0 && b === 0)) return kept;
    const id = this.value(kept);
    return this.#move(id, { op: 'pad', inputs: [id], pads: added, value }, part);
  }

  /** Brings operands to one rank, with sizes of 1 in front. */
  aligned(operands: readonly Operand[]): Operand[] {
    const rank = Math.max(...operands.map((x) => this.rank(x)));
    return operands.map((x) =>
      this.reshape(x, [...new Array<number>(rank - this.rank(x)).fill(1), ...this.shape(x)], 'aligned'),
    );
  }

  /** Two operands of a float network, or two constants. */
  binary(
    op: 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum',
    x: Operand,
    y: Operand,
    part = '',
  ): ValueId {
    const inputs = this.aligned([x, y]).map((operand) => this.value(this.real(operand)));
    const draft = (
      op === 'maximum' || op === 'minimum' ? { op, inputs } : { op, inputs, activation: 'none' }
    ) as NodeDraft;
    return this.node(draft, null, part);
  }

  fold(x: Known, y: Known, f: (a: number, b: number) => number, dtype = x.dtype): Known {
    broadcastShapes(x.dims, y.dims, this.#call.where);
    return { ...combineConstants(this.allowance, x, y, f, dtype), qparams: null };
  }

  function(
    fn: Extract<NodeDraft, { op: 'unary' }>['fn'],
    x: Operand,
    qparams: QParams | null,
    alpha = 0,
    beta = 0,
    part = '',
  ): ValueId {
    return this.node({ op: 'unary', inputs: [this.value(x)], fn, alpha, beta }, qparams, part);
  }

  /** The activation that an operator carries: in the node, where it can be, or in one behind it. */
  activated(
    activation: TfliteActivation,
    qparams: QParams | null,
    carries: boolean,
    make: (activation: Activation) => ValueId,
  ): ValueId {
    const plain = Object.hasOwn(PLAIN, activation) ? PLAIN[activation as keyof typeof PLAIN] : null;
    if (plain !== null && (carries || plain === 'none')) return make(plain);
    const x = make('none');
    if (plain !== null)
      return this.node({ op: 'activation', inputs: [x], activation: plain }, qparams, plain);
    if (activation === 'RELU_N1_TO_1') return this.function('clip', x, qparams, -1, 1, 'clip');
    if (activation === 'TANH' && qparams === null) return this.function('tanh', x, null, 0, 0, 'tanh');
    return this.#call.refuse(`its fused activation ${activation} is not supported`);
  }

  /** Codes of 8 bits as int32: only a sum and a table may read them. */
  widened(x: ValueId, added: readonly number[] = []): ValueId {
    const id = this.node({ op: 'reshape', inputs: [x], shape: this.shape(x) }, this.qparams(x), 'wide');
    this.#wide.set(id, { codes: this.wide(x)?.codes ?? x, added });
    return id;
  }

  wide(x: Operand): { readonly codes: ValueId; readonly added: readonly number[] } | null {
    return isKnown(x) ? null : (this.#wide.get(x) ?? null);
  }

  /** Codes through a table: element `256 * channel + code - smallest code` of it. */
  lookup(x: ValueId, table: Known, added: readonly number[]): ValueId {
    const { quantMin } = this.qparams(x)!;
    const smallest = quantMin < 0 ? -128 : 0;
    const starts = added.length === 0 ? [0] : added;
    const last = this.shape(x).at(-1) ?? 1;
    const [size] = table.dims;
    const fits = size === 256 * starts.length && (starts.length === 1 || starts.length === last);
    if (!fits || starts.some((start, i) => start !== 256 * i - smallest))
      this.#call.refuse('an index into a table is supported where the table has an entry for every code');
    const array = new NDArray(Int8Array.from(table.data), starts.length === 1 ? [256] : [starts.length, 256]);
    const param = this.build.param(`${this.#call.name}/table`, array, table.qparams);
    return this.node({ op: 'lookup', inputs: [x], table: param }, this.#call.qparams[0]);
  }
}
