/** What the numbers of one tensor are like, and what its grid makes of them; gathered batch by batch in constant memory. */
import { bitsOf, type FloatNDArray, type NDArray, type QParams } from '../core/index.js';
import { dequantizeArray, quantizeArray } from '../ops/index.js';
import { channelLayout } from '../ops/quantize.js';
import { Distribution } from '../quant/observers/distribution.js';
import { batchRange } from '../quant/observers/range.js';
import { bitsForArray, bitsForDistribution, formOf } from './bitsNeeded.js';
import { CodeCounts, type CodeReport } from './codeCounts.js';
import { Noise } from './noise.js';

/** The grid that a histogram is drawn with. */
export interface HistogramGrid {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly quantMin: number;
  readonly quantMax: number;
}

export interface TensorHistogram {
  /** 'steps': where each channel has a scale of its own, values are divided by it, so that one grid serves all. */
  readonly unit: 'value' | 'steps';
  /** Borders of the bins, ascending; one more than counts. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly grid: HistogramGrid | null;
}

/** The grid and how well it fits. Shares are in [0, 1]; `low` is below the lowest code, `high` above the highest. */
export interface GridReport extends CodeReport {
  readonly bits: number;
  readonly granularity: 'per-tensor' | 'per-channel';
  /** Smallest and largest, where there is one for each channel. */
  readonly scale: readonly [number, number];
  readonly zeroPoint: readonly [number, number];
  readonly quantMin: number;
  readonly quantMax: number;
  /** What the lowest and the highest code stand for, in the widest channel. */
  readonly min: number;
  readonly max: number;
  /** dB of the float numbers when they are rounded to this grid, with nothing else lost. */
  readonly sqnr: number;
  /** Float numbers whose nearest code would lie beyond the grid. */
  readonly clipped: { readonly low: number; readonly high: number };
}

/** Channels are the last axis of values and the first of weights. */
export interface ChannelReport {
  readonly count: number;
  /** Always the same number; of weights, always 0. */
  readonly dead: readonly number[];
  /** Alive in float, but always the same code; of weights, always the code of 0. */
  readonly lost: readonly number[];
  /**
   * The widest range of a channel (with 0 in it; of weights the largest magnitude) over the narrowest that is not 0; 1 where all
   * are alike. With one scale for all, the narrowest channel is left with log2 of it fewer bits.
   */
  readonly spread: number;
}

export interface TensorReport {
  readonly elements: number;
  /** Of the float numbers. */
  readonly min: number;
  readonly max: number;
  /** By percent. Beyond 32,768 numbers right to a bin of at most 1 / 8191 of the range. */
  readonly percentiles: Readonly<Record<'0.1' | '1' | '50' | '99' | '99.9', number>>;
  readonly histogram: TensorHistogram;
  readonly channels: ChannelReport;
  /** The fewest bits, 2 to 16, that give this tensor alone the threshold of the report; null where none do. */
  readonly bitsNeeded: number | null;
  /** Null for what stays in float. */
  readonly grid: GridReport | null;
}

export interface TensorOptions {
  /** For error messages. */
  readonly name: string;
  readonly qparams: QParams | null;
  readonly kind: 'value' | 'weight';
  /** dB. */
  readonly threshold: number;
  readonly bins: number;
}

const PERCENTS = ['0.1', '1', '50', '99', '99.9'] as const;

/** Smallest and largest of what each channel has shown. */
class Extremes {
  min = new Float64Array(0);
  max = new Float64Array(0);

  add(min: ArrayLike<number>, max: ArrayLike<number>): void {
    if (this.min.length === 0) {
      this.min = Float64Array.from(min);
      this.max = Float64Array.from(max);
    }
    this.min.forEach((v, c) => (this.min[c] = Math.min(v, min[c])));
    this.max.forEach((v, c) => (this.max[c] = Math.max(v, max[c])));
  }
}

export class TensorStats {
  readonly #options: TensorOptions;
  readonly #values = new Distribution();
  /** In steps of the scale, where that differs between channels. */
  readonly #steps: Distribution | null;
  readonly #float = new Extremes();
  readonly #noise = new Noise();
  readonly #codes: CodeCounts | null;
  /** The last array, which of weights is the only one. */
  #array: FloatNDArray | null = null;
  #batches = 0;

  constructor(options: TensorOptions) {
    this.#options = options;
    const { qparams } = options;
    this.#steps = qparams === null || qparams.axis === null ? null : new Distribution();
    this.#codes = qparams === null ? null : new CodeCounts(qparams);
  }

  #axis(x: NDArray): number | null {
    return x.rank < 2 ? null : this.#options.kind === 'weight' ? 0 : x.rank - 1;
  }

