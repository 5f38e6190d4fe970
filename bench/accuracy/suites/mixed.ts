/** Bits layer by layer: what measuring each layer is worth against a rule of thumb that costs as much. */
import { sensitivity, type Sensitivity } from '../../../src/analysis/index.js';
import { fuseLayers, isLayer, type Graph } from '../../../src/graph/index.js';
import { MODEL_NAMES } from '../../../src/models/index.js';
import { calibrate, prepare, ptqConfig, type LayerBits } from '../../../src/quant/index.js';
import {
  macBits,
  mixedPrecision,
  storedBytes,
  type BitCost,
  type LayerLoss,
} from '../../../src/quant/methods/index.js';
import { calibrationSample, scoreIntegers } from '../training.js';
import { W4A8, type Sizes, type Suite, type Unit } from '../types.js';
import { floatUnit } from './float.js';

type Layers = Readonly<Record<string, LayerBits>>;
type Loss = (of: Sensitivity) => number;

const layersOf = (graph: Graph): string[] =>
  fuseLayers(graph)
    .nodes.filter(isLayer)
    .map(({ id }) => id);

/** The rule of thumb. */
function ends(graph: Graph): Layers {
  const ids = layersOf(graph);
  return Object.fromEntries([ids[0], ids[ids.length - 1]].map((id) => [id, { weightBits: 8 }]));
}

function costOf(graph: Graph, cost: BitCost, layers: Layers): number {
  const nodes = fuseLayers(graph).nodes.filter(isLayer);
  return nodes.reduce((sum, node) => sum + cost(node, { weightBits: 4, ...layers[node.id] }), 0);
}

/** The losses that are measured, each with what a layer gets by it. */
export const LOSSES: Readonly<Record<string, Loss>> = {
  SQNR: ({ loss }) => loss,
  KL: ({ kl }) => kl ?? NaN,
  accuracy: ({ accuracy }) => 1 - (accuracy ?? NaN),
};

interface Variant {
  readonly name: string;
  layers(graph: Graph, measure: (widths: readonly number[]) => Sensitivity[]): Layers;
}

function chosen(graph: Graph, measured: readonly Sensitivity[], loss: Loss, cost: BitCost, budget: number) {
  const losses = measured.map((of): LayerLoss => ({ ...of, loss: loss(of) }));
  return mixedPrecision(graph, losses, { budget, cost }).layers;
}

export const UNIFORM = 'all layers 4 bits';
export const ENDS = 'first and last layer 8 bits';
export const OPERATIONS = '2 to 8 bits by SQNR, as many bit operations as 4 bits';
export const measuredBy = (name: string): string => `4 or 8 bits by ${name}, no more bytes`;

export const VARIANTS: readonly Variant[] = [
  { name: UNIFORM, layers: () => ({}) },
  { name: ENDS, layers: ends },
  ...Object.entries(LOSSES).map(([name, loss]): Variant => ({
    name: measuredBy(name),
    layers(graph, measure) {
      const cost = storedBytes(fuseLayers(graph));
      return chosen(graph, measure([4, 8]), loss, cost, costOf(graph, cost, ends(graph)));
    },
  })),
  {
    name: OPERATIONS,
    layers(graph, measure) {
      const cost = macBits(fuseLayers(graph));
      const widths = [2, 3, 4, 5, 6, 7, 8];
      return chosen(graph, measure(widths), LOSSES.SQNR, cost, costOf(graph, cost, {}));
    },
  },
];

function units(seed: number, sizes: Sizes): Unit[] {
  return MODEL_NAMES.flatMap((network) =>
    VARIANTS.map(({ name }) => ({
      ...{ suite: 'mixed', version: 1, network, seed, variant: name, bits: W4A8, sizes },
      needs: [floatUnit(network, seed, sizes)],
    })),
  );
}

export const mixed: Suite = {
  name: 'mixed',
  units,
  run(unit, [graph], data) {
    const sample = calibrationSample(unit, data);
    const config = ptqConfig(W4A8);
    const measure = (widths: readonly number[]): Sensitivity[] =>
      sensitivity(graph, sample, { config, widths, kinds: ['weights'] });
    const { layers: choose } = VARIANTS.find(({ name }) => name === unit.variant)!;
    const module = prepare(graph, ptqConfig({ ...W4A8, layers: choose(graph, measure) }));
    calibrate(
      module,
      sample.map(({ inputs }) => inputs),
    );
    return Promise.resolve({ ...scoreIntegers(unit, module, data), model: null });
  },
};
