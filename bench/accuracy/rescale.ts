/** A stress test: channels of very different ranges, in a network that computes what it did. */
import type { Random } from '../../src/core/index.js';
import type { Graph, Node } from '../../src/graph/index.js';
import { inputChannel, layerPairs } from '../../src/quant/methods/pairs.js';

/** What positive factors pass through, channel by channel; not ReLU6. */
const passes = (node: Node): boolean =>
  node.op === 'maxPool2d' ||
  node.op === 'avgPool2d' ||
  node.op === 'reshape' ||
  (node.op === 'activation' && node.activation !== 'relu6');

/**
 * Multiplies the output channels of each layer that one other layer reads by factors from `1 / sqrt(spread)` to
 * `sqrt(spread)`, evenly spaced in their logarithm and in random order, and divides the weights that read them by the same.
 *
 * @param graph float, batch norm folded
 * @returns a new graph
 */
export function rescaleChannels(graph: Graph, spread: number, random: Random): Graph {
  const params = new Map(Array.from(graph.params, ([id, p]) => [id, { ...p, array: p.array.clone() }]));
  for (const { first, second } of layerPairs(graph, passes)) {
    if (first.activation === 'relu6') continue;
    const [a, b] = [first.weight, second.weight].map((id) => params.get(id)!.array);
    const channels = a.shape[0];
    const order = random.permutation(channels);
    const factor = Array.from(order, (k) => spread ** (channels === 1 ? 0 : k / (channels - 1) - 0.5));
    const inputOf = inputChannel(second, b.shape, channels);
    a.data.forEach((w, i) => (a.data[i] = w * factor[Math.floor(i / (a.size / channels))]));
    b.data.forEach((w, i) => (b.data[i] = w / factor[inputOf(i)]));
    if (first.bias === null) continue;
    const bias = params.get(first.bias)!.array.data;
    bias.forEach((v, c) => (bias[c] = v * factor[c]));
  }
  return { ...graph, params };
}

/** The largest difference between two arrays, relative to the largest value of the first. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [largest, difference] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(a[i]));
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
  }
  return difference / largest;
}
