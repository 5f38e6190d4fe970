/** From a module with fake quantization to an integer graph: the same codes, as integers. */
import { noGrad } from '../autograd/index.js';
import { NDArray, QuantizationError, sameQParams, type QParams } from '../core/index.js';
import {
  isLayer,
  validate,
  type Graph,
  type LayerNode,
  type Node,
  type Param,
  type Value,
  type ValueId,
} from '../graph/index.js';
import { accumulatorScale, quantizeArray, quantizeBias } from '../ops/index.js';
import { biasId, biasQParams } from './annotate.js';
import type { QuantizedModule } from './quantizedModule.js';

export interface ConvertOptions {
  /** 'float' (default): outputs are dequantized; 'codes': they stay integers. */
  output?: 'float' | 'codes';
}

/** The name, in the integer graph, of the codes of a float input. */
export function inputCodes(id: ValueId): ValueId {
  return `${id}/quantize`;
}

/**
 * @throws QuantizationError when something was never observed, a value was left in float, biases are float, or an
 *   accumulator could leave int32
 */
export function convert(module: QuantizedModule, options: ConvertOptions = {}): Graph {
  if (module.config.bias === 'float')
    throw new QuantizationError("bias: 'float' has no integer form; prepare with bias: 'int32' to convert");
  module.requireCalibrated();
  return noGrad(() => new Converter(module).convert(options.output ?? 'float'));
}

class Converter {
  readonly #module: QuantizedModule;
  readonly #nodes: Node[] = [];
  readonly #values = new Map<ValueId, Value>();
  readonly #params = new Map<string, Param>();

  constructor(module: QuantizedModule) {
    this.#module = module;
  }

  convert(output: 'float' | 'codes'): Graph {
    const { graph, config } = this.#module;
    const codes = (id: ValueId): ValueId => (graph.inputs.includes(id) ? inputCodes(id) : id);
    for (const id of graph.inputs) {
      this.#values.set(id, graph.values.get(id)!);
      this.#nodes.push({ op: 'quantize', id: inputCodes(id), inputs: [id] });
      this.#define(id, inputCodes(id));
    }
    for (const node of graph.nodes) {
      const moved = { ...node, inputs: node.inputs.map(codes) };
      this.#nodes.push(isLayer(moved) ? this.#layer(node as LayerNode, moved) : moved);
      this.#define(node.id, node.id);
      if (node.op === 'constant') {
        const qparams = this.#values.get(node.id)!.qparams!;
        this.#store(node.param, quantizeArray(this.#module.tensor(node.param).value, qparams), qparams);
      } else if (node.op === 'prelu') {
        const array = this.#module.tensor(node.slope).value.clone();
        this.#params.set(node.slope, { id: node.slope, array, qparams: null });
      }
    }
    let outputs = graph.outputs.map(codes);
    if (output === 'float')
      outputs = outputs.map((id) => {
        const real = `${id}/dequantize`;
        this.#nodes.push({ op: 'dequantize', id: real, inputs: [id] });
        this.#values.set(real, { ...this.#values.get(id)!, id: real, qparams: null });
        return real;
      });
    return validate({
      batch: graph.batch,
      inputs: graph.inputs,
      outputs,
      nodes: this.#nodes,
      values: this.#values,
      params: this.#params,
      numerics: config.numerics,
    });
  }

  #define(source: ValueId, id: ValueId): void {
    const qparams = this.#module.valueQParams(source);
    if (qparams === null)
      throw new QuantizationError(
        `${source}: this value was left in float, which the integer runtime cannot run`,
      );
    this.#values.set(id, { id, shape: this.#module.graph.values.get(source)!.shape, qparams });
  }

  #layer(node: LayerNode, moved: LayerNode): LayerNode {
    const { weight, bias, weightQParams } = this.#module.resolveLayer(node);
    const input = this.#module.valueQParams(node.inputs[0])!;
    if (!weight.data.every(Number.isFinite))
      throw new QuantizationError(
        `${node.weight}: holds NaN or Infinity; training diverged, convert a state from before that`,
      );
    this.#store(node.weight, quantizeArray(weight.value, weightQParams), weightQParams);
    if (bias === null) return { ...moved, batchNorm: null };
    // Codes depend on the scale of the input: a bias that layers share in float is one for each in integers.
    const shared = biasId(node.id, node.bias);
    const id = this.#params.has(shared) ? biasId(node.id, null) : shared;
    const scale = accumulatorScale(input, weightQParams);
    const codes = new NDArray(quantizeBias(bias.data, scale), bias.shape);
    this.#store(id, codes, biasQParams(scale));
    return { ...moved, bias: id, batchNorm: null };
  }

  #store(id: string, array: NDArray, qparams: QParams): void {
    const before = this.#params.get(id);
    const same =
      before === undefined ||
      (before.array.data.every((v, i) => v === array.data[i]) && sameQParams(before.qparams!, qparams));
    if (!same)
      throw new QuantizationError(
        `${id}: two layers share this parameter but need different codes or scales; give each layer its own`,
      );
    this.#params.set(id, { id, array, qparams });
  }
}
