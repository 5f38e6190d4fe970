/**
 * The network that an import builds: the same functions on values, which add nodes to the graph, and on constants, which
 * are computed at once. Whatever only moves elements is written with them once, for both.
 */
import {
  broadcastShapes,
  formatShape,
  NDArray,
  sameQParams,
  sizeOf,
  stridesOf,
  type QParams,
  type Shape,
} from '../../../core/index.js';
import {
  GraphBuilder,
  movesCodes,
  type NodeDraft,
  type Pair,
  type ParamId,
  type ValueId,
} from '../../../graph/index.js';
import { checkSize } from '../../imported.js';
import { isConstant, type Call, type Operand } from './call.js';
import {
  combineConstants,
  concatConstants,
  gatherConstant,
  isFloatType,
  mapConstant,
  permuteConstant,
  pickConstant,
  withDims,
  type Allowance,
  type Codes,
  type Constant,
} from './constants.js';
import { BINARY, type BinaryName } from './arithmetic.js';

/** Nodes before simplification, which halves or thirds them. */
const MAX_NODES = 6000;

const NHWC = [0, 2, 3, 1];
const NCHW = [0, 3, 1, 2];

export class Network {
  readonly build = new GraphBuilder();
  readonly allowance: Allowance;
  /** The integers that parameters and constants were dequantized from. */
  readonly codes = new Map<ParamId, Codes>();
  readonly #constants = new Map<Constant, ValueId>();
  readonly #arrays = new Map<Constant, NDArray>();
  readonly #numbers = new Map<Constant, number | null>();
  readonly #transposed = new Map<Constant, Map<string, Constant>>();
  #count = 0;
  #call!: Call;

  constructor(allowance: Allowance) {
    this.allowance = allowance;
  }

  /** The node whose import runs, for names and errors. */
  enter(call: Call): void {
    this.#call = call;
  }

  shape(operand: Operand): Shape {
    return isConstant(operand) ? operand.dims : this.build.shape(operand);
  }

  rank(operand: Operand): number {
    return this.shape(operand).length;
  }

  /** Adds a node to the graph; `part` tells the nodes apart that one node of the file becomes. */
  node(draft: NodeDraft, part = ''): ValueId {
    const { name } = this.#call;
    const codes = draft.inputs.map((input) => this.build.qparams(input)).find((qparams) => qparams !== null);
    if (codes !== undefined && !movesCodes(draft.op))
      this.#call.refuse('computes with codes; put a DequantizeLinear before it');
    return this.#add(part === '' ? name : `${name}/${part}`, draft, codes ?? null);
  }

  #add(name: string, draft: NodeDraft, qparams: QParams | null): ValueId {
    if (++this.#count > MAX_NODES)
      this.#call.refuse(
        `is where the graph has more than ${MAX_NODES} nodes, which is more than is supported`,
      );
    const id = this.build.node(name, draft, qparams);
    checkSize(this.build.shape(id), this.#call.where);
    return id;
  }

  quantize(x: ValueId, qparams: QParams): ValueId {
    if (this.build.qparams(x) !== null) this.#call.invalid('quantizes codes');
    return this.#add(this.#call.name, { op: 'quantize', inputs: [x] }, qparams);
  }

  dequantize(x: ValueId, qparams: QParams, part = ''): ValueId {
    const codes = this.build.qparams(x);
    if (codes === null) this.#call.invalid('dequantizes floats');
    if (!sameQParams(codes, qparams))
      this.#call.refuse('reads codes with another scale or zero point than they were made with');
    const { name } = this.#call;
    return this.#add(part === '' ? name : `${name}/${part}`, { op: 'dequantize', inputs: [x] }, null);
  }

  float(value: number, rank: number): Constant {
    const one = this.allowance.constant('float32', new Array<number>(rank).fill(1));
    one.data[0] = value;
    return one;
  }

  /** As a value of the graph: a constant of floats becomes a parameter. */
  value(operand: Operand): ValueId {
    if (!isConstant(operand)) return operand;
    const known = this.#constants.get(operand);
    if (known !== undefined) return known;
    const id = this.build.constant(`${this.#call.name}/constant`, this.#array(operand));
    this.#constants.set(operand, id);
    if (operand.dequantized !== undefined) this.codes.set(id, operand.dequantized);
    return id;
  }

  /** The same array for every use: layers that share weights share memory, until one is trained. */
  #array(constant: Constant): NDArray {
    if (!isFloatType(constant.dtype))
      this.#call.refuse(`computes with a constant of ${constant.dtype}; only floats can be computed with`);
    const { data, dims } = constant;
    // Passes may give each use numbers of its own.
    this.allowance.charge(data.length * 4);
    let array = this.#arrays.get(constant);
    if (array === undefined) {
      array = new NDArray(data instanceof Float32Array ? data : Float32Array.from(data), dims);
      this.#arrays.set(constant, array);
    }
    return array;
  }

