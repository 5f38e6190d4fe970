/**
 * From a graph with quantize and dequantize nodes around float ops to an integer graph: each op between them becomes one on
 * codes, whose output has the qparams of the quantize node behind it.
 */
import { OctogradError } from '../../../core/errors.js';
import {
  checkQParams,
  NDArray,
  perTensor,
  qdtypeOf,
  sameQParams,
  sizeOf,
  type QParams,
} from '../../../core/index.js';
import {
  GraphBuilder,
  isLayer,
  movesCodes,
  type Activation,
  type Graph,
  type LayerNode,
  type Node,
  type NodeDraft,
  type ParamId,
  type ValueId,
} from '../../../graph/index.js';
import type { Codes } from './constants.js';
import { HIGHEST } from './arithmetic.js';
import { codeRange, roundEven } from './quantized.js';

/** An op whose qparams are not known yet, on codes, and what moves its result. */
interface Pending {
  readonly node: Node;
  readonly inputs: readonly ValueId[];
  readonly moved: Moved | null;
}

/** A list that shares its beginning with others: the last move, and those before it. */
interface Moved {
  readonly node: Node;
  readonly before: Moved | null;
}

/** What stands for a value of the old graph. */
type Form =
  | { readonly kind: 'float'; readonly id: ValueId; readonly moved: Moved | null }
  | { readonly kind: 'codes'; readonly id: ValueId }
  | { readonly kind: 'pending'; readonly pending: Pending };

/** Ends the attempt: something has to be computed in float. */
class NotIntegers extends Error {}
const float = (why: string): never => {
  throw new NotIntegers(why);
};

/** The integer graph; or why there is none. */
export function toIntegers(
  graph: Graph,
  codes: ReadonlyMap<ParamId | ValueId, Codes>,
): Graph | { readonly why: string } {
  try {
    return new Converter(graph, codes).run();
  } catch (error) {
    // Qparams that no kernel takes, for instance.
    if (error instanceof NotIntegers || error instanceof OctogradError) return { why: error.message };
    throw error;
  }
}

/** Moves that commute with quantizing: each result is one of the elements, or padding. */
const FOLLOWS = new Set<Node['op']>(['transpose', 'reshape', 'slice', 'gather', 'maxPool2d', 'pad']);
/** Ops that have an integer form with an output scale of its own. */
const COMPUTES = new Set<Node['op']>([
  'conv2d',
  'linear',
  'add',
  'sub',
  'mul',
  'activation',
  'unary',
  'prelu',
  'avgPool2d',
  'globalAvgPool',
  'reduce',
  'concat',
  'softmax',
]);

class Converter {
  readonly #old: Graph;
  readonly #codes: ReadonlyMap<ParamId | ValueId, Codes>;
  readonly #new = new GraphBuilder();
  readonly #forms = new Map<ValueId, Form>();

  constructor(graph: Graph, codes: ReadonlyMap<ParamId | ValueId, Codes>) {
    this.#old = graph;
    this.#codes = codes;
  }

