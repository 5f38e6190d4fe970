/** Cross-layer equalization: channels of equal range before they are quantized, without changing the network. */
import { checkWhole } from '../../core/checks.js';
import type { NDArray } from '../../core/index.js';
import { ArgumentError } from '../../core/index.js';
import {
  foldBatchNorm,
  fuseLayers,
  requireFloat,
  type Activation,
  type Graph,
  type LayerNode,
  type Node,
  type Param,
} from '../../graph/index.js';
import { inputChannel, layerPairs } from './pairs.js';

export interface EqualizeOptions {
  /**
   * `min(x, 6)` does not scale. 'skip' (default) leaves layers before a ReLU6 alone, and the network computes what it did;
   * 'replace' puts a ReLU in its place wherever that makes a pair, as the paper does, and where a value was above 6 the
   * network computes something else.
   */
  relu6?: 'skip' | 'replace';
  /** Times that all pairs are gone through. Default 40, fewer where nothing moves any more. */
  rounds?: number;
}

/** Whether `f(s x) = s f(x)` for one s > 0 per channel of the last axis. */
function homogeneous(node: Node, { values }: Graph): boolean {
  const shape = values.get(node.inputs[0])!.shape;
  switch (node.op) {
    case 'activation':
      return node.activation !== 'relu6';
    case 'unary':
      return node.fn === 'leakyRelu';
    case 'prelu':
    case 'maxPool2d':
    case 'avgPool2d':
    case 'globalAvgPool':
    case 'resize':
      return true;
    case 'pad':
      return node.value === 0 && node.pads[shape.length - 1].every((p) => p === 0);
    case 'reduce':
      return !node.axes.includes(shape.length - 1);
    case 'reshape': // to rows: channels stay innermost
      return node.shape.length === 2 && node.shape[0] === shape[0];
    default:
      return false;
  }
}

const withoutRelu6 = (activation: Activation): Activation => (activation === 'relu6' ? 'relu' : activation);

function replaceRelu6(graph: Graph): Graph {
  const passes = (node: Node): boolean => node.op === 'activation' || homogeneous(node, graph);
  const changed = new Set(layerPairs(graph, passes).flatMap(({ first, between }) => [first, ...between]));
  const nodes = graph.nodes.map((node) =>
    changed.has(node) && 'activation' in node ? { ...node, activation: withoutRelu6(node.activation) } : node,
  );
  return { ...graph, nodes };
}

/** The largest magnitude of each channel. */
function ranges(weight: NDArray, channels: number, channelOf: (i: number) => number): Float64Array {
  const out = new Float64Array(channels);
  weight.data.forEach((w, i) => {
    const c = channelOf(i);
    out[c] = Math.max(out[c], Math.abs(w));
  });
  return out;
}

/** A change of all scales below this is no change. */
const SETTLED = 1e-4;

/**
 * Cross-layer equalization (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
 * arXiv:1906.04721, section 4.1). Where one layer feeds another through what is positively homogeneous (nothing, ReLU, leaky
 * ReLU, PReLU, pooling, zero padding, resizing, flattening), channel i of the first is divided by `s` and the weights that read it
 * are multiplied by it, `s = sqrt(r1 r2) / r2` with `r1` and `r2` the largest magnitudes of both, so that both become
 * `sqrt(r1 r2)`. Convolutions with groups, depthwise ones among them, are layers like others; chains are gone through until
 * nothing moves. A layer joins no pair whose output several nodes read, or whose parameters another layer has too; channels
 * without weights stay as they are.
 *
 * Batch norm and clamps are folded into the layers first, so the result has none to train. What it computes is what `graph`
 * computes in eval mode, up to the rounding of float32. It matters for per-tensor scales of weights, and for activations, whose
 * scale is always per tensor. Prepare and calibrate the result.
 *
 * @returns a new graph with parameters of its own where they changed
 * @throws ArgumentError for options out of range, QuantizationError for an integer graph, GraphError where batch norm cannot
 *   be folded
 */
export function equalize(graph: Graph, options: EqualizeOptions = {}): Graph {
  const { relu6 = 'skip', rounds = 40 } = options;
  if (relu6 !== 'skip' && relu6 !== 'replace')
    throw new ArgumentError(`relu6: ${String(relu6)} is unknown; use 'skip' or 'replace'`);
  checkWhole('rounds', rounds);
  requireFloat(graph);
  const fused = foldBatchNorm(fuseLayers(graph));
  const source = relu6 === 'replace' ? replaceRelu6(fused) : fused;
  const pairs = layerPairs(source, homogeneous).filter(({ first }) => first.activation !== 'relu6');
  const params = new Map(source.params);
  const arrayOf = (id: string): NDArray => params.get(id)!.array;
  for (const { first, second } of pairs)
    for (const id of [first.weight, first.bias, second.weight])
      if (id !== null) params.set(id, own(source.params.get(id)!));

  const balance = (first: LayerNode, second: LayerNode): number => {
    const [a, b] = [arrayOf(first.weight), arrayOf(second.weight)];
    const channels = a.shape[0];
    const outputOf = (i: number): number => Math.floor(i / (a.size / channels));
    const inputOf = inputChannel(second, b.shape, channels);
    const [r1, r2] = [ranges(a, channels, outputOf), ranges(b, channels, inputOf)];
    const s = r1.map((r, c) => (r === 0 || r2[c] === 0 ? 1 : Math.sqrt(r / r2[c])));
    a.data.forEach((w, i) => (a.data[i] = w / s[outputOf(i)]));
    if (first.bias !== null) arrayOf(first.bias).data.forEach((v, c, bias) => (bias[c] = v / s[c]));
    b.data.forEach((w, i) => (b.data[i] = w * s[inputOf(i)]));
    return Math.max(...s.map((v) => Math.abs(Math.log(v))));
  };
  for (let round = 0; round < rounds; round++) {
    const moved = pairs.map(({ first, second }) => balance(first, second));
    if (Math.max(0, ...moved) < SETTLED) break;
  }
  return { ...source, params };
}

function own(param: Param): Param {
  return { ...param, array: param.array.clone() };
}