  /** A parameter of a layer, with the integers that it was dequantized from if there are any. */
  param(part: string, constant: Constant): ParamId {
    const id = this.build.param(`${this.#call.name}.${part}`, this.#array(constant));
    if (constant.dequantized !== undefined) this.codes.set(id, constant.dequantized);
    return id;
  }

  reshape(x: Operand, shape: Shape): Operand {
    const from = this.shape(x);
    if (sizeOf(shape) !== sizeOf(from))
      this.#call.invalid(`cannot make ${formatShape(shape)} of ${formatShape(from)}`);
    if (from.length === shape.length && from.every((d, i) => d === shape[i])) return x;
    if (isConstant(x)) {
      checkSize(shape, this.#call.where);
      return withDims(x, shape);
    }
    return this.node({ op: 'reshape', inputs: [x], shape }, 'reshape');
  }

  transpose(x: Operand, perm: readonly number[]): Operand {
    if (perm.every((axis, i) => axis === i)) return x;
    if (!isConstant(x)) return this.node({ op: 'transpose', inputs: [x], perm }, 'transpose');
    const known = this.#transposed.get(x) ?? new Map<string, Constant>();
    this.#transposed.set(x, known);
    const key = perm.join(' ');
    const y = known.get(key) ?? this.#permuted(x, perm);
    known.set(key, y);
    return y;
  }

  #permuted(x: Constant, perm: readonly number[]): Constant {
    const moved = permuteConstant(this.allowance, x, perm);
    const { dequantized } = x;
    if (dequantized === undefined) return moved;
    const axis = dequantized.axis === null ? null : perm.indexOf(dequantized.axis);
    const codes = permuteConstant(this.allowance, dequantized.codes, perm);
    return { ...moved, dequantized: { ...dequantized, codes, axis } };
  }

  /** count[i] elements of axis i, from start[i] on, step[i] apart; all inside. */
  slice(
    x: Operand,
    start: readonly number[],
    step: readonly number[],
    count: readonly number[],
    part = 'slice',
  ): Operand {
    const shape = this.shape(x);
    if (shape.every((d, i) => count[i] === d && step[i] === 1)) return x;
    if (!isConstant(x)) return this.node({ op: 'slice', inputs: [x], start, step, count }, part);
    const strides = stridesOf(shape);
    const offset = count.includes(0) ? 0 : start.reduce((sum, s, i) => sum + s * strides[i], 0);
    const steps = strides.map((stride, i) => stride * step[i]);
    return pickConstant(this.allowance, x, count, offset, steps);
  }

  gather(x: Operand, axis: number, indices: readonly number[]): Operand {
    const size = this.shape(x)[axis];
    if (indices.length === size && indices.every((index, i) => index === i)) return x;
    this.allowance.charge(8 * indices.length);
    if (indices.some((i) => !(i >= 0 && i < size)))
      this.#call.invalid(`takes elements outside axis ${axis} of ${formatShape(this.shape(x))}`);
    return isConstant(x)
      ? gatherConstant(this.allowance, x, axis, indices)
      : this.node({ op: 'gather', inputs: [x], axis, indices }, 'gather');
  }

  concat(parts: readonly Operand[], axis: number): Operand {
    const [first] = parts;
    if (parts.length === 1) return first;
    const shape = this.shape(first);
    const fits = (part: Operand): boolean => {
      const dims = this.shape(part);
      return dims.length === shape.length && dims.every((d, i) => i === axis || d === shape[i]);
    };
    if (!parts.every(fits))
      this.#call.invalid(`joins ${parts.map((part) => formatShape(this.shape(part))).join(' and ')}`);
    if (parts.every(isConstant)) return concatConstants(this.allowance, parts, axis);
    // Parts at an end that repeat one number are padding, as some exporters write it.
    const numbers = parts.map((part) => this.#repeated(part));
    let [start, stop] = [0, parts.length];
    while (numbers[start] !== null && numbers[start] === numbers[0]) start++;
    while (numbers[stop - 1] !== null && numbers[stop - 1] === numbers[parts.length - 1]) stop--;
    const rest = parts.slice(start, stop);
    const joined =
      rest.length === 1
        ? rest[0]
        : this.node({ op: 'concat', inputs: rest.map((part) => this.value(part)), axis });
    const size = (ends: readonly Operand[]): number => ends.reduce((n, end) => n + this.shape(end)[axis], 0);
    const along = (before: number, after: number): Pair[] =>
      shape.map((_, i) => (i === axis ? [before, after] : [0, 0]));
    const led = this.pad(joined, along(size(parts.slice(0, start)), 0), numbers[0] ?? 0);
    return this.pad(led, along(0, size(parts.slice(stop))), numbers[parts.length - 1] ?? 0);
  }

  /** The float that a constant repeats; null for all else. */
  #repeated(operand: Operand): number | null {
    if (!isConstant(operand) || !isFloatType(operand.dtype)) return null;
    let number = this.#numbers.get(operand);
    if (number === undefined) {
      const { data } = operand;
      number = data.length > 0 && data.every((v) => v === data[0]) ? data[0] : null;
      this.#numbers.set(operand, number);
    }
    return number;
  }

  /** Constant padding, [before, after] per axis, negative where elements are cut off. */
  pad(x: Operand, pads: readonly (readonly [number, number])[], value: number): Operand {
    const shape = this.shape(x);
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
    return this.node({ op: 'pad', inputs: [this.value(kept)], pads: added, value }, 'pad');
  }

  /** Brings operands to one rank, with sizes of 1 in front. */
  aligned(operands: readonly Operand[]): Operand[] {
    const rank = Math.max(...operands.map((x) => this.rank(x)));
    return operands.map((x) =>
      this.reshape(x, [...new Array<number>(rank - this.rank(x)).fill(1), ...this.shape(x)]),
    );
  }

  binary(name: BinaryName, x: Operand, y: Operand, part = ''): Operand {
    const { f, op, truth } = BINARY[name];
    if (isConstant(x) && isConstant(y)) {
      broadcastShapes(x.dims, y.dims, this.#call.where);
      return combineConstants(
        this.allowance,
        x,
        y,
        f(!isFloatType(x.dtype)),
        truth === true ? 'bool' : x.dtype,
      );
    }
    if (op === undefined)
      return this.#call.refuse('is supported between constants only; export the model without it');
    const inputs = this.aligned([x, y]).map((operand) => this.value(operand));
    const draft = (
      op === 'maximum' || op === 'minimum' ? { op, inputs } : { op, inputs, activation: 'none' }
    ) as NodeDraft;
    return this.node(draft, part);
  }

  /** `f` of the elements of a constant, or the nodes that `emit` adds for a value. */
  unary(x: Operand, f: (v: number) => number, emit: (x: ValueId) => ValueId): Operand {
    return isConstant(x) ? mapConstant(this.allowance, x, f) : emit(x);
  }

  reduce(
    fn: 'mean' | 'sum' | 'max' | 'min',
    x: Operand,
    axes: readonly number[],
    keepdim: boolean,
    part = '',
  ): ValueId {
    return this.node({ op: 'reduce', inputs: [this.value(x)], fn, axes, keepdim }, part);
  }

  function(
    fn: Extract<NodeDraft, { op: 'unary' }>['fn'],
    x: Operand,
    alpha = 0,
    beta = 0,
    part = '',
  ): ValueId {
    return this.node({ op: 'unary', inputs: [this.value(x)], fn, alpha, beta }, part);
  }

  relu(x: Operand, part = ''): ValueId {
    return this.node({ op: 'activation', inputs: [this.value(x)], activation: 'relu' }, part);
  }

  /**
   * `f` on an image: NCHW outside, NHWC for `f`. Sequences [n, c, l] become images of one row. Refuses volumes.
   */
  image(x: Operand, f: (x: ValueId) => ValueId): Operand {
    const shape = this.shape(x);
    if (shape.length === 3) {
      const [n, c, l] = shape;
      const y = this.image(this.reshape(x, [n, c, 1, l]), f);
      const [batch, channels, , length] = this.shape(y);
      return this.reshape(y, [batch, channels, length]);
    }
    if (shape.length !== 4)
      this.#call.refuse(
        `works on ${formatShape(shape)}; images [n, c, h, w] and sequences [n, c, l] are supported, 3-D networks are not`,
      );
    const nhwc = this.node({ op: 'transpose', inputs: [this.value(x)], perm: NHWC }, 'nhwc');
    return this.node({ op: 'transpose', inputs: [f(nhwc)], perm: NCHW }, 'nchw');
  }
}
