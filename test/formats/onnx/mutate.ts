/** Damage that leaves an ONNX file readable: other attributes, shapes, names, constants and operators. */
import { OctogradError } from '../../../src/core/errors.js';
import type { Random } from '../../../src/core/random.js';
import {
  decodeOnnx,
  encodeOnnx,
  ONNX_OPERATORS,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from '../../../src/formats/onnx/index.js';

const NUMBERS = [0, 1, -1, 2, 3, 5, 7, 255, 1e6, 2 ** 31, 2 ** 40, 2 ** 53 - 1, -(2 ** 40)];
const DIMS = [0, 1, 2, 3, 64, 4096, 2 ** 31, 2 ** 40];
const REALS = [0, NaN, Infinity, -1, 1e30, 0.5];

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)];

function changedAttribute(attribute: OnnxAttribute, random: Random): OnnxAttribute {
  switch (attribute.type) {
    case 'int':
      return { type: 'int', value: pick(random, NUMBERS) };
    case 'float':
      return { type: 'float', value: pick(random, REALS) };
    case 'ints': {
      const value = [...attribute.value];
      if (random.int(3) === 0) value.push(pick(random, NUMBERS));
      else if (value.length > 0) value[random.int(value.length)] = pick(random, NUMBERS);
      return { type: 'ints', value: random.int(6) === 0 ? value.slice(1) : value };
    }
    case 'string':
      return {
        type: 'string',
        value: pick(random, ['SAME_UPPER', 'SAME_LOWER', 'linear', 'reflect', '__proto__', '']),
      };
    case 'tensor':
      return { type: 'tensor', value: changedTensor(attribute.value, random) };
    default:
      return attribute;
  }
}

function changedTensor(tensor: OnnxTensor, random: Random): OnnxTensor {
  const data = tensor.data.slice() as OnnxTensor['data'];
  if (random.int(3) === 0 && tensor.dims.length > 0)
    return {
      ...tensor,
      dims: random.int(2) === 0 ? [...tensor.dims].reverse() : [data.length],
    } as OnnxTensor;
  if (data.length === 0) return tensor;
  const at = random.int(data.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    data[at] = BigInt(pick(random, NUMBERS));
  else data[at] = pick(random, tensor.dtype.startsWith('float') ? REALS : NUMBERS);
  return { ...tensor, data } as OnnxTensor;
}

function changedNode(node: OnnxNode, random: Random, names: readonly string[]): OnnxNode {
  const attributes = new Map(node.attributes);
  const inputs = [...node.inputs];
  switch (random.int(5)) {
    case 0:
      return { ...node, opType: pick(random, ONNX_OPERATORS) };
    case 1:
      if (inputs.length > 0)
        inputs[random.int(inputs.length)] = random.int(8) === 0 ? '' : pick(random, names);
      break;
    case 2:
      inputs.push(pick(random, names));
      break;
    default: {
      const keys = [...attributes.keys()];
      if (keys.length === 0) break;
      const key = pick(random, keys);
      if (random.int(4) === 0) attributes.delete(key);
      else attributes.set(key, changedAttribute(attributes.get(key)!, random));
    }
  }
  return { ...node, inputs, attributes };
}

function changedInput(info: OnnxValueInfo, random: Random): OnnxValueInfo {
  if (info.dims === null || random.int(8) === 0) return { ...info, dims: [1, 2, 3, 4].slice(random.int(4)) };
  const dims = [...info.dims];
  if (random.int(4) === 0) dims.push(pick(random, DIMS));
  else if (dims.length > 0) dims[random.int(dims.length)] = pick(random, DIMS);
  return { ...info, dims };
}

/** Some changes to what the file says, written as a file again; the file itself where it cannot be read. */
export function mutateOnnx(bytes: Uint8Array, random: Random): Uint8Array {
  let model: OnnxModel;
  try {
    model = decodeOnnx(bytes);
  } catch (error) {
    if (error instanceof OctogradError) return bytes;
    throw error;
  }
  const nodes = [...model.graph.nodes];
  const inputs = [...model.graph.inputs];
  const initializers = new Map(model.graph.initializers);
  let opsets = model.opsets;
  const names = [
    ...inputs.map(({ name }) => name),
    ...initializers.keys(),
    ...nodes.flatMap((n) => n.outputs),
    'x',
  ];
  for (let edits = 1 + random.int(4); edits > 0; edits--) {
    const kind = random.int(8);
    if (kind < 4 && nodes.length > 0) {
      const at = random.int(nodes.length);
      nodes[at] = changedNode(nodes[at], random, names);
    } else if (kind === 4 && inputs.length > 0) {
      const at = random.int(inputs.length);
      inputs[at] = changedInput(inputs[at], random);
    } else if (kind === 5 && initializers.size > 0) {
      const name = pick(random, [...initializers.keys()]);
      initializers.set(name, changedTensor(initializers.get(name)!, random));
    } else if (kind === 6) opsets = new Map([['', 9 + random.int(13)]]);
    else if (nodes.length > 1) nodes.splice(random.int(nodes.length), 1);
  }
  try {
    return encodeOnnx({ ...model, opsets, graph: { ...model.graph, nodes, inputs, initializers } });
  } catch (error) {
    if (error instanceof OctogradError) return bytes;
    throw error;
  }
}
