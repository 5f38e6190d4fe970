/** Plain text in columns, for tables in a terminal, and values in messages. */

/**
 * Cells padded to the widest of their column, two spaces between; columns named in `right` are flush right. A row may be
 * shorter than others.
 */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const count = Math.max(0, ...rows.map((r) => r.length));
  const widths = Array.from({ length: count }, (_, c) => Math.max(...rows.map((r) => r[c]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, c) => (right.includes(c) ? cell.padStart(widths[c]) : cell.padEnd(widths[c])))
      .join('  ')
      .trimEnd(),
  );
}

/** What was given, for an error message: '4' is not 4, and NaN is not null. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return value.name;
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'undefined');
}
