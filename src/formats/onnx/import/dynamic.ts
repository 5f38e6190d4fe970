/**
 * Layers that were quantized dynamically, as ONNX Runtime's quantize_dynamic and the export here write them:
 * DynamicQuantizeLinear, MatMulInteger, Cast, Mul with both scales, and perhaps Add. Their values in between (int32 sums, scales
 * that change) are none of the graph's, so the nodes are found and replaced by one before they are imported.
 */
import { checkQParams, NDArray, perTensor, type QParams } from '../../../core/index.js';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../types.js';
import type { Call, Operand } from './call.js';
import type { Constant } from './constants.js';
import type { Network } from './network.js';

const DOMAIN = 'octograd';
/** TensorProto.DataType */
const FLOAT = 1;

/** Who makes and who reads each tensor of the file. */
class Wires {
  readonly #makers = new Map<string, OnnxNode>();
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #outputs: Set<string>;

  constructor(readonly graph: OnnxGraph) {
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const node of graph.nodes) {
      for (const name of node.outputs) this.#makers.set(name, node);
      for (const name of node.inputs) this.#readers.set(name, [...(this.#readers.get(name) ?? []), node]);
    }
  }

  maker(name: string, opType: string): OnnxNode | null {
    const node = this.#makers.get(name);
    return node?.domain === '' && node.opType === opType ? node : null;
  }

  /** The only reader of a tensor that is no output, if it is of that operator. */
  only(name: string, opType: string): OnnxNode | null {
    const [node, ...others] = this.#readers.get(name) ?? [];
    const fits = node?.domain === '' && node.opType === opType && others.length === 0;
    return fits && !this.#outputs.has(name) ? node : null;
  }

  constant(name: string | undefined): OnnxTensor | null {
    return this.graph.initializers.get(name ?? '') ?? null;
  }
}

/** What is taken off weights to make them symmetric int8 codes; null for weights of another form. */
function middleOf({ dtype }: { readonly dtype: string }): number | null {
  return dtype === 'int8' ? 0 : dtype === 'uint8' ? 128 : null;
}

/** Whether weights have the zero point with which they are symmetric. */
function symmetric(weight: OnnxTensor, name: string | undefined, wires: Wires): boolean {
  const middle = middleOf(weight);
  if (name === undefined || name === '') return middle === 0;
  return wires.constant(name)?.data.every((z: number | bigint) => Number(z) === middle) ?? false;
}

/** The operand of a node of two that is not `name`. */
const other = ({ inputs: [a, b] }: OnnxNode, name: string): string => (a === name ? b : a);

/** The layer that ends what MatMulInteger begins, and the nodes that it stands for; null where it is another pattern. */
function layerAt(product: OnnxNode, wires: Wires): { layer: OnnxNode; parts: OnnxNode[] } | null {
  const [codes, weightName, zeroPoint, weightZero] = product.inputs;
  const quantize = wires.maker(codes, 'DynamicQuantizeLinear');
  const weight = wires.constant(weightName);
  if (quantize?.outputs[0] !== codes || quantize.outputs[2] !== zeroPoint) return null;
  if (weight?.dims.length !== 2 || !symmetric(weight, weightZero, wires)) return null;

  const cast = wires.only(product.outputs[0], 'Cast');
  if (cast?.attributes.get('to')?.value !== FLOAT) return null;
  const scaled = wires.only(cast.outputs[0], 'Mul');
  const factor = scaled && wires.maker(other(scaled, cast.outputs[0]), 'Mul');
  const scaleName = factor && other(factor, quantize.outputs[1]);
  const scale = wires.constant(scaleName ?? undefined);
  const [, outputs] = weight.dims;
  const one = scale?.data.length === 1;
  if (!factor?.inputs.includes(quantize.outputs[1]) || scale?.dtype !== 'float32') return null;
  if (!one && scale.data.length !== outputs) return null;

  const parts = [product, cast, scaled!];
  const add = wires.only(scaled!.outputs[0], 'Add');
  const biasName = add && other(add, scaled!.outputs[0]);
  const bias = wires.constant(biasName ?? undefined);
  const biased = bias?.dtype === 'float32' && bias.dims.length === 1 && bias.dims[0] === outputs;
  if (biased) parts.push(add!);
  const inputs = [quantize.inputs[0], weightName, scaleName!, ...(biased ? [biasName!] : [])];
  const { name, outputs: made } = parts.at(-1)!;
  const layer = {
    name,
    opType: 'DynamicLinear',
    domain: DOMAIN,
    inputs,
    outputs: made,
    attributes: new Map(),
  };
  return { layer, parts };
}

/** The nodes of a file with one in the place of each such layer, and without what only those read. */
export function joinDynamicLayers(graph: OnnxGraph): readonly OnnxNode[] {
  const products = graph.nodes.filter(({ opType, domain }) => opType === 'MatMulInteger' && domain === '');
  if (products.length === 0) return graph.nodes;
  const wires = new Wires(graph);
  const replaced = new Map<OnnxNode, OnnxNode | null>();
  for (const product of products) {
    const found = layerAt(product, wires);
    found?.parts.forEach((part) => replaced.set(part, part === found.parts.at(-1) ? found.layer : null));
  }
  const nodes = graph.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : node));
  const outputs = graph.outputs.map(({ name }) => name);
  const read = new Set([...outputs, ...nodes.flatMap(({ inputs }) => inputs)]);
  const unread = ({ outputs }: OnnxNode): boolean => outputs.every((name) => !read.has(name));
  // products of scales read what DynamicQuantizeLinear makes: they go first
  const left = nodes.filter((node) => node.opType !== 'Mul' || !unread(node));
  const still = new Set([...outputs, ...left.flatMap(({ inputs }) => inputs)]);
  return left.filter(
    ({ opType, outputs: made }) => opType !== 'DynamicQuantizeLinear' || made.some((name) => still.has(name)),
  );
}

export const isDynamicLayer = ({ domain, opType }: OnnxNode): boolean =>
  domain === DOMAIN && opType === 'DynamicLinear';

/** @param call x, weight codes [in, out], their scales, and perhaps a bias */
export function dynamicLayer(call: Call, net: Network): readonly Operand[] {
  const weight = net.transpose(call.required(1, 'weight'), [1, 0]);
  const scale = call.required(2, 'scale of the weights');
  const range = { quantMin: -128, quantMax: 127 };
  const { data, dims, dtype } = weight as Constant;
  const middle = middleOf({ dtype })!;
  const scales = Float32Array.from(scale.data);
  const qparams: QParams =
    scales.length === 1
      ? perTensor(scales[0], 0, range)
      : checkQParams({
          ...{ dtype: 'int8', ...range, axis: 0 },
          ...{ scale: scales, zeroPoint: new Int32Array(scales.length) },
        });
  const { name } = call;
  const codes = net.build.param(
    `${name}.weight`,
    new NDArray(
      Int8Array.from(data, (code) => code - middle),
      dims,
    ),
    qparams,
  );
  const bias = call.given(3) ? net.param('bias', call.required(3, 'bias')) : null;
  const draft = { op: 'dynamicLinear', inputs: [net.value(call.operand(0))], weight: codes, bias } as const;
  return [net.node({ ...draft, activation: 'none' })];
}
