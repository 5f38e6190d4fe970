/** TFLite files as graphs that run, train and are quantized here. */
import { FormatError, OctogradError, UnsupportedError } from '../../../core/errors.js';
import { ArgumentError, formatShape, type Shape } from '../../../core/index.js';
import { removeTransposes, simplify, type Graph, type ValueId } from '../../../graph/index.js';
import { Allowance } from '../../onnx/import/constants.js';
import { checkSize, finishGraph } from '../../imported.js';
import { operatorName } from '../check.js';
import { decodeTflite } from '../decode.js';
import { readTfliteMetadata, type TfliteMetadata } from '../export/metadata.js';
import type { TfliteOperator, TfliteSubgraph, TfliteTensor } from '../types.js';
import { Call, type Operand } from './call.js';
import { Network } from './network.js';
import { CUSTOM_IMPORTERS, IMPORTERS } from './ops/index.js';
import type { Importer } from './ops/types.js';
import { knownOf, qparamsOf } from './tensors.js';

/** Networks in use have a few thousand at most; passes over 8,000 nodes take half a second. */
const MAX_OPERATORS = 8_000;

export interface TfliteImportOptions {
  /** Shapes of inputs, by name: needed where the file leaves a size open that is not the batch. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
}

/** An input or output: its name in the file and in the graph. */
export interface TflitePort {
  readonly name: string;
  readonly id: ValueId;
  readonly shape: Shape;
}

export interface TfliteImport {
  readonly graph: Graph;
  /**
   * 'float': for GraphModule, training and quantization. 'integer': codes, for a Session. 'mixed': some parts compute on
   * codes and others on floats, which a Session runs where it has kernels for floats.
   */
  readonly kind: 'float' | 'integer' | 'mixed';
  readonly inputs: readonly TflitePort[];
  readonly outputs: readonly TflitePort[];
  /** What was changed, in sentences. */
  readonly notes: readonly string[];
  /** What an export from here wrote; empty in files of others. */
  readonly metadata: TfliteMetadata;
}

/**
 * Reads a model: float, float with weights of 16 bits or of codes, or int8, which keeps its codes and the arithmetic that it
 * was exported for here, or else that of TensorFlow Lite (fixed point, double rounding). Constants and arithmetic on shapes are folded.
 *
 * Throws {@link FormatError} for a damaged file; {@link UnsupportedError}, naming the operator, its place and its options,
 * for what cannot be imported; {@link ArgumentError} where `inputShapes` does not fit the file. Memory and time are bounded
 * by the size of the file.
 */
export function importTflite(bytes: Uint8Array, options: TfliteImportOptions = {}): TfliteImport {
  const model = decodeTflite(bytes);
  const [subgraph] = model.subgraphs;
  const { operators, tensors } = subgraph;
  if (operators.length > MAX_OPERATORS)
    throw new UnsupportedError(
      `bytes: the model has ${operators.length} operators; ${MAX_OPERATORS} are supported`,
    );
  const allowance = new Allowance();
  const net = new Network(allowance);
  const operands = new Map<number, Operand>();
  for (const index of subgraph.inputs) operands.set(index, input(net, tensors[index], options));
  checkNames(subgraph, options);
  const read = (index: number, where: () => string): Operand => {
    let operand = operands.get(index);
    if (operand === undefined) {
      const tensor = tensors[index];
      if (tensor.data === null)
        throw new FormatError(`${where()}: reads tensor ${index}, which nothing before it makes`);
      operands.set(index, (operand = knownOf(tensor, allowance)));
    }
    return operand;
  };
  operators.forEach((operator, i) => importOperator(operator, i, subgraph, net, operands, read));
  const raw = finishGraph(
    net.build,
    subgraph.outputs.map((index) => net.value(read(index, () => `output ${index}`))),
  );
  const metadata = readTfliteMetadata(model.metadata);
  const kind = kindOf(raw);
  const graph =
    kind === 'float'
      ? simplify({ ...raw, numerics: { numerics: 'float' } })
      : removeTransposes({ ...raw, numerics: metadata.numerics ?? raw.numerics });
  const ports = (indices: readonly number[], ids: readonly ValueId[]): TflitePort[] =>
    indices.map((index, i) => ({
      name: tensors[index].name,
      id: ids[i],
      shape: graph.values.get(ids[i])!.shape,
    }));
  return {
    graph,
    kind,
    inputs: ports(subgraph.inputs, graph.inputs),
    outputs: ports(subgraph.outputs, graph.outputs),
    notes: [...net.notes],
    metadata,
  };
}

function checkNames({ inputs, tensors }: TfliteSubgraph, { inputShapes = {} }: TfliteImportOptions): void {
  const names = inputs.map((index) => tensors[index].name);
  for (const name of Object.keys(inputShapes))
    if (!names.includes(name))
      throw new ArgumentError(
        `inputShapes: ${JSON.stringify(name)} is no input of the model; it has ${names.slice(0, 20).join(', ')}`,
      );
}

function input(net: Network, tensor: TfliteTensor, { inputShapes = {} }: TfliteImportOptions): ValueId {
  const { name, dtype, shape, shapeSignature } = tensor;
  const where = `input ${JSON.stringify(name.slice(0, 200))}`;
  const qparams = qparamsOf(tensor);
  if (tensor.isVariable) throw new UnsupportedError(`${where}: is state that outlives a run`);
  if (dtype !== 'float32' && (qparams === null || (dtype !== 'int8' && dtype !== 'uint8')))
    throw new UnsupportedError(
      `${where}: is ${dtype}${qparams === null ? ' without a scale' : ''}; networks take floats or 8-bit codes`,
    );
  const given = Object.hasOwn(inputShapes, name) ? inputShapes[name] : null;
  const open = shapeSignature ?? shape;
  if (given === null && open.some((d, i) => d < 0 && i > 0))
    throw new UnsupportedError(
      `inputShapes: the file leaves the shape ${formatShape(open)} of ${name} open; give it as { ${JSON.stringify(name)}: [...] }`,
    );
  if (given !== null && (given.length !== open.length || open.some((d, i) => d >= 0 && d !== given[i])))
    throw new ArgumentError(
      `inputShapes: ${name} is ${formatShape(open)} in the file, not ${formatShape(given)}`,
    );
  checkSize(given ?? shape, where);
  return net.build.input(name === '' ? 'input' : name, given ?? shape, qparams);
}

function importOperator(
  operator: TfliteOperator,
  index: number,
  { tensors }: TfliteSubgraph,
  net: Network,
  operands: Map<number, Operand>,
  read: (index: number, where: () => string) => Operand,
): void {
  const outputs = operator.outputs.map((i) => tensors[i]);
  const where = (): string => `operator ${index} (${operatorName(operator).slice(0, 100)})`;
  if (outputs.length === 0) throw new FormatError(`${where()}: has no outputs; the file is corrupt`);
  const inputs = operator.inputs.map((i) => (i < 0 ? null : read(i, where)));
  const call = new Call(operator, index, inputs, outputs, outputs.map(qparamsOf));
  if (operator.inputs.some((i) => i >= 0 && tensors[i].isVariable))
    call.refuse('reads state that outlives a run; recurrent networks are not supported');
  const importer = importerOf(operator);
  if (importer === null) return call.refuse(`this operator is not supported; ${adviceFor(operator)}`);
  if (
    operator.op !== 'ADD' &&
    operator.op !== 'GATHER' &&
    inputs.some((x) => x !== null && net.wide(x) !== null)
  )
    call.refuse('reads codes as whole numbers; only a sum and a table may');
  net.enter(call);
  try {
    const results = importer(call, net);
    if (results.length < outputs.length) call.refuse('only its first outputs are supported');
    operator.outputs.forEach((output, i) => operands.set(output, results[i]));
  } catch (error) {
    // What the graph refuses is a file whose shapes do not fit.
    if (error instanceof FormatError || error instanceof UnsupportedError) throw error;
    if (error instanceof OctogradError) call.invalid(error.message);
    throw error;
  }
}

function importerOf(operator: TfliteOperator): Importer | null {
  if (operator.op === 'OTHER') return null;
  if (operator.op === 'CUSTOM') return CUSTOM_IMPORTERS.get(operator.name) ?? null;
  return IMPORTERS[operator.op] ?? null;
}

const POSTPROCESSING = 'cut the model before its post-processing, and do that on the outputs';
const FLOW = 'convert the model again with fixed shapes and without control flow';
const ADVICE = new Map([
  ['TFLite_Detection_PostProcess', POSTPROCESSING],
  ['NON_MAX_SUPPRESSION_V4', POSTPROCESSING],
  ['NON_MAX_SUPPRESSION_V5', POSTPROCESSING],
  ['TOPK_V2', POSTPROCESSING],
  ['ARG_MAX', POSTPROCESSING],
  ['ARG_MIN', POSTPROCESSING],
  ['WHERE', POSTPROCESSING],
  ['IF', FLOW],
  ['WHILE', FLOW],
  ['CALL_ONCE', FLOW],
  ['DENSIFY', 'convert the model again without sparse weights'],
]);

function adviceFor(operator: TfliteOperator): string {
  const name = operatorName(operator);
  return (
    ADVICE.get(name) ??
    (operator.op === 'CUSTOM'
      ? 'only builtin operators are; convert the model again without custom ones'
      : 'convert the model with other operators, or cut it before this one')
  );
}

function kindOf(graph: Graph): TfliteImport['kind'] {
  const { nodes, values, inputs } = graph;
  const isInteger = (id: ValueId): boolean => values.get(id)!.qparams !== null;
  if (![...inputs, ...nodes.map(({ id }) => id)].some(isInteger)) return 'float';
  const edges = ['dequantize', 'constant'];
  return nodes.every(({ id, op }) => isInteger(id) || edges.includes(op)) ? 'integer' : 'mixed';
}
