/** AdaRound: learns for each weight which of its two neighbouring codes to round to. */
import { noGrad, Tensor } from '../../autograd/index.js';
import { checkWhole } from '../../core/checks.js';
import { ArgumentError, NDArray, Random, type QParams } from '../../core/index.js';
import { roundHalfEven } from '../../../kernels/rounding.js';
import type { LayerNode } from '../../graph/index.js';
import { abs, add, clamp, mean, mul, powScalar, sigmoid, square, sub, tidy } from '../../ops/index.js';
import { Adam } from '../../optim/index.js';
import { activate, executeLayer } from '../../trace/index.js';
import type { GraphInputs } from '../inputs.js';
import { foldedWeights } from '../layer.js';
import type { QuantizedModule } from '../quantizedModule.js';
import { eachLayer } from './eachLayer.js';

export interface AdaRoundOptions {
  /** Steps per layer, each on one batch. Default 1000. */
  iterations?: number;
  /** Of Adam. Default 0.1. */
  lr?: number;
  /** Weight of the regulariser. Default 3. */
  lambda?: number;
  /** Exponent of the regulariser after the warm-up and at the end. Default [20, 2]. */
  beta?: readonly [number, number];
  /** Share of the steps without regulariser. Default 0.2. */
  warmup?: number;
  /** Of the order of the batches. Default 0. */
  seed?: number;
  /** Told after each layer. */
  onLayer?: (layer: RoundedLayer) => void;
}

/** A layer with its weights rounded: mean squared error of its output against the float network, on all batches. */
export interface RoundedLayer {
  readonly id: string;
  /** Rounded to nearest. */
  readonly nearest: number;
  /** As it is now; never more than `nearest`. */
  readonly learned: number;
  /** Weights that are not at their nearest code. */
  readonly moved: number;
}

/** The sigmoid is stretched to [-0.1, 1.1] and clipped, so that it reaches 0 and 1. */
const STRETCH = { low: -0.1, span: 1.2 };

/** h(V): 0 for the lower code, 1 for the upper. */
function rectified(v: Tensor): Tensor {
  return clamp(add(mul(sigmoid(v), STRETCH.span), STRETCH.low), { min: 0, max: 1 });
}

/** The V at which h(V) is `h`. */
const rectifiedInverse = (h: number): number => -Math.log(STRETCH.span / (h - STRETCH.low) - 1);

/** The codes around each weight, what lies between, and the nearer one. On the grid both codes are one. */
function neighbours(weight: NDArray, qp: QParams) {
  const per = weight.size / qp.scale.length;
  const clip = (q: number): number => Math.min(Math.max(q, qp.quantMin), qp.quantMax);
  const at = Float32Array.from(weight.data, (w, i) => w / qp.scale[Math.floor(i / per)]);
  return {
    scale: Float32Array.from(at, (_, i) => qp.scale[Math.floor(i / per)]),
    lower: at.map((v) => clip(Math.floor(v))),
    upper: at.map((v) => clip(Math.ceil(v))),
    fraction: at.map((v) => v - Math.floor(v)),
    nearest: at.map((v) => clip(roundHalfEven(v))),
  };
}

/** A layer that is being rounded: inputs of the quantized network, outputs of the float network. */
interface Reconstruction {
  readonly node: LayerNode;
  readonly inputs: readonly Tensor[];
  readonly targets: readonly Tensor[];
  readonly bias: Tensor | null;
}

function outputError({ node, inputs, targets, bias }: Reconstruction, i: number, weight: Tensor): Tensor {
  const y = activate(executeLayer(node, inputs[i], weight, bias), node.activation);
  return sub(y, targets[i]);
}

/** Mean squared error of each output channel, over all batches. */
function channelErrors(layer: Reconstruction, weight: Tensor): Float64Array {
  const [channels] = weight.shape;
  const sum = new Float64Array(channels);
  const rows = layer.targets.reduce((n, { size }) => n + size / channels, 0);
  layer.targets.forEach((_, i) =>
    tidy(() => {
      const { data } = noGrad(() => outputError(layer, i, weight));
      data.forEach((e, k) => (sum[k % channels] += (e * e) / rows));
    }),
  );
  return sum;
}

const average = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

type Settings = Required<Omit<AdaRoundOptions, 'onLayer'>>;

/** 1 where the upper code is chosen. */
function learn(
  layer: Reconstruction,
  { scale, lower, upper, fraction }: ReturnType<typeof neighbours>,
  shape: readonly number[],
  unit: number,
  { iterations, lr, lambda, beta, warmup, seed }: Settings,
): Uint8Array {
  const array = (data: Float32Array): Tensor => new Tensor(new NDArray(data, shape));
  const base = array(lower.map((q, i) => q * scale[i]));
  const step = array(upper.map((q, i) => (q - lower[i]) * scale[i]));
  const v = new Tensor(new NDArray(fraction.map(rectifiedInverse), shape), { requiresGrad: true });
  const adam = new Adam([v], { lr });
  const random = new Random(seed);
  const start = warmup * iterations;
  for (let t = 0; t < iterations; t++)
    tidy(() => {
      const h = rectified(v);
      const error = outputError(layer, random.int(layer.inputs.length), add(base, mul(h, step)));
      let loss = mul(mean(square(error)), 1 / unit);
      if (t >= start) {
        const exponent = beta[1] + ((beta[0] - beta[1]) * (iterations - t)) / (iterations - start);
        const undecided = sub(1, powScalar(abs(sub(mul(h, 2), 1)), exponent));
        loss = add(loss, mul(mean(undecided), lambda));
      }
      adam.zeroGrad();
      loss.backward();
      adam.step();
    });
  return tidy(() => noGrad(() => Uint8Array.from(rectified(v).data, (h) => (h >= 0.5 ? 1 : 0))));
}

