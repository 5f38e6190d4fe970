/** What quantization does to every value and weight of a network, measured on data. */
import { checkWhole } from '../core/checks.js';
import { ArgumentError, QuantizationError, sameQParams, type NDArray, type Shape } from '../core/index.js';
import type { ValueId } from '../graph/index.js';
import { tidy } from '../ops/index.js';
import { QuantizedModule, type GraphInputs } from '../quant/index.js';
import { matchValues } from './match.js';
import { Noise } from './noise.js';
import { TensorStats, type TensorReport } from './tensorReport.js';
import { floatOf, inputsFor, openVariant, type Network, type Variant, type VariantValue } from './variant.js';

export interface LayerReportOptions {
  /** The network to measure against. Default: what a module quantizes; an integer graph needs it. */
  readonly float?: Variant;
  /** dB that a tensor is to have where bits are proposed. Default 30. */
  readonly threshold?: number;
  /** Of the histograms. Default 80. */
  readonly bins?: number;
}

export interface WeightReport extends TensorReport {
  readonly id: string;
  /** dB of the weights used over the difference to those of the float network; see {@link ValueReport.sqnr}. */
  readonly sqnr: number | null;
}

export interface ValueReport {
  readonly id: ValueId;
  readonly op: VariantValue['op'];
  /** With a batch of 1. */
  readonly shape: Shape;
  readonly inputs: readonly ValueId[];
  /** Its name in the float network; null where that has none. Then `values` are those of the quantized network. */
  readonly float: ValueId | null;
  /**
   * dB of the float network's value over the error that quantization has made up to here: Infinity where nothing is lost (null in
   * JSON), null without a float value.
   */
  readonly sqnr: number | null;
  /**
   * The noise that this node adds, as a share of the signal's power: 10^(-sqnr / 10) less the largest of what it reads (where
   * that has no float value, of what that reads). Below 0 where it sheds noise.
   */
  readonly added: number | null;
  /** Its codes are those of a value that it reads, moved: the grid is the same. */
  readonly moves: boolean;
  readonly values: TensorReport;
  /** Null for what is no layer. Batch norm is folded in. */
  readonly weight: WeightReport | null;
}

/** Plain JSON. */
export interface LayerReport {
  /** Rows of the batches. */
  readonly images: number;
  /** dB. */
  readonly threshold: number;
  /** Inputs, then nodes, in the order of the network. */
  readonly values: readonly ValueReport[];
}

/**
 * Runs a quantized network and its float one over batches, in constant memory.
 *
 * @param quantized a calibrated module, an integer graph, or what `openModel` read
 * @throws ArgumentError without batches or without a float network, QuantizationError for a module without calibration, and for NaN
 */
export function layerReport(
  quantized: Variant,
  batches: Iterable<GraphInputs>,
  options: LayerReportOptions = {},
): LayerReport {
  const { threshold = 30, bins = 80 } = options;
  checkWhole('bins', bins);
  const network = openVariant(quantized);
  if (
    network.values.every(
      ({ qparams, weight }) => qparams === null && (weight === null || weight.qparams === null),
    )
  )
    throw new QuantizationError('quantized: nothing in this network is quantized; quantize it first');
  const reference = referenceOf(quantized, options.float);
  const { matches } = matchValues(reference.values, network.values);
  const partner = new Map(matches.map(({ a, b }) => [b.id, a]));
  const watched = network.values.map(
    (value) => new WatchedValue(value, partner.get(value.id) ?? null, { threshold, bins }),
  );
  let images = 0;
  try {
    for (const batch of batches)
      images += tidy(() => {
        const x = inputsFor(network, reference.graph, batch);
        const real = reference.run(inputsFor(reference, reference.graph, batch));
        const run = network.run(x);
        for (const value of watched) value.add(run, real);
        return [...x.values()][0].shape[0];
      });
  } finally {
    reference.dispose();
    network.dispose();
  }
  if (images === 0)
    throw new ArgumentError('batches: there are none; give at least one batch of typical inputs');
  return {
    images,
    threshold,
    values: withSources(
      watched.map((value) => value.result()),
      network,
    ),
  };
}

function referenceOf(quantized: Variant, float: Variant | undefined): Network {
  if (float !== undefined) return openVariant(float);
  if (quantized instanceof QuantizedModule) return floatOf(quantized);
  throw new ArgumentError('float: an integer graph does not know its float network; give it');
}

type Unranked = Omit<ValueReport, 'added' | 'moves'>;

class WatchedValue {
  readonly #value: VariantValue;
  readonly #float: VariantValue | null;
  readonly #noise = new Noise();
  readonly #stats: TensorStats;
  readonly #weight: WeightReport | null;

  constructor(
    value: VariantValue,
    float: VariantValue | null,
    options: Pick<Required<LayerReportOptions>, 'threshold' | 'bins'>,
  ) {
    const { id, qparams } = value;
    this.#value = value;
    this.#float = float;
    this.#stats = new TensorStats({ ...options, name: id, qparams, kind: 'value' });
    this.#weight = weightReport(value.weight, float?.weight ?? null, options);
  }

  add(run: ReturnType<Network['run']>, float: ReturnType<Network['run']>): void {
    const { real, codes } = run(this.#value.id);
    const want = this.#float === null ? real : float(this.#float.id).real;
    this.#noise.add(want.data, real.data);
    this.#stats.add(want, codes);
  }

  result(): Unranked {
    const { id, op, shape, inputs } = this.#value;
    const float = this.#float?.id ?? null;
    const sqnr = float === null ? null : this.#noise.sqnr;
    return { id, op, shape, inputs, float, sqnr, values: this.#stats.result(), weight: this.#weight };
  }
}

function weightReport(
  weight: VariantValue['weight'],
  float: VariantValue['weight'],
  options: Pick<Required<LayerReportOptions>, 'threshold' | 'bins'>,
): WeightReport | null {
  if (weight === null) return null;
  const { id, real, codes, qparams } = weight;
  const known = float !== null && float.real.shape.join() === real.shape.join();
  const want: NDArray = known ? float.real : real;
  const stats = new TensorStats({ ...options, name: id, qparams, kind: 'weight' });
  stats.add(want, codes);
  return { id, ...stats.result(), sqnr: known ? new Noise().add(want.data, real.data).sqnr : null };
}

function withSources(values: readonly Unranked[], { values: sources }: Network): ValueReport[] {
  const grids = new Map(sources.map(({ id, qparams }) => [id, qparams]));
  const ratios = new Map<ValueId, number>();
  return values.map((value) => {
    const { id, inputs, sqnr, weight } = value;
    const before = Math.max(0, ...inputs.map((input) => ratios.get(input) ?? 0));
    const ratio = sqnr === null ? before : 10 ** (-sqnr / 10);
    ratios.set(id, ratio);
    const own = grids.get(id) ?? null;
    const sameGrid = inputs.some((input) => {
      const other = grids.get(input) ?? null;
      return own !== null && other !== null && sameQParams(own, other);
    });
    const added = sqnr === null ? null : ratio === before ? 0 : ratio - before;
    return { ...value, added, moves: sameGrid && weight === null };
  });
}
