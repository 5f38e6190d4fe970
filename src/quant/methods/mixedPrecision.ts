/** Mixed precision: bits for each layer under a budget, from what each layer loses at each width. */
import { ArgumentError, QuantizationError, quantRange, qdtypeOf } from '../../core/index.js';
import { fuseLayers, isLayer, macsOf, type Graph, type LayerNode, type ValueId } from '../../graph/index.js';
import type { LayerBits } from '../qconfig.js';

/** What is lost where one tensor has few bits; `sensitivity` measures it. */
export interface LayerLoss {
  readonly id: ValueId;
  readonly kind: 'weights' | 'activations';
  readonly bits: number;
  /** Losses of different tensors add up: energy of the error, or divergence, not dB. */
  readonly loss: number;
}

/** One way to quantize a layer. */
export interface BitChoice {
  readonly bits: LayerBits;
  /** In the unit of the budget. */
  readonly cost: number;
  readonly loss: number;
}

export interface Allocation {
  /** For `ptqConfig({ layers })` and `qatConfig({ layers })`. */
  readonly layers: Readonly<Record<ValueId, LayerBits>>;
  readonly cost: number;
  /** The sum that was minimised. */
  readonly loss: number;
}

/** What a layer costs with these bits: bytes, milliseconds, multiply-adds times bits. */
export type BitCost = (node: LayerNode, bits: LayerBits) => number;

/** Bytes of the weights in a model file: codes of up to 4 bits lie two in a byte, wider ones have one each. */
export function storedBytes(graph: Graph): BitCost {
  return ({ weight }, { weightBits = 8 }) => {
    const { size } = graph.params.get(weight)!.array;
    return qdtypeOf(quantRange(weightBits, { narrow: true })) === 'int4' ? Math.ceil(size / 2) : size;
  };
}

/**
 * Multiply-adds times bits of weights times bits of activations: what hardware that scales with bits computes, "bit operations" in
 * UNIQ (arXiv:1804.10969).
 */
export function macBits(graph: Graph): BitCost {
  return (node, { weightBits = 8, activationBits = 8 }) => macsOf(graph, node) * weightBits * activationBits;
}

/** Partial solutions that are kept at most; below that the result is the best there is. */
const MAX_STATES = 50_000;

interface State {
  readonly cost: number;
  readonly loss: number;
  readonly chosen: BitChoice | null;
  readonly before: State | null;
}

/** Of all states those that no other beats in both cost and loss, by rising cost. */
function front(states: State[], budget: number): State[] {
  states.sort((a, b) => a.cost - b.cost || a.loss - b.loss);
  const kept: State[] = [];
  for (const state of states)
    if (kept.length === 0 || state.loss < kept[kept.length - 1].loss) kept.push(state);
  if (kept.length <= MAX_STATES) return kept;
  // the best of each slice of the budget
  const slices = new Map(kept.map((state) => [Math.floor((state.cost / budget) * MAX_STATES), state]));
  return [...slices.values()];
}

/**
 * One choice for each layer, with the least sum of losses at a sum of costs within the budget: the multiple-choice knapsack, solved
 * by dynamic programming over the partial solutions that none dominates (Nemhauser and Ullmann 1969, "Discrete Dynamic Programming
 * and Capital Allocation"). Exact; with more than 50,000 of these at once, the best of each 50,000th of the budget go on.
 *
 * A larger budget never gives a larger loss.
 *
 * @throws ArgumentError for a layer without choices, numbers that are not finite, and a budget that the cheapest choices exceed
 */
