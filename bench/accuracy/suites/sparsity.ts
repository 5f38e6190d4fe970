/** Single weights pruned, all at once or little by little, kept at 0 through quantization-aware training. */
import { gradualSparsity, Pruner } from '../../../src/compress/index.js';
import type { Graph } from '../../../src/graph/index.js';
import { convert } from '../../../src/quant/index.js';
import { cloneParams, GraphModule } from '../../../src/trace/index.js';
import { methodNamed, QAT, quantize } from '../methods.js';
import { calibrationBatches, scoreIntegers, trainFloat, trainLoader, trainQuantized } from '../training.js';
import { W8A8, type Sizes, type Suite, type Unit } from '../types.js';
import { FINETUNE_LR } from './compression.js';
import { floatUnit } from './float.js';

export const NETWORK = 'plain';

/** Shares of the weights. */
export const SHARES = [0.5, 0.8, 0.9] as const;

export const DENSE = 'dense';
export const atOnce = (share: number): string => `${100 * share} %, at once`;
export const gradual = (share: number): string => `${100 * share} %, gradual`;

/** Of the float training after which nothing is pruned any more. */
const PRUNED_AT = 0.75;
const PRUNINGS = 100;

function units(seed: number, sizes: Sizes): Unit[] {
  const variants = [DENSE, ...SHARES.flatMap((share) => [atOnce(share), gradual(share)])];
  return variants.map((variant) => ({
    ...{ suite: 'sparsity', version: 1, network: NETWORK, seed, variant, bits: W8A8, sizes },
    needs: [floatUnit(NETWORK, seed, sizes)],
  }));
}

/** The share of the codes of weights that are 0. Throws Error where a pruned weight came back. */
function zeroCodes({ params }: Graph, pruner: Pruner): number {
  let [zeros, total] = [0, 0];
  for (const [id, mask] of pruner.masks()) {
    const codes = params.get(id)!.array.data;
    total += codes.length;
    mask.forEach((alive, i) => {
      if (codes[i] === 0) zeros++;
      else if (alive === 0) throw new Error(`${id}: code ${i} is ${codes[i]}, of a weight that was pruned`);
    });
  }
  return zeros / total;
}

/** As many epochs for all: in float, pruned and going on, then with quantization. */
export const sparsity: Suite = {
  name: 'sparsity',
  units,
  async run(unit, [graph], data) {
    const { variant, sizes } = unit;
    const network = new GraphModule(cloneParams(graph));
    const loader = trainLoader(unit, data.train.slice(0, sizes.train), 'finetune');
    const end = Math.max(1, Math.floor(PRUNED_AT * sizes.finetune * loader.length));
    const share = SHARES.find((s) => variant.startsWith(`${100 * s} `)) ?? 0;
    const every = Math.max(1, Math.floor(end / PRUNINGS));
    const pruner =
      variant === gradual(share)
        ? new Pruner(network, { schedule: gradualSparsity({ final: share, end, every }) })
        : new Pruner(network);
    if (variant === atOnce(share)) pruner.prune(share);
    await trainFloat(unit, network, loader, { epochs: sizes.finetune, maxLr: FINETUNE_LR, pruner });

    const method = methodNamed(QAT, 'QAT min-max');
    const module = quantize(method, network.graph, calibrationBatches(unit, data), W8A8, unit);
    const kept = Pruner.keepingZeros(module);
    await trainQuantized(unit, module, data, method.rates!, { pruner: kept });
    const { measured } = scoreIntegers(unit, module, data);
    return {
      measured: { ...measured, figures: { zeroCodes: zeroCodes(convert(module.eval()), kept) } },
      model: null,
    };
  },
};
