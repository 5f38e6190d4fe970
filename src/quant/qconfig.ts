/** What to quantize how: the one object that prepare() reads. */
import { QuantizationError, quantRange, type QRange } from '../core/index.js';
import type { Numerics, ValueId } from '../graph/index.js';
import { minMax, movingAverageMinMax, type ObserverFactory } from './observers/index.js';

export type Granularity = 'per-tensor' | 'per-channel';

export interface TensorConfig {
  readonly range: QRange;
  readonly symmetric: boolean;
  readonly observer: ObserverFactory;
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
  /** Values that are left in float. A module with such values cannot be converted. */
  readonly float: readonly ValueId[];
}

/**
 * Bits that kernels are faster with. 'w8a7': weights of 8 bits, unsigned activations of 7, for the 8-bit products of
 * relaxed SIMD (Node 22, current browsers); other engines compute the same codes at their usual speed.
 */
export type QuantizationTarget = 'w8a7';

const TARGETS: Readonly<
  Record<QuantizationTarget, { weightBits: number; activationBits: number; signed: boolean }>
> = { w8a7: { weightBits: 8, activationBits: 7, signed: false } };

export interface QConfigOptions {
  /** Sets `weightBits`, `activationBits` and `signed`, which are then left out. */
  target?: QuantizationTarget;
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
   * sigmoid keep theirs. Default false.
   */
  symmetricActivations?: boolean;
  weightObserver?: ObserverFactory;
  activationObserver?: ObserverFactory;
  /** Default: float requantization; see docs/quantization.md. */
  numerics?: Numerics;
  bias?: 'int32' | 'float';
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

/** The options with those of the target filled in. */
function targeted(options: QConfigOptions): QConfigOptions {
  const { target } = options;
  if (target === undefined) return options;
  if (!Object.hasOwn(TARGETS, target))
    throw new QuantizationError(
      `target: ${String(target)} is unknown; use ${Object.keys(TARGETS).join(' or ')}, or give the bits`,
    );
  for (const [name, value] of Object.entries(TARGETS[target])) {
    const given = options[name as keyof QConfigOptions];
    if (given !== undefined && given !== value)
      throw new QuantizationError(`${name}: target ${target} sets it to ${value}; leave it out`);
  }
  return { ...options, ...TARGETS[target] };
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
      observer: options.weightObserver ?? movingAverageMinMax({ averagingConstant: 1 }),
    },
    activations: {
      range: quantRange(activationBits, { signed }),
      symmetric: options.symmetricActivations ?? false,
      observer: options.activationObserver ?? activationObserver,
    },
    bias,
    numerics,
    concat,
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
