/** Which value of one network is which of another. */
import type { VariantValue } from './variant.js';

export interface Match {
  readonly a: VariantValue;
  readonly b: VariantValue;
  /** 'name': both have it; 'order': names differ, op and shape agree, and so does the order. */
  readonly by: 'name' | 'order';
}

export interface Matching {
  /** In the order of `b`. */
  readonly matches: readonly Match[];
  readonly unmatched: { readonly a: readonly VariantValue[]; readonly b: readonly VariantValue[] };
}

/** Without the batch. */
const shapeOf = ({ shape }: VariantValue): string => shape.slice(1).join();

/**
 * Values of one name and shape first. Of the others, the longest sequence that has the same ops and shapes in the same order
 * in both (longest common subsequence).
 */
export function matchValues(a: readonly VariantValue[], b: readonly VariantValue[]): Matching {
  const named = new Map(a.map((value) => [value.id, value]));
  const byName = b.flatMap((value): Match[] => {
    const other = named.get(value.id);
    return other !== undefined && shapeOf(other) === shapeOf(value)
      ? [{ a: other, b: value, by: 'name' }]
      : [];
  });
  const taken = new Set(byName.flatMap((match) => [match.a, match.b]));
  const free = (values: readonly VariantValue[]): VariantValue[] => values.filter((v) => !taken.has(v));
  const byOrder = commonSequence(free(a), free(b)).map(([x, y]): Match => ({ a: x, b: y, by: 'order' }));
  for (const match of byOrder) taken.add(match.a).add(match.b);
  const order = new Map(b.map((value, i) => [value, i]));
  return {
    matches: [...byName, ...byOrder].sort((x, y) => order.get(x.b)! - order.get(y.b)!),
    unmatched: { a: free(a), b: free(b) },
  };
}

/** The longest common subsequence by op and shape (the table of Wagner and Fischer 1974). */
function commonSequence(
  a: readonly VariantValue[],
  b: readonly VariantValue[],
): [VariantValue, VariantValue][] {
  const alike = (x: VariantValue, y: VariantValue): boolean => x.op === y.op && shapeOf(x) === shapeOf(y);
  // length[i][j]: of the best sequence of a from i on and b from j on
  const length = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      length[i][j] = alike(a[i], b[j])
        ? length[i + 1][j + 1] + 1
        : Math.max(length[i + 1][j], length[i][j + 1]);
  const pairs: [VariantValue, VariantValue][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;)
    if (alike(a[i], b[j])) pairs.push([a[i++], b[j++]]);
    else if (length[i + 1][j] >= length[i][j + 1]) i++;
    else j++;
  return pairs;
}
