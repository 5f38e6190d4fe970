/** Plain data -> ONNX files. */
import { ArgumentError } from '../../core/errors.js';
import { writeMessage, type Content } from '../protobuf.js';
import { MAX_GRAPH_DEPTH } from './decode.js';
import { ATTRIBUTE_TYPE, ONNX } from './definition.js';
import { codeOfDType, tensorContent } from './tensor.js';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxValueInfo } from './types.js';

type Definition = typeof ONNX;

const INT64_MAX = 2n ** 63n - 1n;
const filled = (text: string): string | undefined => (text === '' ? undefined : text);

/**
 * Writes a model. The bytes depend only on it; tensors are stored as raw bytes, 16-bit floats rounded half to even.
 * Throws {@link ArgumentError} for what the format cannot say: a tensor whose data does not fit dtype and dims, an
 * integer attribute that is no whole number, two names that are equal where they may not be.
 */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  return writeMessage(ONNX, 'ModelProto', {
    ir_version: integer(model.irVersion, 'irVersion'),
    producer_name: filled(model.producerName),
    producer_version: filled(model.producerVersion),
    graph: graphContent(model.graph, 0),
    opset_import: [...model.opsets].map(([domain, version]) => ({
      domain,
      version: integer(version, `opsets: version of ${JSON.stringify(domain)}`),
    })),
    metadata_props: [...model.metadata].map(([key, value]) => ({ key, value })),
  });
}

function graphContent(graph: OnnxGraph, depth: number): Content<Definition, 'GraphProto'> {
  if (depth > MAX_GRAPH_DEPTH)
    throw new ArgumentError(`graph: graphs are nested more than ${MAX_GRAPH_DEPTH} deep`);
  const defined = new Set(graph.initializers.keys());
  return {
    node: graph.nodes.map((node) => nodeContent(node, depth, defined)),
    name: filled(graph.name),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorContent({ ...tensor, name })),
    input: graph.inputs.map(valueContent),
    output: graph.outputs.map(valueContent),
    value_info: [...graph.valueInfo.values()].map(valueContent),
  };
}

function nodeContent(node: OnnxNode, depth: number, defined: Set<string>): Content<Definition, 'NodeProto'> {
  for (const name of node.outputs) {
    if (name !== '' && defined.has(name))
      throw new ArgumentError(`nodes: the value ${JSON.stringify(name)} is defined twice; rename one`);
    defined.add(name);
  }
  return {
    input: node.inputs,
    output: node.outputs,
    name: filled(node.name),
    op_type: node.opType,
    attribute: [...node.attributes].map(([name, attribute]) => ({
      name,
      ...attributeContent(attribute, `attribute ${JSON.stringify(name)} of ${node.opType}`, depth),
    })),
    domain: filled(node.domain),
  };
}

function attributeContent(
  { type, value }: OnnxAttribute,
  what: string,
  depth: number,
): Content<Definition, 'AttributeProto'> {
  const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
  switch (type) {
    case 'float':
      return { type: ATTRIBUTE_TYPE.FLOAT, f: float(value, what) };
    case 'int':
      return { type: ATTRIBUTE_TYPE.INT, i: integer(value, what) };
    case 'string':
      return { type: ATTRIBUTE_TYPE.STRING, s: utf8(value) };
    case 'tensor':
      return { type: ATTRIBUTE_TYPE.TENSOR, t: tensorContent(value) };
    case 'graph':
      return { type: ATTRIBUTE_TYPE.GRAPH, g: graphContent(value, depth + 1) };
    case 'floats':
      return { type: ATTRIBUTE_TYPE.FLOATS, floats: value.map((v) => float(v, what)) };
    case 'ints':
      return { type: ATTRIBUTE_TYPE.INTS, ints: value.map((v) => integer(v, what)) };
    case 'strings':
      return { type: ATTRIBUTE_TYPE.STRINGS, strings: value.map(utf8) };
    case 'tensors':
      return { type: ATTRIBUTE_TYPE.TENSORS, tensors: value.map(tensorContent) };
    case 'graphs':
      return { type: ATTRIBUTE_TYPE.GRAPHS, graphs: value.map((g) => graphContent(g, depth + 1)) };
  }
}

function valueContent({ name, dtype, dims }: OnnxValueInfo): Content<Definition, 'ValueInfoProto'> {
  if (dtype === null && dims === null) return { name };
  const shape = dims && {
    dim: dims.map((dim) => {
      if (dim === null) return {};
      return typeof dim === 'string'
        ? { dim_param: dim }
        : { dim_value: integer(dim, `dims of ${JSON.stringify(name)}`) };
    }),
  };
  const elem_type = dtype === null ? undefined : codeOfDType(dtype);
  return { name, type: { tensor_type: { elem_type, shape: shape ?? undefined } } };
}

/** 2^63, the nearest double of the largest int64, is written as that. */
function integer(value: number, what: string): bigint {
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63)
    throw new ArgumentError(`${what}: ${value} is not a whole number of 64 bits`);
  return value === 2 ** 63 ? INT64_MAX : BigInt(value);
}

function float(value: number, what: string): number {
  const rounded = Math.fround(value);
  if (Number.isFinite(value) && !Number.isFinite(rounded))
    throw new ArgumentError(`${what}: ${value} is beyond the range of float32`);
  return rounded;
}
