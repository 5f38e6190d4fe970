/**
 * Graphs as ONNX files. Opset 13 is the oldest with scales per channel and so the one that most runtimes take; nothing that
 * is written here has a better form in a later one.
 */
import { ArgumentError, NDArray, permuteArray, invertPerm, type DType } from '../../../core/index.js';
import {
  foldBatchNorm,
  isLayer,
  lowerNode,
  storageOf,
  validate,
  type Graph,
  type ValueId,
} from '../../../graph/index.js';
import type { ModelInfo } from '../../model.js';
import type { SelfTest } from '../../selfTest.js';
import { encodeOnnx } from '../encode.js';
import type { OnnxDim, OnnxModel } from '../types.js';
import { codesFrom, type CodeType } from './codes.js';
import { Exporter } from './exporter.js';
import { imagesOf } from './images.js';
import { LOWERING } from './lowering.js';
import { writeMetadata } from './metadata.js';
import { identity, NHWC_IN_NCHW, type Tensor } from './view.js';

const OPSET = 13;
/** The version of the format that came with the opset (ONNX 1.8). */
const IR_VERSION = 7;

export interface OnnxExportOptions {
  /**
   * How integer layers are written. 'qdq' (default): float operators between QuantizeLinear and DequantizeLinear, which
   * runtimes fuse. 'qoperator': QLinearConv and QLinearMatMul; other ops as in QDQ, for ONNX has no integer form of them.
   */
  readonly style?: 'qdq' | 'qoperator';
  /** The type of quantized activations; by default each is as it is in the graph. The results stay the same. */
  readonly activations?: CodeType;
  /** Images at inputs and outputs: 'nchw' (default) as ONNX has them, or 'nhwc' as here, with a Transpose at the edge. */
  readonly layout?: 'nchw' | 'nhwc';
  /** The batch of the file; open unless given. Graphs of fixed shapes have none. */
  readonly batch?: number;
  /** Goes into the metadata of the file. */
  readonly info?: ModelInfo;
  /** Inputs and the outputs that belong to them, in the layouts and codes of the graph; goes into the metadata. */
  readonly selfTest?: SelfTest;
}

export interface OnnxExport {
  readonly bytes: Uint8Array;
  /** What the file cannot say, in sentences; also in its metadata. */
  readonly notes: readonly string[];
}

/**
 * Writes a float or an integer graph. Values keep their names: the codes of a quantized value are a tensor of that name.
 * Batch norm that rides on layers is folded into them.
 *
 * @throws GraphError for a graph that breaks its rules; ArgumentError for a batch that the graph cannot have, or a
 *   self-test that does not fit it
 */
export function exportOnnx(graph: Graph, options: OnnxExportOptions = {}): OnnxExport {
  const { model, notes } = onnxModelOf(graph, options);
  return { bytes: encodeOnnx(model), notes };
}

/** As {@link exportOnnx}, before it becomes bytes. */
export function onnxModelOf(
  given: Graph,
  options: OnnxExportOptions,
): { readonly model: OnnxModel; readonly notes: readonly string[] } {
  const { style = 'qdq', activations = null, layout = 'nchw', batch, selfTest = null } = options;
  const { info = { labels: [], normalization: null } } = options;
  const folds = given.nodes.some((node) => isLayer(node) && node.batchNorm !== null);
  const graph = validate(folds ? foldBatchNorm(given) : given);
  if (batch !== undefined && (graph.batch === 'fixed' || !Number.isInteger(batch) || batch < 1))
    throw new ArgumentError(
      graph.batch === 'fixed'
        ? `batch: this graph runs on its own shapes only; leave the batch away`
        : `batch: ${batch} must be a whole number >= 1`,
    );
  const notes =
    graph.numerics.numerics === 'fixed'
      ? [
          'The model rounds as fixed-point arithmetic does; ONNX rounds in float, so that codes differ by a step.',
        ]
      : [];

  const images = imagesOf(graph);
  const rank = (id: ValueId): number => graph.values.get(id)!.shape.length;
  const edge = (id: ValueId): readonly number[] =>
    images.has(id) && layout === 'nchw' ? NHWC_IN_NCHW : identity(rank(id));
  const exporter = new Exporter(graph, { style, activations }, edge);
  const { build } = exporter;
  const dims = ({ shape }: Tensor): OnnxDim[] =>
    graph.batch === 'fixed' ? [...shape] : [batch ?? 'batch', ...shape.slice(1)];
  const dtype = (id: ValueId): 'float32' | CodeType => {
    const qparams = exporter.qparams(id);
    return qparams === null ? 'float32' : exporter.storage(qparams).dtype;
  };

  for (const id of graph.inputs) {
    const value = graph.values.get(id)!;
    const perm = edge(id);
    const tensor = {
      name: id,
      shape: invertPerm(perm).map((axis) => value.shape[axis]),
      qparams: value.qparams,
    };
    build.input(id, dtype(id), dims(tensor));
    exporter.define(id, { tensor, perm, flat: false });
    // Images are turned where they come in, once.
    if (images.has(id) && layout === 'nhwc')
      exporter.define(id, { tensor: exporter.channelsFirst(id), perm: NHWC_IN_NCHW, flat: false });
  }
  for (const node of graph.nodes) {
    const view = lowerNode(LOWERING, node, exporter);
    if (view !== null) exporter.define(node.id, view);
  }
  for (const id of graph.outputs) {
    const tensor = exporter.output(id);
    build.output(tensor.name, dtype(id), dims(tensor));
  }

  const turned = (arrays: ReadonlyMap<string, NDArray>): Map<string, NDArray> =>
    new Map(Array.from(arrays, ([id, array]) => [id, atEdge(array, id)]));
  const atEdge = (array: NDArray, id: ValueId): NDArray => {
    const value = graph.values.get(id);
    if (value === undefined || ![...graph.inputs, ...graph.outputs].includes(id))
      throw new ArgumentError(`selfTest: ${id} is neither an input nor an output of the graph`);
    const wanted: DType = storageOf(value);
    if (array.dtype !== wanted || array.rank !== rank(id))
      throw new ArgumentError(
        `selfTest: ${id} is ${array.dtype} of ${array.rank} axes; the graph has ${wanted} of ${rank(id)}`,
      );
    const placed = permuteArray(array, invertPerm(edge(id)));
    if (value.qparams === null) return placed;
    const { dtype, offset } = exporter.storage(value.qparams);
    return new NDArray(codesFrom(dtype, placed.data as Int8Array, offset), placed.shape);
  };
  const test = selfTest && { inputs: turned(selfTest.inputs), outputs: turned(selfTest.outputs) };
  const model: OnnxModel = {
    irVersion: IR_VERSION,
    opsets: new Map([['', OPSET]]),
    producerName: 'octograd',
    producerVersion: '',
    metadata: writeMetadata({ ...info, selfTest: test }, notes),
    graph: build.finish('octograd'),
  };
  return { model, notes };
}
