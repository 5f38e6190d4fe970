/** Float trainings, which all other suites begin with; it has units where they need them. */
import { createModel, RECIPES, type ModelName } from '../../../src/models/index.js';
import { trace } from '../../../src/trace/index.js';
import { calibrationBatches, scoreFloat, trainFloat, trainLoader } from '../training.js';
import type { Sizes, Suite, Unit } from '../types.js';

/** By the recipe of the network. */
export function floatUnit(network: ModelName, seed: number, sizes: Sizes, variant: Width = 'float'): Unit {
  return { suite: 'float', version: 1, network, seed, variant, bits: null, sizes, needs: [] };
}

/** Channels of the first layer; undefined: as many as the network has by default. */
const WIDTHS = { float: undefined, 'float, width 12': 12 } as const;
export type Width = keyof typeof WIDTHS;

export const float: Suite = {
  name: 'float',
  units: () => [],
  async run(unit, _models, data) {
    const { network, seed, sizes } = unit;
    const model = createModel(network as ModelName, {
      seed: `${seed}/${network}`,
      width: WIDTHS[unit.variant as Width],
    });
    const loader = trainLoader(unit, data.train.slice(0, sizes.train), 'float');
    await trainFloat(unit, model, loader, { epochs: sizes.epochs ?? RECIPES[network as ModelName].epochs });
    return scoreFloat(unit, trace(model, calibrationBatches(unit, data)[0]), data);
  },
};
