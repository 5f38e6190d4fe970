/**
 * The graph: one intermediate representation for tracing, passes, quantization, the runtime and every file format.
 * A graph is a list of nodes in execution order over named values and named parameters; it never changes, passes make a
 * new one. Axis 0 of every value is the batch and has size 1 here; whoever runs the graph multiplies it.
 */
import type { DType, NDArray, QParams, Shape } from '../core/index.js';

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

/** Functions of one element that are neither clamps nor linear; as integers they are tables. */
export type UnaryFunction = 'sigmoid' | 'tanh' | 'hardswish' | 'hardsigmoid' | 'silu' | 'leakyRelu' | 'elu';

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
  batchNorm: BatchNormRef;
  activation: { readonly activation: 'relu' | 'relu6' };
  unary: { readonly fn: UnaryFunction; readonly alpha: number };
  add: { readonly activation: Activation };
  sub: { readonly activation: Activation };
  mul: { readonly activation: Activation };
  maxPool2d: WindowAttrs & { readonly dilation: Pair };
  avgPool2d: WindowAttrs & { readonly countIncludePad: boolean };
  /** mean over height and width of an NHWC value */
  globalAvgPool: { readonly keepdim: boolean };
  concat: { readonly axis: number };
  /** target shape, batch left as 1 */
  reshape: { readonly shape: Shape };
  /** zero padding, [before, after] per axis */
  pad: { readonly pads: readonly Pair[] };
  upsampleNearest: { readonly size: Pair };
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

/** The parameters a node reads, in a fixed order. */
export function paramsOf(node: Node): ParamId[] {
  const bn = (ref: BatchNormRef): ParamId[] => [ref.gamma, ref.beta, ref.mean, ref.variance];
  if (isLayer(node))
    return [
      node.weight,
      ...(node.bias === null ? [] : [node.bias]),
      ...(node.batchNorm === null ? [] : bn(node.batchNorm)),
    ];
  return node.op === 'batchNorm' ? bn(node) : [];
}

/** How many nodes and graph outputs read each value. */
export function countUses(graph: Graph): Map<ValueId, number> {
  const uses = new Map<ValueId, number>();
  for (const id of [...graph.nodes.flatMap((n) => n.inputs), ...graph.outputs])
    uses.set(id, (uses.get(id) ?? 0) + 1);
  return uses;
}

/** The element type that holds a value's data. */
export function storageOf(value: Value): DType {
  if (value.qparams === null) return 'float32';
  return value.qparams.quantMin >= 0 ? 'uint8' : 'int8';
}
