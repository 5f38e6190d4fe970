/** ONNX files -> plain data. Checks what a file is made of, not what its operators mean. */
import { FormatError, UnsupportedError } from '../../core/errors.js';
import { Budget, readMessage } from '../protobuf.js';
import { ATTRIBUTE_TYPE, ONNX } from './definition.js';
import { dtypeOfCode, readTensor } from './tensor.js';
import type {
  OnnxAttribute,
  OnnxDim,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
} from './types.js';

/** Graphs in attributes of nodes of graphs, at most this deep. */
export const MAX_GRAPH_DEPTH = 32;

/** Memory that reading may take: a multiple of the file's size, and room for the many small parts of a small file. */
const BUDGET = { perByte: 3, bytes: 48e6 };
/** What a node, an attribute, or a description of a value takes besides what protobuf.ts charges. */
const NODE_BYTES = 480;
const ENTRY_BYTES = 160;

/** A graph while it is being filled. */
interface OpenGraph extends OnnxGraph {
  name: string;
  nodes: OnnxNode[];
  initializers: Map<string, OnnxTensor>;
  inputs: OnnxValueInfo[];
  outputs: OnnxValueInfo[];
  valueInfo: Map<string, OnnxValueInfo>;
}
interface Task {
  readonly bytes: Uint8Array;
  readonly graph: OpenGraph;
  readonly depth: number;
}

/**
 * Reads a model. All data is copied; `bytes` may be reused.
 *
 * Throws {@link FormatError} for a file that is damaged or breaks ONNX's rules (duplicate names, data that does not fit
 * its type and dims), {@link UnsupportedError} for what this reader does not take: data in other files, sparse tensors,
 * functions, strings and 8-bit floats as tensors. Sizes are checked before anything is allocated, memory is at most three
 * times the file and 48 MB, and graphs nest at most {@link MAX_GRAPH_DEPTH} deep. Fields unknown to ONNX are ignored.
 */
export function decodeOnnx(bytes: Uint8Array): OnnxModel {
  const budget = budgetFor(bytes);
  const model = readMessage(bytes, ONNX.ModelProto, budget, 'the model');
  if (model.graph === undefined || model.ir_version === undefined)
    throw new FormatError('bytes: without a graph and an IR version; this is not an ONNX model');
  if (model.functions.length > 0)
    throw new UnsupportedError(
      'bytes: the model defines functions of its own; replace them by their nodes (onnx.inliner.inline_local_functions)',
    );
  const opsets = new Map<string, number>();
  for (const part of model.opset_import) {
    const { domain, version } = readMessage(part, ONNX.OperatorSetIdProto, budget, 'operator set');
    setOnce(opsets, domainName(domain), Number(version ?? 0n), 'operator sets');
  }
  const metadata = new Map<string, string>();
  for (const part of model.metadata_props) {
    const { key, value } = readMessage(part, ONNX.StringStringEntryProto, budget, 'metadata');
    setOnce(metadata, key ?? '', value ?? '', 'metadata');
  }
  return {
    irVersion: Number(model.ir_version),
    opsets,
    producerName: model.producer_name ?? '',
    producerVersion: model.producer_version ?? '',
    metadata,
    graph: decodeGraphs(model.graph, budget),
  };
}

/** Reads a file that holds one tensor, as ONNX's test data does. Throws what {@link decodeOnnx} throws. */
export function decodeOnnxTensor(bytes: Uint8Array): OnnxTensor {
  return readTensor(bytes, 'the tensor', budgetFor(bytes));
}

const budgetFor = (bytes: Uint8Array): Budget => new Budget(BUDGET.perByte * bytes.length + BUDGET.bytes);

