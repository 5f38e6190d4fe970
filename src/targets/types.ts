/** What a target is: the rules that a runtime or chip documents, as data, each with its source. */
import type { Graph, NodeOf, Numerics, OpName } from '../graph/index.js';

/** A page of whoever makes the target. */
export interface Source {
  readonly title: string;
  readonly url: string;
}

export type TargetName =
  'onnxruntime' | 'tflite' | 'tflite-micro' | 'edgetpu' | 'openvino' | 'tensorrt' | 'qnn' | 'w8a7';

/** What a target takes for one option of a quantization config. */
export interface Rule<T> {
  /** The first is the default. */
  readonly takes: readonly [T, ...T[]];
  /** Null where nothing is documented: then this is a choice of this library. */
  readonly source: Source | null;
}

type Granularity = 'per-tensor' | 'per-channel';

/** By the name of the option, see `QConfigOptions`. */
export interface QuantizationRules {
  readonly weightBits: Rule<number>;
  readonly activationBits: Rule<number>;
  readonly signed: Rule<boolean>;
  readonly symmetricActivations: Rule<boolean>;
  /** Of convolutions. */
  readonly granularity: Rule<Granularity>;
  readonly linearGranularity: Rule<Granularity>;
  readonly concat: Rule<'equal' | 'free'>;
  readonly numerics: Rule<Numerics>;
  readonly bias: Rule<'int32'>;
}

/** error: the target does not take it; warning: it costs accuracy or speed; note: it may, on some devices. */
export type Severity = 'error' | 'warning' | 'note';

/** A limit of an op that the target has. */
export interface Constraint<O extends OpName = OpName> {
  readonly rule: string;
  readonly severity: Severity;
  readonly fix: string;
  readonly source: Source;
  /** What is wrong with the node; null where nothing is. */
  broken(node: NodeOf<O>, graph: Graph): string | null;
}

export interface OpRule<O extends OpName = OpName> {
  /** Null: this library. */
  readonly source: Source | null;
  /** Of `unary` and `reduce`, those that the target has; left out: all. */
  readonly functions?: readonly string[];
  readonly constraints?: readonly Constraint<O>[];
}

/** Ops that are not in it are outside of what the target has for codes. */
export type OpRules = { readonly [O in OpName]?: OpRule<O> };

/** Scale and zero point, for signed codes of 8 bits, that the result of an op must have. */
export interface FixedOutputs {
  readonly values: Readonly<
    Record<'softmax' | 'sigmoid' | 'tanh', { readonly scale: number; readonly zeroPoint: number }>
  >;
  readonly source: Source;
}

export interface Target {
  readonly name: TargetName;
  readonly title: string;
  /** The file that carries a model there; null for the runtime of this library. */
  readonly format: 'onnx' | 'tflite' | null;
  readonly quantization: QuantizationRules;
  /** Weights have zero point 0 and leave out the lowest code (-128). Null: no such rule. */
  readonly narrowWeights: Source | null;
  readonly fixedOutputs: FixedOutputs | null;
  /** Nothing inside the network may be float. Null: what is left in float runs in float. */
  readonly integersOnly: Source | null;
  /** Sizes are known beforehand. A free batch is: files are written for a batch of one. */
  readonly staticShapes: Source | null;
  /** Only so many of the last axes may have a size above 1. */
  readonly axes: { readonly most: number; readonly source: Source } | null;
  /** Processors whose 8-bit products saturate at 16 bits where both operands use their whole range. */
  readonly saturation: Source | null;
  /** Files hold biases as float, the number that the 32-bit code stands for. Null: as codes. */
  readonly floatBiases: Source | null;
  readonly ops: OpRules;
  /** What a program cannot check, and what exporters keep to. */
  readonly notes: readonly string[];
}

/** A rule of the target that a graph breaks. */
export interface Violation {
  readonly rule: string;
  readonly severity: Severity;
  /** The node that breaks it, or the value or parameter; neither where it is the whole graph. */
  readonly node?: string;
  readonly value?: string;
  /** What was found. */
  readonly message: string;
  readonly fix: string;
  readonly source: Source | null;
}
