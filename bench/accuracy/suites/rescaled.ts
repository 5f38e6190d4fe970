/** Networks whose channels have ranges spread 100 times, at 8 bits: the function is unchanged, per-tensor scales are not up to it. */
import { noGrad } from '../../../src/autograd/index.js';
import { Random } from '../../../src/core/index.js';
import type { Graph } from '../../../src/graph/index.js';
import { lsq } from '../../../src/quant/index.js';
import { GraphModule } from '../../../src/trace/index.js';
import { methodNamed, PTQ, QAT, quantize, type Method } from '../methods.js';
import { relativeDifference, rescaleChannels } from '../rescale.js';
import { calibrationBatches, folded, scoreFloat, scoreIntegers, trainQuantized } from '../training.js';
import { W8A8, type Data, type Outcome, type Sizes, type Suite, type Unit } from '../types.js';
import { floatUnit } from './float.js';

export const SPREAD = 100;

/** Of float32, after sums of some hundreds of products. */
const TOLERANCE = 1e-4;

/** Adam's steps are as large for channels of small weights as for those of large ones: of 3e-3, 1e-3, 3e-4 and 1e-4 the best. */
const SMALL_STEPS = { weights: 3e-4, quantizers: 1e-3 };

export const RESCALED_METHODS: readonly Method[] = [
  ...['per-tensor', 'per-channel', 'per-channel, bias correction', 'per-tensor, equalization'].map((name) =>
    methodNamed(PTQ, name),
  ),
  { ...methodNamed(QAT, 'QAT LSQ'), rates: SMALL_STEPS },
  {
    name: 'QAT LSQ, per-tensor',
    paper: 'Esser et al. 2020, arXiv:1902.08153',
    config: { granularity: 'per-tensor', weightQuantizer: lsq(), activationQuantizer: lsq() },
    rates: methodNamed(QAT, 'QAT LSQ').rates,
  },
];

// ReLU6, which the depthwise network has, does not let factors pass
export const RESCALED_NETWORKS = ['plain', 'residual'] as const;

function units(seed: number, sizes: Sizes): Unit[] {
  return RESCALED_NETWORKS.flatMap((network) => {
    const common = { suite: 'rescaled', version: 2, network, seed, sizes };
    const source = { ...common, variant: 'float', bits: null, needs: [floatUnit(network, seed, sizes)] };
    return [
      source,
      ...RESCALED_METHODS.map(({ name }) => ({ ...common, variant: name, bits: W8A8, needs: [source] })),
    ];
  });
}

/** Throws Error where the rescaled network computes something else. */
async function rescale(unit: Unit, graph: Graph, data: Data): Promise<Outcome> {
  const before = folded(graph);
  const after = rescaleChannels(before, SPREAD, new Random(`${unit.seed}/rescaled`));
  const [x] = calibrationBatches(unit, data);
  const [want, have] = noGrad(() => [before, after].map((g) => new GraphModule(g).eval().forward(x).data));
  const difference = relativeDifference(want, have);
  if (!(difference < TOLERANCE))
    throw new Error(`rescaled ${unit.network}: outputs differ by ${difference}, more than ${TOLERANCE}`);
  const { measured, model } = await scoreFloat(unit, after, data);
  return { measured: { ...measured, figures: { difference } }, model };
}

export const rescaled: Suite = {
  name: 'rescaled',
  units,
  async run(unit, [graph], data) {
    if (unit.bits === null) return rescale(unit, graph, data);
    const method = methodNamed(RESCALED_METHODS, unit.variant);
    const module = quantize(method, graph, calibrationBatches(unit, data), unit.bits, unit);
    if (method.rates !== null) await trainQuantized(unit, module, data, method.rates);
    return { ...scoreIntegers(unit, module, data), model: null };
  },
};