export function allocateBits(
  choices: ReadonlyMap<ValueId, readonly BitChoice[]>,
  budget: number,
): Allocation {
  if (!(budget >= 0)) throw new ArgumentError(`budget: ${budget} must be a number of at least 0`);
  let least = 0;
  for (const [id, list] of choices) {
    if (list.length === 0) throw new ArgumentError(`choices: ${id} has none; give at least one`);
    for (const { cost, loss } of list)
      if (!(cost >= 0 && cost < Infinity && loss >= 0 && loss < Infinity))
        throw new ArgumentError(
          `choices: ${id} has cost ${cost} and loss ${loss}; both must be finite, 0 or more`,
        );
    least += Math.min(...list.map(({ cost }) => cost));
  }
  let states: State[] = [{ cost: 0, loss: 0, chosen: null, before: null }];
  for (const list of choices.values()) {
    const next: State[] = [];
    for (const before of states)
      for (const chosen of list) {
        const cost = before.cost + chosen.cost;
        if (cost <= budget) next.push({ cost, loss: before.loss + chosen.loss, chosen, before });
      }
    states = front(next, budget);
  }
  if (states.length === 0)
    throw new ArgumentError(
      `budget: ${budget} is too little; the cheapest choice of every layer costs ${least}`,
    );
  const best = states[states.length - 1];
  const path: BitChoice[] = [];
  for (let at: State = best; at.before !== null; at = at.before) path.unshift(at.chosen!);
  const layers = Object.fromEntries([...choices.keys()].map((id, i) => [id, path[i].bits]));
  return { layers, cost: best.cost, loss: best.loss };
}

export interface MixedPrecisionOptions {
  /** What the sum of the costs must not exceed. */
  readonly budget: number;
  /**
   * Default: {@link storedBytes}. For a budget of latency, time each layer at each width on the target (with the profiler of its
   * runtime, or `Session.profile` here), and give the table by the names of layers:
   * `cost: ({ id }, { weightBits = 8 }) => milliseconds[id][weightBits]`. The budget is then in milliseconds of these layers alone;
   * take what the rest of the network needs off before.
   */
  readonly cost?: BitCost;
  /** Also the bits of what each layer gives, as many as those of its weights. Default false. */
  readonly activations?: boolean;
}

/**
 * Bits for the layers of a network: losses of single tensors are taken to add up, as errors that do not depend on each other do
 * (Lin et al. 2016, "Fixed Point Quantization of Deep Convolutional Networks", arXiv:1511.06393), and the sum is minimised under the
 * budget, as ZeroQ does with its Pareto frontier (Cai et al. 2020, arXiv:2001.00281, section 3.3); see {@link allocateBits}.
 *
 * Of one tensor, fewer bits count as at least as lossy as more.
 *
 * @param losses of the weights of every layer at the widths to choose from, and with `activations` of what the layers give
 * @throws ArgumentError for a budget that nothing meets, QuantizationError for a layer without losses
 */
export function mixedPrecision(
  graph: Graph,
  losses: Iterable<LayerLoss>,
  { budget, cost, activations = false }: MixedPrecisionOptions,
): Allocation {
  const fused = fuseLayers(graph);
  const costOf = cost ?? storedBytes(fused);
  const table = new Map<string, number>();
  const widths = new Set<number>();
  for (const { id, kind, bits, loss } of losses) {
    table.set(`${kind} ${bits} ${id}`, loss);
    widths.add(bits);
  }
  // the widest first: where two choices are equal in cost and loss, it is the one that is taken
  const descending = [...widths].sort((a, b) => b - a);
  const choicesOf = (node: LayerNode): BitChoice[] => {
    let worst = 0;
    return descending.flatMap((width): BitChoice[] => {
      const weights = table.get(`weights ${width} ${node.id}`);
      const output = activations ? table.get(`activations ${width} ${node.id}`) : 0;
      if (weights === undefined || output === undefined) return [];
      // that fewer bits lose less is chance
      worst = Math.max(worst, weights + output);
      const bits: LayerBits = activations
        ? { weightBits: width, activationBits: width }
        : { weightBits: width };
      return [{ bits, cost: costOf(node, bits), loss: worst }];
    });
  };
  const choices = new Map<ValueId, BitChoice[]>();
  for (const node of fused.nodes.filter(isLayer)) {
    const list = choicesOf(node);
    if (list.length === 0)
      throw new QuantizationError(
        `losses: ${node.id} has none; measure every layer, its weights at the least`,
      );
    choices.set(node.id, list);
  }
  return allocateBits(choices, budget);
}
