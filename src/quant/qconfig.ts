/** What to quantize how: the one object that prepare() reads. */
import { QuantizationError, quantRange, type QRange } from '../core/index.js';
import type { Numerics, ValueId } from '../graph/index.js';
import { targetNamed, type Rule, type Target, type TargetName } from '../targets/index.js';
import { minMax, movingAverageMinMax, type ObserverFactory } from './observers/index.js';
import type { QuantizerFactory } from './trained/index.js';

export type Granularity = 'per-tensor' | 'per-channel';

/** 2 to 8 each; left out, those of the config. */
export interface LayerBits {
  readonly weightBits?: number;
  /** Of the output. */
  readonly activationBits?: number;
}

export interface TensorConfig {
  readonly range: QRange;
  readonly symmetric: boolean;
  readonly observer: ObserverFactory;
  /** Null: fake quantization with what the observer proposes, and straight-through gradients. */
  readonly quantizer: QuantizerFactory | null;
}

export interface QConfig {
  readonly weights: TensorConfig & {
    /** Of convolutions. */
    readonly granularity: Granularity;
    readonly linearGranularity: Granularity;
  };
  readonly activations: TensorConfig;
  /**
   * 'int32': biases are quantized with scale sx * sw, as every integer runtime does. 'float': biases stay in float and
   * layers are simulated in float arithmetic, as PyTorch's eager QAT does; such a module cannot be converted.
   */
  readonly bias: 'int32' | 'float';
  readonly numerics: Numerics;
  /** 'equal': what a concatenation joins has one scale, as TFLite demands. 'free': each input keeps its own. */
  readonly concat: 'equal' | 'free';
  /** Bits of single layers; the name of an input or of any other node serves for its activations. */
  readonly layers: Readonly<Record<ValueId, LayerBits>>;
  /** Only weights are quantized. Such a module cannot be converted. */
  readonly weightOnly: boolean;
  /** Values that are left in float. A module with such values cannot be converted. */
  readonly float: readonly ValueId[];
}

export interface QConfigOptions {
  /**
   * What the codes are for: options that are left out take its defaults, and those that it does not take are refused.
   * docs/targets.md lists the rules.
   */
  target?: TargetName;
  /** 2 to 8, default 8. Symmetric, narrow range (-127 to 127 at 8 bits). */
  weightBits?: number;
  /** 2 to 8, default 8. Affine. */
  activationBits?: number;
  /** Scales of weights: one per tensor, or one per output channel (default). */
  granularity?: Granularity;
  /** Of linear layers; default: as `granularity`. TFLite's runtimes take one scale only. */
  linearGranularity?: Granularity;
  /** One scale for all that a concatenation joins ('equal'), or each its own (default 'free'). */
  concat?: 'equal' | 'free';
  /** Signed activations (int8, default) or unsigned (uint8). */
  signed?: boolean;
  /**
   * One zero point for activations, in the middle of the codes: 0 signed, as TensorRT wants it, 128 unsigned. Softmax and
   * sigmoid then use the upper half of them. Default false.
   */
  symmetricActivations?: boolean;
  weightObserver?: ObserverFactory;
  activationObserver?: ObserverFactory;
  /** Of weights: `lsq()`, `dorefa()`; left out, what the observer proposes with straight-through gradients. */
  weightQuantizer?: QuantizerFactory;
  /** Of activations: `lsq()`, `lsqPlus()`, `pact()`. */
  activationQuantizer?: QuantizerFactory;
  /** Default: float requantization; see docs/quantization.md. */
  numerics?: Numerics;
  bias?: 'int32' | 'float';
  /** Bits of single layers, by their names in the graph (as `printGraph` shows them). */
  layers?: Readonly<Record<ValueId, LayerBits>>;
  /** Quantize weights and nothing else. Default false. */
  weightOnly?: boolean;
  float?: readonly ValueId[];
}