/** The outermost graph and all graphs in it, one after the other: nesting takes no stack. */
function decodeGraphs(bytes: Uint8Array, budget: Budget): OnnxGraph {
  const tasks: Task[] = [];
  const open = (bytes: Uint8Array, depth: number): OnnxGraph => {
    if (depth > MAX_GRAPH_DEPTH)
      throw new FormatError(
        `bytes: graphs are nested more than ${MAX_GRAPH_DEPTH} deep; the file is corrupt`,
      );
    budget.charge(2 * NODE_BYTES);
    const graph: OpenGraph = {
      name: '',
      nodes: [],
      initializers: new Map(),
      inputs: [],
      outputs: [],
      valueInfo: new Map(),
    };
    tasks.push({ bytes, graph, depth });
    return graph;
  };
  const outermost = open(bytes, 0);
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    const { bytes, graph, depth } = task;
    fillGraph(bytes, graph, budget, (nested) => open(nested, depth + 1));
  }
  return outermost;
}

type Nested = (bytes: Uint8Array) => OnnxGraph;

function fillGraph(bytes: Uint8Array, graph: OpenGraph, budget: Budget, nested: Nested): void {
  const fields = readMessage(bytes, ONNX.GraphProto, budget, 'graph');
  if (fields.sparse_initializer.length > 0)
    throw new UnsupportedError('bytes: the model has sparse tensors; store them as dense ones');
  graph.name = fields.name ?? '';
  for (const part of fields.initializer) {
    const tensor = readTensor(part, `initializer ${graph.initializers.size}`, budget);
    if (tensor.name === '') throw new FormatError('bytes: an initializer has no name; the file is corrupt');
    budget.charge(ENTRY_BYTES);
    setOnce(graph.initializers, tensor.name, tensor, 'initializers');
  }
  graph.inputs.push(...readValues(fields.input, 'input', budget));
  graph.outputs.push(...readValues(fields.output, 'output', budget));
  for (const info of readValues(fields.value_info, 'value', budget)) graph.valueInfo.set(info.name, info);
  const defined = new Map<string, true>();
  for (const { name } of graph.inputs) setOnce(defined, name, true, 'inputs');
  for (const name of graph.initializers.keys()) defined.set(name, true);
  for (const part of fields.node) {
    const node = readNode(part, graph.nodes.length, budget, nested);
    for (const name of node.outputs) if (name !== '') setOnce(defined, name, true, 'values');
    graph.nodes.push(node);
  }
}

function readValues(parts: readonly Uint8Array[], what: string, budget: Budget): OnnxValueInfo[] {
  return parts.map((part, i) => {
    budget.charge(ENTRY_BYTES);
    const { name, type } = readMessage(part, ONNX.ValueInfoProto, budget, `${what} ${i}`);
    if (name === undefined || name === '')
      throw new FormatError(`bytes: ${what} ${i} has no name; the file is corrupt`);
    const where = `${what} ${JSON.stringify(name)}`;
    const typed = type && readMessage(type, ONNX.TypeProto, budget, where).tensor_type;
    if (typed === undefined) return { name, dtype: null, dims: null };
    const { elem_type, shape } = readMessage(typed, ONNX['TypeProto.Tensor'], budget, where);
    return {
      name,
      dtype: dtypeOfCode(elem_type),
      dims: shape === undefined ? null : readDims(shape, where, budget),
    };
  });
}

function readDims(shape: Uint8Array, where: string, budget: Budget): OnnxDim[] {
  return readMessage(shape, ONNX.TensorShapeProto, budget, where).dim.map((part) => {
    const { dim_value: value, dim_param: param } = readMessage(
      part,
      ONNX['TensorShapeProto.Dimension'],
      budget,
      where,
    );
    // Exporters write -1 where they do not know a size.
    if (value === undefined || value < 0n) return param === undefined || param === '' ? null : param;
    if (value > Number.MAX_SAFE_INTEGER)
      throw new FormatError(`bytes: ${where} has a size of ${value}; the file is corrupt`);
    return Number(value);
  });
}

