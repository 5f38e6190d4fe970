/** Graphs as TFLite files. */
import { ArgumentError } from '../../../core/index.js';
import { foldBatchNorm, isLayer, lowerNode, validate, type Graph } from '../../../graph/index.js';
import type { ModelInfo } from '../../model.js';
import type { SelfTest } from '../../selfTest.js';
import { encodeTflite } from '../encode.js';
import { SCHEMA_VERSION } from '../schema.js';
import type { TfliteModel } from '../types.js';
import { Exporter, type ExporterOptions } from './exporter.js';
import { boundary, type EdgeType } from './edges.js';
import { LOWERING } from './lowering.js';
import { writeTfliteMetadata } from './metadata.js';

export interface TfliteExportOptions {
  /** The batch of the file, whose shapes are fixed; 1 unless given. Graphs of fixed shapes have none. */
  readonly batch?: number;
  /** The type of the inputs of an integer graph; by default as in the graph. Unsigned codes are int8 in the file. */
  readonly inputs?: EdgeType;
  /** The same of the outputs. */
  readonly outputs?: EdgeType;
  /**
   * Functions of one code. 'operators' (default): TFLite's own where they take int8 (LOGISTIC, TANH, HARD_SWISH, LEAKY_RELU,
   * ELU; LOGISTIC and MUL for SiLU), whose codes may differ by one. 'tables': CAST and GATHER, which give exactly the codes
   * of the runtime here and take longer. Functions that TFLite has no int8 operator for are always tables.
   */
  readonly functions?: ExporterOptions['functions'];
  /**
   * Linear layers with a scale per channel: 'refuse' (default), 'convolution' (a 1x1 CONV_2D, the same codes everywhere), or
   * 'fullyConnected', which LiteRT takes and TensorFlow Lite up to 2.9 computes wrong results with.
   */
  readonly perChannelLinear?: ExporterOptions['perChannelLinear'];
  /** Goes into the metadata of the file. */
  readonly info?: ModelInfo;
  /** Inputs and the outputs that belong to them, in the codes of the graph; goes into the metadata. */
  readonly selfTest?: SelfTest;
}

export interface TfliteExport {
  readonly bytes: Uint8Array;
  /** What the file cannot say, in sentences; also in its metadata. */
  readonly notes: readonly string[];
}

/**
 * Writes a float or an integer graph. Values keep their names: the codes of a quantized value are a tensor of that name.
 * Batch norm that rides on layers is folded into them.
 *
 * @throws GraphError for a graph that breaks its rules; UnsupportedError, naming the node and what can be done, for what
 *   TFLite has no form of; ArgumentError for options that do not fit the graph
 */
export function exportTflite(graph: Graph, options: TfliteExportOptions = {}): TfliteExport {
  const { model, notes } = tfliteModelOf(graph, options);
  return { bytes: encodeTflite(model), notes };
}

const ROUNDING = {
  float:
    'The model rounds in float, as XNNPACK (LiteRT) does; kernels of TensorFlow Lite itself round in fixed point, so that codes differ by a step there.',
  fixed:
    'The model rounds in fixed point, as kernels of TensorFlow Lite itself do; XNNPACK (LiteRT) rounds in float, so that codes differ by a step there.',
};

const isInteger = (graph: Graph): boolean =>
  graph.nodes.some(({ id }) => graph.values.get(id)!.qparams !== null);

const TIES =
  'Codes of uint8 are int8 in the file, 128 lower; halves of averages are rounded away from code 0, so that average pools and bilinear resizing may differ by a step.';

/** Whether halves are rounded away from a code 0 that the file does not have. */
function mixesUnsigned({ numerics, nodes, values }: Graph): boolean {
  return (
    numerics.numerics === 'fixed' &&
    nodes.some(
      (node) =>
        (node.op === 'avgPool2d' || (node.op === 'resize' && node.mode === 'bilinear')) &&
        (values.get(node.id)!.qparams?.quantMin ?? -1) >= 0,
    )
  );
}

/** As {@link exportTflite}, before it becomes bytes. */
export function tfliteModelOf(
  given: Graph,
  options: TfliteExportOptions,
): { readonly model: TfliteModel; readonly notes: readonly string[] } {
  const { batch = 1, functions = 'operators', perChannelLinear = 'refuse', selfTest = null } = options;
  const { info = { labels: [], normalization: null } } = options;
  const folds = given.nodes.some((node) => isLayer(node) && node.batchNorm !== null);
  const graph = validate(folds ? foldBatchNorm(given) : given);
  if (!Number.isInteger(batch) || batch < 1 || (graph.batch === 'fixed' && batch !== 1))
    throw new ArgumentError(
      graph.batch === 'fixed'
        ? 'batch: this graph runs on its own shapes only; leave the batch away'
        : `batch: ${batch} must be a whole number >= 1`,
    );
  const notes = [
    ...(isInteger(graph) ? [ROUNDING[graph.numerics.numerics]] : []),
    ...(mixesUnsigned(graph) ? [TIES] : []),
  ];

  const e = new Exporter(graph, { batch, functions, perChannelLinear });
  const edges = boundary(e, options.inputs ?? null, options.outputs ?? null);
  const inputs = graph.inputs.map((id) => edges.input(id));
  for (const node of graph.nodes) if (!e.isDefined(node.id)) e.define(node.id, lowerNode(LOWERING, node, e));
  const taken = new Set(inputs);
  const outputs = graph.outputs.map((id) => {
    const tensor = edges.output(id, taken);
    taken.add(tensor);
    return tensor;
  });

  const name = (tensor: number): string => e.write.at(tensor).name;
  const named = (tensors: readonly number[]) => tensors.map((tensor) => ({ name: name(tensor), tensor }));
  const test = selfTest && {
    inputs: edges.arrays(selfTest.inputs, graph.inputs, inputs),
    outputs: edges.arrays(selfTest.outputs, graph.outputs, outputs),
  };
  const model: TfliteModel = {
    version: SCHEMA_VERSION,
    description: 'octograd',
    subgraphs: [e.write.finish('main', inputs, outputs)],
    metadata: writeTfliteMetadata(
      { ...info, selfTest: test, numerics: isInteger(graph) ? graph.numerics : null },
      notes,
    ),
    signatureDefs: [{ key: 'serving_default', subgraph: 0, inputs: named(inputs), outputs: named(outputs) }],
  };
  return { model, notes };
}
