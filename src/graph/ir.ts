/**
 * The graph: one intermediate representation for tracing, passes, quantization, the runtime and every file format.
 * A graph is a list of nodes in execution order over named values and named parameters; it never changes, passes make a
 * new one. Unless its `batch` is fixed, axis 0 of every value is the batch and has size 1 here; whoever runs the graph
 * multiplies it.
 */
import {
  formatShape,
  QuantizationError,
  sameShape,
  ShapeError,
  type DType,
  type NDArray,
  type QParams,
  type Shape,
} from '../core/index.js';

export type ValueId = string;
export type ParamId = string;

export interface Value {
  readonly id: ValueId;
  readonly shape: Shape;
  /** Present once the value is codes; its data is then int8 or uint8, otherwise float32. */
  readonly qparams: QParams | null;
}

export interface Param {
  readonly id: ParamId;
  readonly array: NDArray;
  readonly qparams: QParams | null;
}

/** A clamp that rides on the layer before it. */
export type Activation = 'none' | 'relu' | 'relu6';

/**
 * Functions of one element; as integers they are tables. `alpha` is the slope of leakyRelu below 0, the alpha of elu, the
 * exponent of pow, the lower bound of clip, whose upper bound is `beta`; the others have no use for either.
 */
export type UnaryFunction =
  | 'sigmoid'
  | 'tanh'
  | 'hardswish'
  | 'hardsigmoid'
  | 'silu'
  | 'softplus'
  | 'leakyRelu'
  | 'elu'
  | 'clip'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'pow'
  | 'abs'
  | 'neg';

/** Inference-form batch normalisation: `(x - mean) / sqrt(variance + eps) * gamma + beta` over the last axis. */
export interface BatchNormRef {
  readonly gamma: ParamId;
  readonly beta: ParamId;
  readonly mean: ParamId;
  readonly variance: ParamId;
  readonly eps: number;
  readonly momentum: number;
}

export type Pair = readonly [number, number];
/** top, bottom, left, right */
export type Padding = readonly [number, number, number, number];

export interface WindowAttrs {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
}

export type ResizeMode = 'nearest' | 'bilinear';

/**
 * Where output pixel i lies in the input. 'asymmetric': i * in / out; 'halfPixel': (i + 0.5) * in / out - 0.5 (nearest: the
 * pixel that (i + 0.5) * in / out lies in); 'alignCorners': i * (in - 1) / (out - 1). Nearest rounds down, halves up with
 * aligned corners: TFLite's rules.
 */
export type Coordinates = 'asymmetric' | 'halfPixel' | 'alignCorners';

interface LayerAttrs {
  readonly weight: ParamId;
  readonly bias: ParamId | null;
  /** Batch norm that follows the layer, kept apart so that it can still train; see passes/foldBatchNorm. */
  readonly batchNorm: BatchNormRef | null;
  readonly activation: Activation;
}

/** The attributes of each op. Adding a key here makes every total map over nodes ask for it. */
export interface NodeAttrs {
  /** weight OHWI [out, kh, kw, in / groups] */
  conv2d: LayerAttrs & {
    readonly stride: Pair;
    readonly padding: Padding;
    readonly dilation: Pair;
    readonly groups: number;
  };
  /** weight [out, in] */
  linear: LayerAttrs;
  /**
   * weight [out, in] as symmetric int8 codes, bias [out] as floats: a float value in, quantized in the range that it has, and
   * a float value out; see ops/dynamicLinear
   */
  dynamicLinear: {
    readonly weight: ParamId;
    readonly bias: ParamId | null;
    readonly activation: Activation;
  };
  batchNorm: BatchNormRef;
  /** A clamp on its own; 'none': the same numbers, as codes of other qparams. */
  activation: { readonly activation: Activation };
  unary: { readonly fn: UnaryFunction; readonly alpha: number; readonly beta: number };
  /**
   * Codes through a table of codes, [256] or one per channel [c, 256], from the smallest code of the type on. Integer graphs
   * only; files of others have it where no function is known.
   */
  lookup: { readonly table: ParamId };
  /** x above 0, slope * x below; slope [c], for the last axis */
  prelu: { readonly slope: ParamId };
  /** A parameter as a value. Where the batch is free it has size 1 on axis 0 and only two-operand ops read it. */
  constant: { readonly param: ParamId };
  /** Numpy broadcasting, of operands of equal rank. */
  add: { readonly activation: Activation };
  sub: { readonly activation: Activation };
  mul: { readonly activation: Activation };
  div: { readonly activation: Activation };
  maximum: object;
  minimum: object;
  /** [..., m, k] times [..., k, n] of equal ranks, numpy broadcasting of the axes before */
  matmul: object;
  maxPool2d: WindowAttrs & { readonly dilation: Pair };
  avgPool2d: WindowAttrs & { readonly countIncludePad: boolean };
  /** mean over height and width of an NHWC value */
  globalAvgPool: { readonly keepdim: boolean };
  /** Over any axes, in ascending order. */
  reduce: {
    readonly fn: 'mean' | 'sum' | 'max' | 'min';
    readonly axes: readonly number[];
    readonly keepdim: boolean;
  };
  concat: { readonly axis: number };
  /** target shape, batch left as 1 */
  reshape: { readonly shape: Shape };
  /** axis i of the result is axis perm[i] of the input */
  transpose: { readonly perm: readonly number[] };
  /** count[i] elements of axis i: start[i], start[i] + step[i], ... */
  slice: {
    readonly start: readonly number[];
    readonly step: readonly number[];
    readonly count: readonly number[];
  };
  /** element i of the axis is element indices[i] of the input's */
  gather: { readonly axis: number; readonly indices: readonly number[] };
  /** padding with one number, [before, after] per axis */
  pad: { readonly pads: readonly Pair[]; readonly value: number };
  /** height and width of an NHWC value */
  resize: { readonly size: Pair; readonly mode: ResizeMode; readonly coordinates: Coordinates };
  /** over the last axis */
  softmax: { readonly beta: number };
  quantize: object;
  dequantize: object;
}

