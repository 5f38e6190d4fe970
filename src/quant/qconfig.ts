/** What to quantize how: the one object that prepare() reads. */
import { QuantizationError, quantRange, type QRange } from '../core/index.js';
import { shown } from '../core/text.js';
import type { Numerics, ValueId } from '../graph/index.js';
import {
  targetNamed,
  type QuantizationRules,
  type Rule,
  type Target,
  type TargetName,
} from '../targets/index.js';
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

/** Options with a list of what they take. */
type Choice = Exclude<keyof QuantizationRules | 'weightOnly', 'weightBits' | 'activationBits'>;
type Other = Exclude<keyof QConfigOptions, Choice>;
type Chosen = Required<Pick<QConfigOptions, Choice>> & Pick<QConfigOptions, Other>;

const rule = (...takes: [unknown, ...unknown[]]): Rule<unknown> => ({ takes, source: null });
export const GRANULARITY = rule('per-channel', 'per-tensor');
const OFF = rule(false, true);
const FACTORY = 'factory';
const OTHER = null;

/** What options take where no target says less. */
const RULES: Readonly<Record<Choice, Rule<unknown>> & Record<Other, typeof FACTORY | typeof OTHER>> = {
  target: OTHER,
  weightBits: OTHER,
  activationBits: OTHER,
  granularity: GRANULARITY,
  linearGranularity: GRANULARITY,
  concat: rule('free', 'equal'),
  signed: rule(true, false),
  symmetricActivations: OFF,
  weightObserver: FACTORY,
  activationObserver: FACTORY,
  weightQuantizer: FACTORY,
  activationQuantizer: FACTORY,
  numerics: rule(
    { numerics: 'float' },
    { numerics: 'fixed', rounding: 'double' },
    { numerics: 'fixed', rounding: 'single' },
  ),
  bias: rule('int32', 'float'),
  layers: OTHER,
  weightOnly: OFF,
  float: OTHER,
};

/** Text that is equal where choices are, whatever the order of their keys. */
const textOf = (value: unknown): string | undefined => JSON.stringify(value, ['numerics', 'rounding']);

/** What is taken for an option: the value given, or the default. */
export function choose(
  name: string,
  given: unknown,
  { takes, source }: Rule<unknown>,
  target?: Target,
): unknown {
  if (given === undefined) return takes[0];
  const chosen = takes.find((value) => textOf(value) === textOf(given));
  if (chosen !== undefined) return chosen;
  const who = target === undefined ? '' : `target ${target.name} `;
  const where = source === null ? '' : ` (${source.url})`;
  throw new QuantizationError(
    takes.length === 1
      ? `${name}: ${who}sets it to ${shown(takes[0])}${where}; leave it out`
      : `${name}: ${who}takes ${takes.map(shown).join(' or ')}, not ${shown(given)}${where}`,
  );
}

/** The factory given for an option. One that makes a function was to be called first: `lsq` in place of `lsq()`. */
function factory(name: string, given: unknown): unknown {
  const check = (value: unknown, type: string): unknown => {
    if (typeof value === type) return value;
    throw new QuantizationError(
      `${name}: ${shown(given)} is no factory; call one, such as minMax() or lsq()`,
    );
  };
  if (given === undefined) return given;
  const make = check(given, 'function') as (spec: unknown) => unknown;
  return Object.assign((spec: unknown) => check(make(spec), 'object'), given);
}

/** The options with defaults filled in, those of the target first. */
function complete(options: QConfigOptions): Chosen {
  const unknown = Object.keys(options).find((name) => !(name in RULES));
  if (unknown !== undefined)
    throw new QuantizationError(`${unknown} is no option; there are ${Object.keys(RULES).join(', ')}`);
  const target = options.target === undefined ? undefined : targetNamed(options.target);
  const rules = { ...RULES, ...target?.quantization };
  const follows = rules.linearGranularity.takes.find((value) => value === options.granularity);
  const asked = { ...options, linearGranularity: options.linearGranularity ?? follows };
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]: [string, Rule<unknown> | typeof FACTORY | typeof OTHER]) => {
      const given: unknown = asked[name as keyof QConfigOptions];
      if (rule === OTHER) return [name, given];
      return [name, rule === FACTORY ? factory(name, given) : choose(name, given, rule, target)];
    }),
  ) as Chosen;
}

function build(given: QConfigOptions, activationObserver: ObserverFactory): QConfig {
  const options = complete(given);
  const { weightBits = 8, activationBits = 8, weightQuantizer, activationQuantizer, signed } = options;
  return {
    weights: {
      range: quantRange(weightBits, { narrow: true, name: 'weightBits' }),
      symmetric: true,
      granularity: options.granularity,
      linearGranularity: options.linearGranularity,
      // constant 1: the range of the weights as they are now
      observer:
        options.weightObserver ?? weightQuantizer?.observer ?? movingAverageMinMax({ averagingConstant: 1 }),
      quantizer: weightQuantizer ?? null,
    },
    activations: {
      range: quantRange(activationBits, { signed, name: 'activationBits' }),
      symmetric: options.symmetricActivations,
      observer: options.activationObserver ?? activationQuantizer?.observer ?? activationObserver,
      quantizer: activationQuantizer ?? null,
    },
    bias: options.bias,
    numerics: options.numerics,
    concat: options.concat,
    layers: options.layers ?? {},
    weightOnly: options.weightOnly,
    float: options.float ?? [],
  };
}

/**
 * For post-training quantization: activation ranges are the extremes of the calibration set.
 *
 * @throws QuantizationError for unknown options and values
 */
export function ptqConfig(options: QConfigOptions = {}): QConfig {
  return build(options, minMax());
}

/**
 * For quantization-aware training: activation ranges follow the training as moving averages.
 *
 * @throws QuantizationError for unknown options and values
 */
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