function readNode(bytes: Uint8Array, index: number, budget: Budget, nested: Nested): OnnxNode {
  budget.charge(NODE_BYTES);
  const fields = readMessage(bytes, ONNX.NodeProto, budget, `node ${index}`);
  const { op_type: opType, name = '' } = fields;
  if (opType === undefined || opType === '')
    throw new FormatError(`bytes: node ${index} names no operator; the file is corrupt`);
  const where = `node ${JSON.stringify(name === '' ? index : name)} (${opType})`;
  const attributes = new Map<string, OnnxAttribute>();
  for (const part of fields.attribute) {
    budget.charge(ENTRY_BYTES);
    const [key, attribute] = readAttribute(part, where, budget, nested);
    setOnce(attributes, key, attribute, `attributes of ${where}`);
  }
  const domain = domainName(fields.domain);
  return { name, opType, domain, inputs: fields.input, outputs: fields.output, attributes };
}

function readAttribute(
  bytes: Uint8Array,
  node: string,
  budget: Budget,
  nested: Nested,
): [string, OnnxAttribute] {
  const fields = readMessage(bytes, ONNX.AttributeProto, budget, `attribute of ${node}`);
  const name = fields.name ?? '';
  const where = `attribute ${JSON.stringify(name)} of ${node}`;
  if (fields.ref_attr_name !== undefined && fields.ref_attr_name !== '')
    throw new UnsupportedError(`bytes: ${where} refers to one of a function; inline the functions`);
  const given = <T>(value: T | undefined): T => {
    if (value === undefined) throw new FormatError(`bytes: ${where} has no value; the file is corrupt`);
    return value;
  };
  const text = (value: Uint8Array): string => {
    budget.charge(ENTRY_BYTES + 2 * value.length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    } catch {
      throw new FormatError(`bytes: ${where} is not valid UTF-8; the file is corrupt`);
    }
  };
  const tensor = (value: Uint8Array): OnnxTensor => readTensor(value, where, budget);
  const numbers = (values: Float32Array | BigInt64Array): number[] => {
    budget.charge(16 * values.length);
    return Array.from<number | bigint, number>(values, Number);
  };

  // A scalar that is 0 is left out by writers of protobuf's third version.
  const read = (): OnnxAttribute => {
    switch (given(fields.type)) {
      case ATTRIBUTE_TYPE.FLOAT:
        return { type: 'float', value: fields.f ?? 0 };
      case ATTRIBUTE_TYPE.INT:
        return { type: 'int', value: Number(fields.i ?? 0n) };
      case ATTRIBUTE_TYPE.STRING:
        return { type: 'string', value: text(fields.s ?? new Uint8Array(0)) };
      case ATTRIBUTE_TYPE.TENSOR:
        return { type: 'tensor', value: tensor(given(fields.t)) };
      case ATTRIBUTE_TYPE.GRAPH:
        return { type: 'graph', value: nested(given(fields.g)) };
      case ATTRIBUTE_TYPE.FLOATS:
        return { type: 'floats', value: numbers(fields.floats) };
      case ATTRIBUTE_TYPE.INTS:
        return { type: 'ints', value: numbers(fields.ints) };
      case ATTRIBUTE_TYPE.STRINGS:
        return { type: 'strings', value: fields.strings.map(text) };
      case ATTRIBUTE_TYPE.TENSORS:
        return { type: 'tensors', value: fields.tensors.map(tensor) };
      case ATTRIBUTE_TYPE.GRAPHS:
        return { type: 'graphs', value: fields.graphs.map(nested) };
      default:
        throw new UnsupportedError(
          `bytes: ${where} has attribute type ${fields.type}; sparse tensors and types are not supported`,
        );
    }
  };
  return [name, read()];
}

const domainName = (domain = ''): string => (domain === 'ai.onnx' ? '' : domain);

function setOnce<T>(map: Map<string, T>, name: string, value: T, what: string): void {
  if (map.has(name))
    throw new FormatError(
      `bytes: ${what}: the name ${JSON.stringify(name)} appears twice; each may appear once`,
    );
  map.set(name, value);
}
