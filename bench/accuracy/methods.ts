/** The methods that the experiments compare: one list, each with what it does to a trained network. */
import type { Tensor } from '../../src/autograd/index.js';
import type { Graph } from '../../src/graph/index.js';
import {
  calibrate,
  dorefa,
  entropy,
  lsq,
  lsqPlus,
  minMax,
  mse,
  pact,
  percentile,
  prepare,
  ptqConfig,
  qatConfig,
  type QatSchedule,
  type QConfigOptions,
  type QuantizedModule,
} from '../../src/quant/index.js';
import {
  absorbBias,
  adaround,
  addBiases,
  correctBias,
  equalize,
  reestimateBatchNorm,
} from '../../src/quant/methods/index.js';
import type { Rates } from './training.js';
import type { Bits, Sizes } from './types.js';

export interface Method {
  readonly name: string;
  readonly paper: string;
  /** Besides the bits. */
  readonly config: QConfigOptions;
  /** What it does to the float graph. */
  readonly graph?: (graph: Graph, batches: readonly Tensor[]) => Graph;
  /** What it does to the calibrated module. */
  readonly apply?: (module: QuantizedModule, batches: readonly Tensor[], sizes: Sizes, seed: number) => void;
  /** When quantization begins and what is frozen when, where it is not as usual. */
  readonly schedule?: Omit<QatSchedule, 'totalSteps'>;
  /** What it does to the trained module. */
  readonly finish?: (module: QuantizedModule, batches: readonly Tensor[]) => void;
  /** Of quantization-aware training; null: the method does not train. */
  readonly rates: Rates | null;
}

const MIN_MAX = 'Krishnamoorthi 2018, arXiv:1806.08342';
const DATA_FREE = 'Nagel et al. 2019, arXiv:1906.04721';
const REESTIMATION = 'Nagel et al. 2022, arXiv:2203.08086';

const post = (
  name: string,
  paper: string,
  granularity: 'per-tensor' | 'per-channel',
  rest: Partial<Method> = {},
) => ({ name, paper, config: { granularity }, rates: null, ...rest });

// ReLU6 becomes ReLU, as in the paper: layers before a ReLU6 cannot be equalized otherwise.
const equalized = (graph: Graph): Graph => equalize(graph, { relu6: 'replace' });
const corrected: Method['apply'] = (module, batches) => void correctBias(module, batches);
const reestimated = (module: QuantizedModule, batches: readonly Tensor[]): void =>
  void reestimateBatchNorm(module, batches);

export const PTQ: readonly Method[] = [
  post('per-tensor', MIN_MAX, 'per-tensor'),
  post('per-tensor, equalization', DATA_FREE, 'per-tensor', { graph: equalized }),
  post('per-tensor, equalization, bias absorption', DATA_FREE, 'per-tensor', {
    graph: (graph, batches) => absorbBias(equalized(graph), batches),
  }),
  post('per-tensor, batch-norm re-estimation', REESTIMATION, 'per-tensor', { apply: reestimated }),
  post('per-tensor, bias correction', DATA_FREE, 'per-tensor', { graph: addBiases, apply: corrected }),
  post('per-tensor, equalization, bias correction', DATA_FREE, 'per-tensor', {
    graph: (graph) => addBiases(equalized(graph)),
    apply: corrected,
  }),
  post('per-channel', MIN_MAX, 'per-channel'),
  post('per-channel, batch-norm re-estimation', REESTIMATION, 'per-channel', { apply: reestimated }),
  post('per-channel, bias correction', DATA_FREE, 'per-channel', { graph: addBiases, apply: corrected }),
  post('per-channel, AdaRound', 'Nagel et al. 2020, arXiv:2004.10568', 'per-channel', {
    apply: (module, batches, { adaround: iterations }, seed) =>
      void adaround(module, batches, { iterations, seed }),
  }),
];

/**
 * Tuned on a network of none of the seeds, at W4A4 and W2A4, 20,000 images: weights 1e-3, 3e-3 and 6e-3, scales 1e-4 and 1e-3, bounds
 * 1e-3 and 1e-2. For weights the middle one was best, or within 0.3 points of it, with every method.
 */
const RATES: Rates = { weights: 3e-3, quantizers: 1e-3 };
const trained = (name: string, paper: string, config: QConfigOptions = {}, rates = RATES): Method => ({
  name,
  paper,
  config,
  rates,
});

/** All with a scale per channel and the same budget. */
export const QAT: readonly Method[] = [
  trained('QAT min-max', `${MIN_MAX}; moving averages, straight-through gradients`),
  trained('QAT LSQ', 'Esser et al. 2020, arXiv:1902.08153', {
    weightQuantizer: lsq(),
    activationQuantizer: lsq(),
  }),
  trained('QAT LSQ+', 'Bhalgat et al. 2020, arXiv:2004.09576', {
    weightQuantizer: lsq(),
    activationQuantizer: lsqPlus(),
  }),
  trained(
    'QAT PACT',
    'Choi et al. 2018, arXiv:1805.06085; min-max weights',
    { activationQuantizer: pact() },
    { ...RATES, quantizers: 1e-2 },
  ),
  trained('QAT DoReFa', 'Zhou et al. 2016, arXiv:1606.06160; min-max activations', {
    weightQuantizer: dorefa(),
  }),
];

/** Ways to train the first of {@link QAT}, at few bits. */
export const QAT_WAYS: readonly Method[] = [
  {
    ...trained('QAT min-max, delayed by a quarter', 'Jacob et al. 2018, arXiv:1712.05877'),
    schedule: { quantizeAt: 0.25 },
  },
  {
    ...trained('QAT min-max, batch norm live', `${MIN_MAX}, against freezing`),
    schedule: { freezeBatchNormAt: 1 },
  },
  {
    ...trained('QAT min-max, batch norm live, re-estimated', REESTIMATION),
    schedule: { freezeBatchNormAt: 1 },
    finish: reestimated,
  },
];

/** What chooses the ranges of activations in post-training quantization; weights are min-max, per channel. */
export const OBSERVERS: readonly Method[] = [
  post('min-max', MIN_MAX, 'per-channel', { config: { activationObserver: minMax() } }),
  post('percentile', '0.01 % clipped at each end', 'per-channel', {
    config: { activationObserver: percentile() },
  }),
  post('MSE', 'least squared error', 'per-channel', { config: { activationObserver: mse() } }),
  post('entropy', 'least KL divergence, Migacz 2017', 'per-channel', {
    config: { activationObserver: entropy() },
  }),
];

export function methodNamed(methods: readonly Method[], name: string): Method {
  return methods.find((m) => m.name === name)!;
}

/** Prepared and calibrated, with the method applied; not yet trained. */
export function quantize(
  method: Method,
  graph: Graph,
  batches: readonly Tensor[],
  bits: Bits,
  { sizes, seed }: { readonly sizes: Sizes; readonly seed: number },
): QuantizedModule {
  const config = (method.rates === null ? ptqConfig : qatConfig)({ ...bits, ...method.config });
  const module = calibrate(prepare(method.graph?.(graph, batches) ?? graph, config), batches);
  method.apply?.(module, batches, sizes, seed);
  return module;
}
