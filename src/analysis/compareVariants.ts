/** Any two variants of a network side by side, value by value. */
import { ArgumentError, type QParams } from '../core/index.js';
import type { ValueId } from '../graph/index.js';
import { tidy } from '../ops/index.js';
import type { GraphInputs } from '../quant/index.js';
import { matchValues, type Match } from './match.js';
import { Noise } from './noise.js';
import { inputsFor, openVariant, type Coded, type Variant, type VariantValue } from './variant.js';

/** One value in both. */
export interface ValueComparison {
  readonly a: ValueId;
  readonly b: ValueId;
  readonly op: VariantValue['op'];
  /** How the two were found to be one; see {@link compareVariants}. */
  readonly by: Match['by'];
  /** Compared, over all batches. */
  readonly elements: number;
  /** dB of the values of `a` over the difference; Infinity (null in JSON) where nothing differs. */
  readonly sqnr: number;
  readonly maxAbsError: number;
  /** In [-1, 1]; 1 where nothing differs. */
  readonly cosine: number;
  /** Share of codes that differ, in [0, 1], where both have the same grid; else null. */
  readonly codesDifferent: number | null;
}

export interface VariantComparison {
  /** Rows of the batches. */
  readonly images: number;
  /** In the order of `b`. */
  readonly values: readonly ValueComparison[];
  /** Values with no counterpart. */
  readonly unmatched: { readonly a: readonly ValueId[]; readonly b: readonly ValueId[] };
}

/**
 * Runs both variants on the same batches, in constant memory, and compares all values that they have in common.
 *
 * Values match by name where name and shape are the same. Of the rest, those match that have the same op and shape in the same
 * order (the longest such sequence); what is left over is listed as unmatched. Batch norm and clamps are part of their layer.
 *
 * @param batches by the names of `a`'s inputs; `b` gets them by name, or where its names differ in their order
 * @throws ArgumentError without batches, and for inputs that are missing; QuantizationError for a module without calibration
 */
export function compareVariants(a: Variant, b: Variant, batches: Iterable<GraphInputs>): VariantComparison {
  const [first, second] = [openVariant(a), openVariant(b)];
  const { matches, unmatched } = matchValues(first.values, second.values);
  const pairs = matches.map((match) => new Pair(match));
  let images = 0;
  try {
    for (const batch of batches)
      images += tidy(() => {
        const x = inputsFor(first, first.graph, batch);
        const [here, there] = [first.run(x), second.run(inputsFor(second, first.graph, batch))];
        for (const pair of pairs) pair.add(here, there);
        return [...x.values()][0].shape[0];
      });
  } finally {
    first.dispose();
    second.dispose();
  }
  if (images === 0)
    throw new ArgumentError('batches: there are none; give at least one batch of typical inputs');
  const ids = (values: readonly VariantValue[]): ValueId[] => values.map(({ id }) => id);
  return {
    images,
    values: pairs.map((pair) => pair.result()),
    unmatched: { a: ids(unmatched.a), b: ids(unmatched.b) },
  };
}

/** The steps between the codes of one type and those of another (int8, and uint8 with 128 added); null for other grids. */
function offsetOf(a: QParams | null, b: QParams | null): number | null {
  if (a === null || b === null) return null;
  const offset = b.zeroPoint[0] - a.zeroPoint[0];
  const same =
    a.scale.length === b.scale.length &&
    a.scale.every((s, c) => s === b.scale[c]) &&
    a.zeroPoint.every((z, c) => z + offset === b.zeroPoint[c]) &&
    a.quantMin + offset === b.quantMin &&
    a.quantMax + offset === b.quantMax;
  return same ? offset : null;
}

class Pair {
  readonly #match: Match;
  readonly #noise = new Noise();
  readonly #offset: number | null;
  #different = 0;

  constructor(match: Match) {
    this.#match = match;
    this.#offset = offsetOf(match.a.qparams, match.b.qparams);
  }

  add(here: (id: ValueId) => Coded, there: (id: ValueId) => Coded): void {
    const [x, y] = [here(this.#match.a.id), there(this.#match.b.id)];
    this.#noise.add(x.real.data, y.real.data);
    const offset = this.#offset;
    if (offset === null) return;
    const [codes, others] = [x.codes!.data, y.codes!.data];
    for (let i = 0; i < codes.length; i++) if (codes[i] + offset !== others[i]) this.#different++;
  }

  result(): ValueComparison {
    const { a, b, by } = this.#match;
    const { count, sqnr, maxAbsError, cosine } = this.#noise;
    return {
      a: a.id,
      b: b.id,
      op: b.op,
      by,
      elements: count,
      sqnr,
      maxAbsError,
      cosine,
      codesDifferent: this.#offset === null ? null : this.#different / count,
    };
  }
}
