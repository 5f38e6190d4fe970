/** ONNX files as graphs that run, train and are quantized here. */
import { formatShape, type Shape } from '../../../core/index.js';
import { ArgumentError, FormatError, OctogradError, UnsupportedError } from '../../../core/errors.js';
import { removeTransposes, renameValues, simplify, type Graph, type ValueId } from '../../../graph/index.js';
import { decodeOnnx } from '../decode.js';
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from '../types.js';
import { Call, describe, isConstant, type Operand } from './call.js';
import { dynamicLayer, isDynamicLayer, joinDynamicLayers } from './dynamic.js';
import { Allowance, fromTensor, isFloatType, toTensor } from './constants.js';
import { toIntegers } from './integers.js';
import { checkSize, finishGraph } from '../../imported.js';
import { Network } from './network.js';
import { IMPORTERS } from './ops/index.js';
import { inputQParams } from './inputs.js';

export { ONNX_OPERATORS } from './ops/index.js';

/** Operator sets of ONNX's own domain. */
export const ONNX_OPSETS = { oldest: 9, newest: 21 } as const;
/** More nodes than any network in use has. */
const MAX_NODES = 10_000;

export interface OnnxImportOptions {
  /** Shapes of inputs, by name: needed where the file leaves a size open that is not the batch. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /** Inputs that are the same for every run, such as weights or sizes kept out of the file. */
  readonly constants?: ReadonlyMap<string, OnnxTensor>;
  /** 'keep' (default): inputs and outputs as in the file, [n, c, h, w]; 'nhwc': images [n, h, w, c] where no op needs the order of the file. */
  readonly layout?: 'keep' | 'nhwc';
}

/** An input or output: its name in the file and in the graph. */
export interface OnnxPort {
  readonly name: string;
  readonly id: ValueId;
  readonly shape: Shape;
}