function checkNumerics(numerics: Numerics): void {
  if (numerics.numerics === 'float') return;
  const { numerics: name, rounding } = numerics as { numerics: unknown; rounding: unknown };
  if (name !== 'fixed' || (rounding !== 'double' && rounding !== 'single'))
    throw new QuantizationError(
      `numerics: ${JSON.stringify(numerics)} is unknown; use { numerics: 'float' } or { numerics: 'fixed', rounding: 'double' } (or 'single')`,
    );
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What a target takes for an option: the value given, or its default. */
function choose(name: string, given: unknown, rule: Rule<unknown>, target: Target): unknown {
  if (given === undefined) return rule.takes[0];
  const chosen = rule.takes.find((value) => textOf(value) === textOf(given));
  if (chosen !== undefined) return chosen;
  const source = rule.source === null ? '' : ` (${rule.source.url})`;
  throw new QuantizationError(
    rule.takes.length === 1
      ? `${name}: target ${target.name} sets it to ${textOf(rule.takes[0])}${source}; leave it out`
      : `${name}: target ${target.name} takes ${rule.takes.map(textOf).join(' or ')}, not ${textOf(given)}${source}`,
  );
}

/** The options with those of the target filled in. */
function targeted(options: QConfigOptions): QConfigOptions {
  if (options.target === undefined) return options;
  const target = targetNamed(options.target);
  const { linearGranularity: linear } = target.quantization;
  const follows = options.granularity !== undefined && linear.takes.includes(options.granularity);
  const asked = {
    ...options,
    linearGranularity: options.linearGranularity ?? (follows ? options.granularity : undefined),
  };
  const chosen = Object.entries(target.quantization).map(
    ([name, rule]) =>
      [name, choose(name, asked[name as keyof QConfigOptions], rule as Rule<unknown>, target)] as const,
  );
  return { ...options, ...Object.fromEntries(chosen) };
}

function build(given: QConfigOptions, activationObserver: ObserverFactory): QConfig {
  const options = targeted(given);
  const { weightBits = 8, activationBits = 8, granularity = 'per-channel', signed = true } = options;
  const { linearGranularity = granularity, concat = 'free' } = options;
  for (const [name, value] of Object.entries({ granularity, linearGranularity }))
    if (value !== 'per-channel' && value !== 'per-tensor')
      throw new QuantizationError(`${name}: ${String(value)} is unknown; use 'per-channel' or 'per-tensor'`);
  if (concat !== 'equal' && concat !== 'free')
    throw new QuantizationError(`concat: ${String(concat)} is unknown; use 'equal' or 'free'`);
  const { bias = 'int32', numerics = { numerics: 'float' } } = options;
  if (bias !== 'int32' && bias !== 'float')
    throw new QuantizationError(`bias: ${String(bias)} is unknown; use 'int32' or 'float'`);
  checkNumerics(numerics);
  return {
    weights: {
      range: quantRange(weightBits, { narrow: true }),
      symmetric: true,
      granularity,
      linearGranularity,
      // constant 1: the range of the weights as they are now
      observer:
        options.weightObserver ??
        options.weightQuantizer?.observer ??
        movingAverageMinMax({ averagingConstant: 1 }),
      quantizer: options.weightQuantizer ?? null,
    },
    activations: {
      range: quantRange(activationBits, { signed }),
      symmetric: options.symmetricActivations ?? false,
      observer: options.activationObserver ?? options.activationQuantizer?.observer ?? activationObserver,
      quantizer: options.activationQuantizer ?? null,
    },
    bias,
    numerics,
    concat,
    layers: options.layers ?? {},
    weightOnly: options.weightOnly ?? false,
    float: options.float ?? [],
  };
}

/** For post-training quantization: activation ranges are the extremes of the calibration set. */
export function ptqConfig(options: QConfigOptions = {}): QConfig {
  return build(options, minMax());
}

/** For quantization-aware training: activation ranges follow the training as moving averages. */
export function qatConfig(options: QConfigOptions = {}): QConfig {
  return build(options, movingAverageMinMax({ averagingConstant: 0.01 }));
}

/** The config with other bits everywhere: signs stay, `layers` go. */
export function withBits(config: QConfig, { weightBits, activationBits }: Required<LayerBits>): QConfig {
  const signed = config.activations.range.quantMin < 0;
  return {
    ...config,
    weights: { ...config.weights, range: quantRange(weightBits, { narrow: true }) },
    activations: { ...config.activations, range: quantRange(activationBits, { signed }) },
    layers: {},
  };
}
