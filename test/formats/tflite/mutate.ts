/** Damage that leaves a TFLite file well-formed: other indices, shapes, types, scales, options and constants. */
import { OctogradError } from '../../../src/core/errors.js';
import type { Random } from '../../../src/core/random.js';
import {
  decodeTflite,
  encodeTflite,
  type TfliteModel,
  type TfliteOperator,
  type TfliteSubgraph,
  type TfliteTensor,
} from '../../../src/formats/tflite/index.js';
import { mutateWords } from './hostile.js';

const NUMBERS = [0, 1, -1, 2, 3, 7, 127, -128, 4096, 65536, 2 ** 24, 2 ** 31 - 1, -(2 ** 31)];
const number = (random: Random): number => NUMBERS[random.int(NUMBERS.length)];

function replaced<T>(list: readonly T[], random: Random, change: (item: T) => T): T[] {
  if (list.length === 0) return [];
  const at = random.int(list.length);
  return list.map((item, i) => (i === at ? change(item) : item));
}

function changedOptions(options: object, random: Random): object {
  const entries = Object.entries(options).map(([key, value]: [string, unknown]): [string, unknown] => {
    if (random.int(2) === 0) return [key, value];
    if (typeof value === 'number') return [key, number(random)];
    if (typeof value === 'boolean') return [key, !value];
    return [key, Array.isArray(value) ? replaced(value, random, () => number(random)) : value];
  });
  return Object.fromEntries(entries);
}

function changedOperator(operator: TfliteOperator, tensors: number, random: Random): TfliteOperator {
  const index = (): number => random.int(tensors + 1) - 1;
  switch (random.int(4)) {
    case 0:
      return { ...operator, inputs: replaced(operator.inputs, random, index) };
    case 1:
      return { ...operator, inputs: operator.inputs.slice(0, random.int(operator.inputs.length + 1)) };
    case 2:
      return { ...operator, outputs: replaced(operator.outputs, random, () => random.int(tensors)) };
    default: {
      if (operator.op === 'CUSTOM' || operator.op === 'OTHER' || operator.options === null) return operator;
      return { ...operator, options: changedOptions(operator.options, random) } as TfliteOperator;
    }
  }
}

function changedTensor(tensor: TfliteTensor, random: Random): TfliteTensor {
  const { shape, data, quantization } = tensor;
  switch (random.int(5)) {
    case 0: {
      const signature = replaced(shape, random, () => -1);
      return { ...tensor, shapeSignature: signature };
    }
    case 1:
      return data === null
        ? { ...tensor, shape: replaced(shape, random, () => Math.abs(number(random))) }
        : { ...tensor, shape: [1, ...shape] };
    case 2: {
      if (!(data instanceof Int32Array)) return tensor;
      const copy = data.slice();
      if (copy.length > 0) copy[random.int(copy.length)] = number(random);
      return { ...tensor, data: copy };
    }
    case 3:
      return { ...tensor, quantization: null };
    default: {
      if (quantization === null) return tensor;
      const scales = [0, NaN, Infinity, -1, 1e-40, 1e30];
      const scale = quantization.scale.map(() => scales[random.int(scales.length)]);
      const zeroPoint = quantization.zeroPoint.map(() => number(random));
      return {
        ...tensor,
        quantization: random.int(2) === 0 ? { ...quantization, scale } : { ...quantization, zeroPoint },
      };
    }
  }
}

function changedGraph(graph: TfliteSubgraph, random: Random): TfliteSubgraph {
  const { tensors, operators } = graph;
  switch (random.int(5)) {
    case 0:
      return { ...graph, tensors: replaced(tensors, random, (tensor) => changedTensor(tensor, random)) };
    case 1: {
      const at = random.int(Math.max(operators.length, 1));
      return { ...graph, operators: [...operators.slice(at), ...operators.slice(0, at)] };
    }
    case 2:
      return { ...graph, outputs: replaced(graph.outputs, random, () => random.int(tensors.length)) };
    default:
      return {
        ...graph,
        operators: replaced(operators, random, (o) => changedOperator(o, tensors.length, random)),
      };
  }
}

/** One to three changes of what the file means; damaged words where the file is none, or none of it is left. */
export function mutateModel(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.int(4) === 0) return mutateWords(bytes, random);
  try {
    let model: TfliteModel = decodeTflite(bytes);
    for (let i = random.int(3); i >= 0; i--)
      model = { ...model, subgraphs: model.subgraphs.map((graph) => changedGraph(graph, random)) };
    return encodeTflite(model);
  } catch (error) {
    if (!(error instanceof OctogradError)) throw error;
    return mutateWords(bytes, random);
  }
}