  run(): Graph {
    const { inputs, nodes, outputs, values, batch } = this.#old;
    for (const id of inputs) {
      const { shape, qparams } = values.get(id)!;
      const input = this.#new.input(id, shape, qparams);
      this.#forms.set(
        id,
        qparams === null ? { kind: 'float', id: input, moved: null } : { kind: 'codes', id: input },
      );
    }
    for (const node of nodes) this.#forms.set(node.id, this.#visit(node));
    return this.#new.finish(
      outputs.map((id) => this.#output(id)),
      batch,
    );
  }

  #output(id: ValueId): ValueId {
    const form = this.#forms.get(id)!;
    if (form.kind === 'pending') return float(`output ${id} is not quantized`);
    if (form.kind === 'float') return float(`output ${id} is an input that was only moved`);
    if (this.#old.values.get(id)!.qparams !== null) return form.id;
    return this.#new.node(id, { op: 'dequantize', inputs: [form.id] });
  }

  #visit(node: Node): Form {
    const forms = node.inputs.map((id) => this.#forms.get(id)!);
    const [x] = forms;
    const qparams = this.#old.values.get(node.id)!.qparams;
    if (node.op === 'quantize') return { kind: 'codes', id: this.#quantized(node, x, qparams!) };
    if (node.op === 'dequantize') return x;
    if (node.op === 'constant') return { kind: 'codes', id: this.#constant(node.id, node.param) };
    if (x.kind === 'float') {
      if (!FOLLOWS.has(node.op)) return float(`node ${node.id} computes with values that are not quantized`);
      return { ...x, moved: { node, before: x.moved } };
    }
    if (movesCodes(node.op) && x.kind === 'codes' && !mixes(node))
      return { kind: 'codes', id: this.#move(node, x.id) };
    if (x.kind === 'pending') {
      const { pending } = x;
      if (FOLLOWS.has(node.op))
        return { kind: 'pending', pending: { ...pending, moved: { node, before: pending.moved } } };
      const source = pending.node;
      const activation = clampOf(node);
      if (activation !== null && 'activation' in source && source.activation === 'none')
        return { kind: 'pending', pending: { ...pending, node: { ...source, activation } as Node } };
      return float(`node ${source.id} is not quantized before node ${node.id}`);
    }
    if (!COMPUTES.has(node.op) && !mixes(node))
      return float(`node ${node.id} (${node.op}) has no integer form here`);
    const inputs = forms.map((form, i) =>
      form.kind === 'codes'
        ? form.id
        : float(`node ${node.id} reads ${node.inputs[i]}, which is not quantized`),
    );
    return { kind: 'pending', pending: { node, inputs, moved: null } };
  }

  #quantized(node: Node, x: Form, qparams: QParams): ValueId {
    if (x.kind === 'float') {
      // Kernels move codes, not floats.
      const codes = this.#new.node(node.id, { op: 'quantize', inputs: [x.id] }, qparams);
      return this.#moves(x.moved, codes);
    }
    if (x.kind === 'codes')
      return sameQParams(this.#new.qparams(x.id)!, qparams)
        ? x.id
        : this.#new.node(node.id, { op: 'concat', inputs: [x.id], axis: 0 }, qparams);
    const { node: source, inputs, moved } = x.pending;
    let id: ValueId;
    if (isLayer(source)) id = this.#layer(source, inputs[0], qparams);
    else {
      const kept = mixes(source) || (source.op === 'reduce' && (source.fn === 'max' || source.fn === 'min'));
      if (kept && !sameQParams(this.#new.qparams(inputs[0])!, qparams))
        return float(`node ${source.id} changes the scale, which its integer form cannot`);
      if (source.op === 'reduce' && source.fn === 'min')
        return float(`node ${source.id}: minima have no integer form`);
      if (source.op === 'prelu') this.#copy(source.slope);
      id = this.#new.node(source.id, { ...source, inputs } as NodeDraft, qparams);
    }
    return this.#moves(moved, id);
  }

  #moves(moved: Moved | null, codes: ValueId): ValueId {
    const moves: Node[] = [];
    for (let last = moved; last !== null; last = last.before) moves.push(last.node);
    return moves.reduceRight((id, node) => this.#move(node, id), codes);
  }

  #move(node: Node, input: ValueId): ValueId {
    return this.#new.node(node.id, { ...node, inputs: [input] } as NodeDraft, this.#new.qparams(input));
  }

  #copy(id: ParamId): void {
    if (!this.#new.has(id)) this.#new.param(id, this.#old.params.get(id)!.array);
  }

  #constant(id: ValueId, param: ParamId): ValueId {
    const qparams = this.#paramQParams(id, id);
    const { codes } = this.#codes.get(id)!;
    if (qparams.axis !== null) return float(`constant ${param} has a scale per channel`);
    const array = qparams.quantMin < 0 ? Int8Array.from(codes.data) : Uint8Array.from(codes.data);
    return this.#new.constant(id, new NDArray(array, codes.dims), qparams);
  }

  /** Qparams of 8-bit codes as they are stored. */
  #paramQParams(id: string, node: string): QParams {
    const found = this.#codes.get(id);
    const range = found && codeRange(found.codes.dtype);
    if (found === undefined || range === null || range === undefined)
      return float(`node ${node} reads ${id}, which is not quantized`);
    const [quantMin, quantMax] = range;
    const { scale, zeroPoint, axis } = found;
    if (quantMax > 255) return float(`${id} has codes of 16 bits`);
    if (axis === null) return perTensor(scale[0], zeroPoint[0], { quantMin, quantMax });
    return checkQParams(
      { dtype: qdtypeOf({ quantMin, quantMax }), scale, zeroPoint, axis, quantMin, quantMax },
      id,
    );
  }

  #layer(node: LayerNode, input: ValueId, output: QParams): ValueId {
    const weights = this.#paramQParams(node.weight, node.id);
    if (weights.axis !== null && weights.axis !== 0)
      return float(`node ${node.id}: the scales of ${node.weight} do not run along its outputs`);
    const { data } = this.#codes.get(node.weight)!.codes;
    const { shape } = this.#old.params.get(node.weight)!.array;
    const per = sizeOf(shape.slice(1));
    const zero = (i: number): number => weights.zeroPoint[weights.axis === null ? 0 : Math.floor(i / per)];
    // Symmetric weights: what is stored around another zero point moves to 0 if it fits there.
    const centred = Int8Array.from(data, (v, i) => v - zero(i));
    if (!centred.every((v, i) => v === data[i] - zero(i)))
      return float(`node ${node.id}: its weights are not symmetric around 0, which integer layers need`);
    const signed: QParams = {
      ...weights,
      zeroPoint: new Int32Array(weights.scale.length),
      ...(weights.dtype === 'int4' ? {} : { dtype: 'int8', quantMin: -128, quantMax: 127 }),
    };
    const weight = this.#new.param(node.weight, new NDArray(centred, shape), signed);
    const source = this.#new.qparams(input)!;
    const bias = node.bias === null ? null : this.#bias(node, node.bias, source, signed);
    const reach = Math.max(source.quantMax - source.zeroPoint[0], source.zeroPoint[0] - source.quantMin);
    const peak = bias === null ? 0 : bias.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    if (per * 128 * reach + peak >= 2 ** 31) return float(`node ${node.id}: its sums can leave int32`);
    const scale = accumulator(source, signed);
    const range = { quantMin: -(2 ** 31), quantMax: 2 ** 31 - 1 };
    const biasId =
      bias === null
        ? null
        : this.#new.param(node.bias!, bias, {
            dtype: 'int32',
            scale,
            zeroPoint: new Int32Array(scale.length),
            axis: scale.length === 1 ? null : 0,
            ...range,
          });
    const draft = { ...node, inputs: [input], weight, bias: biasId } as NodeDraft;
    return this.#new.node(node.id, draft, output);
  }

  /** Int32 codes of a bias: those of the file, or its floats on the grid of the sums. */
  #bias(node: LayerNode, id: ParamId, input: QParams, weight: QParams): NDArray<'int32'> {
    const scale = accumulator(input, weight);
    const at = (list: Float32Array, i: number): number => list[list.length === 1 ? 0 : i];
    const real = this.#old.params.get(id)!.array;
    const stored = this.#codes.get(id);
    const same =
      stored?.codes.dtype === 'int32' &&
      stored.zeroPoint.every((z) => z === 0) &&
      Array.from(real.data).every((_, i) => Math.abs(at(stored.scale, i) / at(scale, i) - 1) < 1e-6);
    if (same) return new NDArray(Int32Array.from(stored.codes.data), real.shape);
    const codes = Float64Array.from(real.data, (v, i) => roundEven(v / at(scale, i)));
    if (codes.some((v) => !(Math.abs(v) < 2 ** 31)))
      return float(`node ${node.id}: its bias does not fit int32`);
    return new NDArray(Int32Array.from(codes), real.shape);
  }
}

/** A clamp that a layer can do itself. */
function clampOf(node: Node): Activation | null {
  if (node.op === 'activation') return node.activation;
  if (node.op !== 'unary' || node.fn !== 'clip' || node.alpha !== 0) return null;
  return node.beta === 6 ? 'relu6' : node.beta >= HIGHEST ? 'relu' : null;
}

/** A bilinear resize keeps the qparams but makes new values. */
const mixes = (node: Node): boolean => node.op === 'resize' && node.mode === 'bilinear';

const accumulator = (input: QParams, weight: QParams): Float32Array =>
  weight.scale.map((s) => Math.fround(input.scale[0] * s));