export interface OnnxImport {
  readonly graph: Graph;
  /**
   * 'float': for GraphModule, training and quantization. 'integer': codes from the first to the last layer, for a Session.
   * 'fake-quantized': quantize nodes around float ops, for a GraphModule only; `why` says what kept it from integers.
   */
  readonly kind: 'float' | 'integer' | 'fake-quantized';
  readonly why: string | null;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly opset: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads a model of operator sets 9 to 21 and makes a graph of it. Constants and arithmetic on shapes are folded, networks in
 * NCHW become NHWC inside, batch norm behind a layer stays trainable. A symbolic first axis of an input is the batch: the graph
 * takes any number of rows, unless a node mixes them. Networks quantized in QDQ or QLinear form become integer graphs where
 * every layer allows it.
 *
 * Throws {@link FormatError} for a damaged file; {@link UnsupportedError}, naming node, operator and attributes, for what
 * cannot be imported; {@link ArgumentError} where `inputShapes` or `constants` do not fit the file. Memory and time are bounded
 * by the size of the file.
 */
export function importOnnx(bytes: Uint8Array, options: OnnxImportOptions = {}): OnnxImport {
  const model = decodeOnnx(bytes);
  const { net, values, opset } = read(model, options);
  const ids = model.graph.outputs.map(({ name }) => {
    const operand = values.get(name);
    if (operand === undefined) throw new FormatError(`bytes: nothing makes output ${JSON.stringify(name)}`);
    if (isConstant(operand) && !isFloatType(operand.dtype))
      throw new UnsupportedError(
        `output ${JSON.stringify(name)}: is a constant of ${operand.dtype}, no result of the network; use evaluateOnnx`,
      );
    return net.value(operand);
  });
  const raw = finishGraph(net.build, ids);
  const layout = options.layout ?? 'keep';
  const quantized = raw.nodes.some(({ op }) => op === 'quantize' || op === 'dequantize');
  const integers = quantized ? toIntegers(raw, net.codes) : { why: null };
  const whole = 'nodes' in integers;
  if (!whole && [...raw.inputs, ...raw.outputs].some((id) => raw.values.get(id)!.qparams !== null))
    throw new UnsupportedError(
      `bytes: the model takes or gives codes, but does not run in integers here: ${integers.why}; use evaluateOnnx, or export it with float inputs and outputs`,
    );
  const simple = whole ? removeTransposes(integers, layout) : simplify(raw, layout);
  const graph = renameValues(simple, outputNames(model, simple));
  const port = (name: string, id: ValueId): OnnxPort => ({ name, id, shape: graph.values.get(id)!.shape });
  const inputs = runtimeInputs(model, options).map(({ name }, i) => port(name, graph.inputs[i]));
  return {
    graph,
    kind: whole ? 'integer' : quantized ? 'fake-quantized' : 'float',
    why: whole ? null : integers.why,
    inputs,
    outputs: model.graph.outputs.map(({ name }, i) => port(name, graph.outputs[i])),
    opset,
    producer: [model.producerName, model.producerVersion].filter((text) => text !== '').join(' '),
    metadata: model.metadata,
  };
}

/**
 * Computes a model whose inputs are all given, with the arithmetic that folds constants: exact for integers, and for
 * QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, QLinearConv, QLinearMatMul, ConvInteger and MatMulInteger. Slow, and
 * without float layers: it is for checking integers, not for running networks. Throws what {@link importOnnx} throws.
 */
export function evaluateOnnx(
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, OnnxTensor>,
): Map<string, OnnxTensor> {
  const model = decodeOnnx(bytes);
  const { values } = read(model, { constants: inputs });
  return new Map(
    model.graph.outputs.map(({ name }) => {
      const operand = values.get(name);
      if (operand === undefined || !isConstant(operand))
        throw new UnsupportedError(
          `output ${JSON.stringify(name)}: takes float operators that only run in a graph; use importOnnx`,
        );
      return [name, toTensor(name, operand)];
    }),
  );
}

/** Outputs are called in the graph as in the file, where no input has that name. */
function outputNames({ graph: { outputs } }: OnnxModel, graph: Graph): Map<ValueId, ValueId> {
  const taken = new Set(graph.inputs);
  return new Map(
    graph.outputs.flatMap((id, i): [ValueId, ValueId][] =>
      taken.has(id) || taken.has(outputs[i].name) ? [] : [[id, outputs[i].name]],
    ),
  );
}

/** Inputs that are no constants. Up to IR version 3 initializers are listed as inputs too. */
function runtimeInputs({ graph }: OnnxModel, { constants }: OnnxImportOptions): OnnxValueInfo[] {
  return graph.inputs.filter(({ name }) => !graph.initializers.has(name) && constants?.has(name) !== true);
}

function read(model: OnnxModel, options: OnnxImportOptions) {
  const opset = checkOpset(model);
  const { graph } = model;
  if (graph.nodes.length > MAX_NODES)
    throw new UnsupportedError(
      `bytes: the model has ${graph.nodes.length} nodes; ${MAX_NODES} are supported`,
    );
  const net = new Network(new Allowance());
  const values = new Map<string, Operand>();
  const shapes = new Map(Object.entries(options.inputShapes ?? {}));
  checkNames(model, shapes.keys(), 'inputShapes');
  checkNames(model, options.constants?.keys() ?? [], 'constants');
  for (const [name, tensor] of [...graph.initializers, ...(options.constants ?? [])]) {
    net.allowance.grant(tensor.data.length);
    values.set(name, fromTensor(tensor));
  }
  for (const info of runtimeInputs(model, options)) {
    const shape = inputShape(info, shapes.get(info.name));
    checkSize(shape, `input ${JSON.stringify(info.name)}`);
    values.set(info.name, net.build.input(info.name, shape, inputQParams(graph, info)));
  }
  for (const node of joinDynamicLayers(graph)) importNode(node, opset, net, values);
  return { net, values, opset };
}

function importNode(node: OnnxNode, opset: number, net: Network, values: Map<string, Operand>): void {
  const own = isDynamicLayer(node) ? dynamicLayer : undefined;
  const importer = node.domain === '' ? IMPORTERS.get(node.opType) : own;
  const inputs = node.inputs.map((name) => {
    if (name === '') return null;
    const operand = values.get(name);
    if (operand === undefined)
      throw new FormatError(
        `${describe(node)}: reads ${JSON.stringify(name)}, which nothing before it makes`,
      );
    return operand;
  });
  const call = new Call(node, opset, inputs);
  if (importer === undefined) return call.refuse(`this operator is not supported; ${adviceFor(node)}`);
  net.enter(call);
  try {
    const results = importer(call, net);
    call.finish(results);
    node.outputs.forEach((name, i) => {
      if (name !== '') values.set(name, results[i]!);
    });
  } catch (error) {
    // What the graph refuses is a file whose shapes do not fit.
    if (error instanceof FormatError || error instanceof UnsupportedError) throw error;
    if (error instanceof OctogradError) return call.invalid(error.message);
    throw error;
  }
}

const POSTPROCESSING = 'export the network without its post-processing, and do that on the outputs';
const FLOW = 'export it with fixed shapes, or resolve it with a simplifier such as onnxsim';
const RECURRENT = 'recurrent networks are not supported';
const ADVICE = new Map([
  ['NonMaxSuppression', POSTPROCESSING],
  ['TopK', POSTPROCESSING],
  ['NonZero', POSTPROCESSING],
  ['ArgMax', POSTPROCESSING],
  ['RoiAlign', POSTPROCESSING],
  ['If', FLOW],
  ['Loop', FLOW],
  ['Scan', FLOW],
  ['LSTM', RECURRENT],
  ['GRU', RECURRENT],
  ['RNN', RECURRENT],
]);

function adviceFor({ domain, opType }: OnnxNode): string {
  if (domain !== '')
    return 'only operators of ONNX itself are; export without optimizations of a certain runtime';
  return ADVICE.get(opType) ?? 'export the network with other operators, or cut it before this node';
}

function checkOpset(model: OnnxModel): number {
  const { oldest, newest } = ONNX_OPSETS;
  const opset = model.opsets.get('');
  if (opset === undefined) throw new FormatError("bytes: the model names no version of ONNX's operators");
  if (!(opset >= oldest && opset <= newest))
    throw new UnsupportedError(
      `bytes: the model uses operator set ${opset}; ${oldest} to ${newest} are supported. Export it again, or convert it with onnx.version_converter`,
    );
  return opset;
}

function checkNames({ graph }: OnnxModel, names: Iterable<string>, what: string): void {
  const known = new Set(graph.inputs.map(({ name }) => name));
  for (const name of names)
    if (!known.has(name))
      throw new ArgumentError(
        `${what}: ${JSON.stringify(name)} is no input of the model; it has ${[...known].slice(0, 20).join(', ')}`,
      );
}

/** The shape of an input: a batch that is left open is 1. */
function inputShape({ name, dtype, dims }: OnnxValueInfo, given: Shape | undefined): Shape {
  const where = `input ${JSON.stringify(name)}`;
  if (dtype === null || (!isFloatType(dtype) && dtype !== 'int8' && dtype !== 'uint8'))
    throw new UnsupportedError(
      `${where}: is ${dtype ?? 'no tensor of a known type'}; networks take floats or 8-bit codes. Give it in \`constants\` if it is always the same`,
    );
  const file = dims === null ? '' : ` [${dims.map((d) => d ?? '?').join(', ')}]`;
  if (given !== undefined) {
    if (
      dims !== null &&
      (given.length !== dims.length || dims.some((d, i) => typeof d === 'number' && d !== given[i]))
    )
      throw new ArgumentError(`inputShapes: ${name} is${file} in the file, not ${formatShape(given)}`);
    return given;
  }
  if (dims === null || dims.some((d, i) => typeof d !== 'number' && i > 0))
    throw new UnsupportedError(
      `${where}: the file leaves its shape${file} open; give it in inputShapes, as { ${JSON.stringify(name)}: [...] }`,
    );
  return dims.map((d) => (typeof d === 'number' ? d : 1));
}