/**
 * AdaRound (Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization", arXiv:2004.10568). Rounding each
 * weight to the nearest code does not make the smallest error of the layer, because errors of its weights add up.
 * Layer by layer, with `h(V) = clip(1.2 sigmoid(V) - 0.1, 0, 1)`, the weights `s (floor(w / s) + h(V))` are trained so that
 * the layer, on what it reads in the quantized network, gives what it gave in the float network, its clamp included:
 *
 * ```
 * loss = E |f(W x) - f(Wq xq)|^2 / E0 + lambda mean(1 - |2 h(V) - 1|^beta)
 * ```
 *
 * where beta goes from 20 to 2 and drives h to 0 or 1. Both terms are relative (E0 is the error of rounding to nearest, and the mean
 * is over the weights), so that one lambda suits layers of any size and scale; the paper's are sums.
 *
 * Weights become what their codes stand for, so rounding them to nearest gives the code that was learned, at the scales that
 * were calibrated: calibrate before, not after. A code is one of the two around its weight; a weight that is on the grid, a pruned
 * one above all, stays. Filters do not depend on each other: one that gained nothing on `batches` is rounded to nearest.
 *
 * @param module calibrated; changed in place, left in eval mode with phase 'frozen'
 * @param batches typical inputs, some hundreds in all, in batches of 16 to 64
 * @throws ArgumentError for options out of range; QuantizationError for layers that share parameters, for a module that was not
 *   calibrated, and for no batch
 */
export function adaround(
  module: QuantizedModule,
  batches: Iterable<GraphInputs>,
  options: AdaRoundOptions = {},
): QuantizedModule {
  const settings = settingsOf(options);
  eachLayer(module, batches, ({ node, float, quantized, reference }) => {
    const { weight, bias, weightQParams } = noGrad(() => module.resolveLayer(node));
    const float32 = noGrad(() => foldedWeights(node, reference));
    const target = (x: Tensor): Tensor =>
      activate(executeLayer(node, x, float32.weight, float32.bias), node.activation);
    const layer: Reconstruction = {
      node,
      inputs: quantized,
      targets: float.map((x) => tidy(() => noGrad(() => target(x)))),
      bias: bias?.detach() ?? null,
    };
    const codes = neighbours(weight.value, weightQParams);
    const real = (q: Float32Array): Float32Array => q.map((code, i) => code * codes.scale[i]);
    const errorsOf = (q: Float32Array): Float64Array =>
      channelErrors(layer, new Tensor(new NDArray(real(q), weight.shape)));
    const before = errorsOf(codes.nearest);
    const nearest = average(before);
    let learned = nearest;
    let moved = 0;
    if (nearest > 0) {
      const up = learn(layer, codes, weight.shape, nearest, settings);
      const found = codes.lower.map((q, i) => (up[i] === 1 ? codes.upper[i] : q));
      const after = errorsOf(found);
      const perFilter = weight.size / after.length;
      const better = (i: number): boolean =>
        after[Math.floor(i / perFilter)] < before[Math.floor(i / perFilter)];
      const chosen = codes.nearest.map((q, i) => (better(i) ? found[i] : q));
      learned = average(before.map((e, c) => Math.min(e, after[c])));
      moved = chosen.reduce((n, q, i) => (q === codes.nearest[i] ? n : n + 1), 0);
      store(module, node, weight, real(chosen));
    }
    options.onLayer?.({ id: node.id, nearest, learned, moved });
  });
  return module;
}

/** Sets the weights of a layer so that, with batch norm folded in, they are `folded`. */
function store(module: QuantizedModule, node: LayerNode, before: Tensor, folded: Float32Array): void {
  const { data } = module.tensor(node.weight);
  // The factor of batch norm, where a weight tells it: folding multiplies.
  folded.forEach((w, i) => {
    if (w !== before.data[i] && data[i] !== 0) data[i] *= w / before.data[i];
  });
}

/** With defaults filled in, and checked. */
function settingsOf(options: AdaRoundOptions): Settings {
  const { iterations = 1000, lr = 0.1, lambda = 3, beta = [20, 2], warmup = 0.2, seed = 0 } = options;
  checkWhole('iterations', iterations);
  for (const [name, value] of Object.entries({ lr, lambda }))
    if (!(value >= 0 && value < Infinity)) throw new ArgumentError(`${name}: ${value} must be 0 or more`);
  if (!(warmup >= 0 && warmup < 1)) throw new ArgumentError(`warmup: ${warmup} must be from 0 to below 1`);
  if (!(beta.length === 2 && beta.every((b) => b >= 1 && b < Infinity)))
    throw new ArgumentError(`beta: [${beta.join(', ')}] must be two exponents of at least 1`);
  return { iterations, lr, lambda, beta, warmup, seed };
}