export type OpName = keyof NodeAttrs;

export type NodeOf<O extends OpName> = {
  readonly op: O;
  /** Name of the node and of the value that it makes. */
  readonly id: ValueId;
  readonly inputs: readonly ValueId[];
} & NodeAttrs[O];

export type Node = { [O in OpName]: NodeOf<O> }[OpName];
export type LayerNode = NodeOf<'conv2d'> | NodeOf<'linear'>;

/** The arithmetic of an integer graph; see docs/quantization.md. */
export type Numerics =
  { readonly numerics: 'float' } | { readonly numerics: 'fixed'; readonly rounding: 'double' | 'single' };

export interface Graph {
  /**
   * 'free': axis 0 is a batch of any size, and every node treats its rows alike. 'fixed': an ordinary axis, and
   * the graph runs on exactly its shapes.
   */
  readonly batch: 'free' | 'fixed';
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  readonly nodes: readonly Node[];
  readonly values: ReadonlyMap<ValueId, Value>;
  readonly params: ReadonlyMap<ParamId, Param>;
  readonly numerics: Numerics;
}

/** A total map from ops to what a consumer makes of them. */
export type Lowering<C, R> = { readonly [O in OpName]: (node: NodeOf<O>, context: C) => R };

export function lowerNode<C, R>(table: Lowering<C, R>, node: Node, context: C): R {
  return (table[node.op] as (node: Node, context: C) => R)(node, context);
}

export function isLayer(node: Node): node is LayerNode {
  return node.op === 'conv2d' || node.op === 'linear';
}

/** Whether a node makes codes. */
export function isInteger(graph: Graph): boolean {
  return graph.nodes.some((node) => graph.values.get(node.id)!.qparams !== null);
}

/** Throws QuantizationError for a graph of codes: for what changes or prepares float networks. */
export function requireFloat(graph: Graph): void {
  if (isInteger(graph))
    throw new QuantizationError(
      'graph: it holds integer codes; give the float network, as it was before convert()',
    );
}

/** The parameters a node reads, in a fixed order. */
export function paramsOf(node: Node): ParamId[] {
  const bn = (ref: BatchNormRef): ParamId[] => [ref.gamma, ref.beta, ref.mean, ref.variance];
  if (isLayer(node))
    return [
      node.weight,
      ...(node.bias === null ? [] : [node.bias]),
      ...(node.batchNorm === null ? [] : bn(node.batchNorm)),
    ];
  switch (node.op) {
    case 'dynamicLinear':
      return node.bias === null ? [node.weight] : [node.weight, node.bias];
    case 'batchNorm':
      return bn(node);
    case 'prelu':
      return [node.slope];
    case 'constant':
      return [node.param];
    case 'lookup':
      return [node.table];
    default:
      return [];
  }
}

/** How many nodes and graph outputs read each value. */
export function countUses(graph: Graph): Map<ValueId, number> {
  const uses = new Map<ValueId, number>();
  for (const id of [...graph.nodes.flatMap((n) => n.inputs), ...graph.outputs])
    uses.set(id, (uses.get(id) ?? 0) + 1);
  return uses;
}

/** The shape of a value where the graph runs with a batch of `n`: constants and fixed graphs know none. */
export function shapeAt(graph: Graph, id: ValueId, n: number): Shape {
  const { shape } = graph.values.get(id)!;
  return graph.batch === 'fixed' || constants(graph).has(id) ? shape : [n, ...shape.slice(1)];
}

/**
 * How many rows a value of this shape has: what the graph runs with as its batch.
 *
 * @param what the argument, for the message
 * @throws ShapeError where the value has another shape, whatever the batch
 */
export function rowsOf(
  graph: Graph,
  id: ValueId,
  shape: Shape,
  what = 'batches',
  verb: 'takes' | 'gives' = 'takes',
): number {
  const fixed = graph.batch === 'fixed';
  const n = fixed ? 1 : (shape[0] ?? 0);
  const want = shapeAt(graph, id, n);
  if (n < 1 || !sameShape(shape, want))
    throw new ShapeError(
      `${what}: ${id} has shape ${formatShape(shape)}; the graph ${verb} ` +
        (fixed ? formatShape(want) : `[n, ${want.slice(1).join(', ')}]`),
    );
  return n;
}

const CONSTANTS = new WeakMap<Graph, ReadonlySet<ValueId>>();

function constants(graph: Graph): ReadonlySet<ValueId> {
  let ids = CONSTANTS.get(graph);
  if (ids === undefined)
    CONSTANTS.set(graph, (ids = new Set(graph.nodes.filter((n) => n.op === 'constant').map((n) => n.id))));
  return ids;
}

/** The element type that holds a value's data. */
export function storageOf(value: Value): DType {
  if (value.qparams === null) return 'float32';
  return value.qparams.quantMin >= 0 ? 'uint8' : 'int8';
}
