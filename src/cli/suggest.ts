/** The nearest of several words, for "did you mean". */

/** Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`: optimal string alignment. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...new Array<number>(b.length).fill(0)]);
  rows[0] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const replace = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replace, rows[i - 1][j] + 1, rows[i][j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2][j - 2] + 1);
      rows[i][j] = best;
    }
  return rows[a.length][b.length];
}

/** The word that `given` was most likely meant to be; null where none is close. */
export function nearest(given: string, words: readonly string[]): string | null {
  const ranked = words
    .map((word) => ({ word, cost: given.length > 1 && word.startsWith(given) ? 1 : distance(given, word) }))
    .sort((a, b) => a.cost - b.cost);
  const best = ranked[0];
  return best !== undefined && best.cost <= Math.max(1, Math.floor(given.length / 3)) ? best.word : null;
}

/** `; did you mean X?`, or nothing. */
export function didYouMean(given: string, words: readonly string[], prefix = ''): string {
  const word = nearest(given, words);
  return word === null ? '' : `; did you mean ${prefix}${word}?`;
}