  /**
   * @param float the numbers in float
   * @param codes of the quantized network; null where there are none
   * @throws QuantizationError for NaN and Infinity
   */
  add(float: NDArray, codes: NDArray | null): void {
    const { name, qparams } = this.#options;
    const x = float as FloatNDArray;
    const axis = this.#axis(x);
    const { min, max } = batchRange(x, axis, `${name}, batch ${++this.#batches}`);
    this.#float.add(min, max);
    this.#values.add(Float32Array.from(x.data), least(min), most(max));
    this.#array = x;
    if (qparams === null || codes === null) return;
    this.#noise.add(x.data, dequantizeArray(quantizeArray(x, qparams), qparams).data);
    this.#codes!.add(x, codes, axis);
    if (this.#steps !== null) {
      const steps = inSteps(x, qparams);
      this.#steps.add(steps, least(steps), most(steps));
    }
  }

  result(): TensorReport {
    const { kind, threshold, bins, qparams } = this.#options;
    const d = this.#values;
    const quantiles = d.quantiles(PERCENTS.map((p) => Number(p) / 100));
    const form = formOf(qparams);
    return {
      elements: d.count,
      min: d.min,
      max: d.max,
      percentiles: Object.fromEntries(
        PERCENTS.map((p, i) => [p, quantiles[i]]),
      ) as TensorReport['percentiles'],
      histogram: histogramOf(this.#steps ?? d, bins, qparams),
      channels: this.#channels(),
      bitsNeeded:
        kind === 'weight'
          ? bitsForArray(this.#array!, form, threshold)
          : bitsForDistribution(d, form, threshold),
      grid: qparams && { ...gridOf(qparams), ...this.#codes!.result(), sqnr: this.#noise.sqnr },
    };
  }

  #channels(): ChannelReport {
    const { kind } = this.#options;
    const { min, max } = this.#float;
    const count = min.length;
    const single = this.#values.count === count; // one number says nothing about what is constant
    const fixed = (low: ArrayLike<number>, high: ArrayLike<number>, c: number): boolean =>
      kind === 'weight' ? low[c] === 0 && high[c] === 0 : !single && low[c] === high[c];
    const all = Array.from(min, (_, c) => c);
    const dead = all.filter((c) => fixed(min, max, c));
    const codes = this.#codes;
    const lost = codes === null ? [] : all.filter((c) => !dead.includes(c) && fixed(codes.min, codes.max, c));
    const reach = kind === 'weight' ? Math.max : (high: number, low: number) => high + low;
    const widths = all.map((c) => reach(Math.max(max[c], 0), Math.max(-min[c], 0))).filter((w) => w > 0);
    return { count, dead, lost, spread: widths.length === 0 ? 1 : most(widths) / least(widths) };
  }
}

const least = (values: ArrayLike<number>): number => {
  let low = Infinity;
  for (let i = 0; i < values.length; i++) low = Math.min(low, values[i]);
  return low;
};
const most = (values: ArrayLike<number>): number => {
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) high = Math.max(high, values[i]);
  return high;
};

/** Each value as a multiple of the scale of its channel. */
function inSteps({ data, shape }: FloatNDArray, { scale, axis }: QParams): Float32Array {
  const { channels, inner } = channelLayout(shape, axis);
  return Float32Array.from(data, (v, i) => v / scale[Math.floor(i / inner) % channels]);
}

/** The histogram of one tensor by itself. Throws QuantizationError for NaN and Infinity. */
export function tensorHistogram(x: FloatNDArray, qparams: QParams, bins = 80): TensorHistogram {
  batchRange(x, null, 'x');
  const values = qparams.axis === null ? Float32Array.from(x.data) : inSteps(x, qparams);
  const d = new Distribution();
  d.add(values, least(values), most(values));
  return histogramOf(d, bins, qparams);
}

function histogramOf(d: Distribution, bins: number, qparams: QParams | null): TensorHistogram {
  // a range of zero width is widened, so that its bin has one
  const room = d.min === d.max ? Math.abs(d.min) / 2 || 0.5 : 0;
  const [low, high] = [d.min - room, d.max + room];
  const { quantMin = 0, quantMax = 0, zeroPoint, scale } = qparams ?? {};
  const perChannel = qparams !== null && qparams.axis !== null;
  return {
    unit: perChannel ? 'steps' : 'value',
    edges: Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins),
    counts: Array.from(d.histogram(bins, low, high)),
    grid: qparams && { scale: perChannel ? 1 : scale![0], zeroPoint: zeroPoint![0], quantMin, quantMax },
  };
}

function gridOf(qparams: QParams): Omit<GridReport, keyof CodeReport | 'sqnr'> {
  const { scale, zeroPoint, quantMin, quantMax, axis } = qparams;
  const reach = (code: number): number[] => Array.from(scale, (s, c) => (code - zeroPoint[c]) * s);
  return {
    bits: bitsOf(qparams),
    granularity: axis === null ? 'per-tensor' : 'per-channel',
    scale: [least(scale), most(scale)],
    zeroPoint: [least(zeroPoint), most(zeroPoint)],
    quantMin,
    quantMax,
    min: least(reach(quantMin)),
    max: most(reach(quantMax)),
  };
}
