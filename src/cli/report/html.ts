/** Tables, and pieces of HTML. */
import { columns as textColumns } from '../text.js';
import { STYLE } from './style.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

export interface Column<T> {
  readonly title: string;
  /** Numbers are set flush right, in digits of one width. */
  readonly numeric?: boolean;
  readonly cell: (row: T) => string;
  /** How deep a cell is tinted, 0 to 1. */
  readonly heat?: (row: T) => number;
}

/** At most half of the colour, so that the text stays legible. */
function tint(heat: number): string {
  return heat === 0
    ? ''
    : ` style="background:color-mix(in srgb,var(--bad) ${(50 * heat).toFixed(0)}%,transparent)"`;
}

/** Without those that are empty in every row. */
export function filled<T>(table: readonly Column<T>[], rows: readonly T[]): Column<T>[] {
  return table.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
}

/** The same table for a terminal. */
export function textTable<T>(table: readonly Column<T>[], rows: readonly T[]): string[] {
  const shown = filled(table, rows);
  const right = shown.flatMap(({ numeric }, i) => (numeric === true ? [i] : []));
  const cells = rows.map((row) => shown.map(({ cell }) => cell(row)));
  return textColumns([shown.map(({ title }) => title), ...cells], right);
}

/**
 * A table of escaped cells. Rows come in groups; a group with a title gets a line of its own.
 *
 * @param full what a pointer shows over the cells with these texts: names that were cut
 */
export function htmlTable<T>(
  caption: string,
  columns: readonly Column<T>[],
  groups: readonly { readonly title?: string; readonly rows: readonly T[] }[],
  full: ReadonlyMap<string, string> = new Map(),
): string {
  const cellOf = (c: Column<T>, row: T): string => {
    const text = c.cell(row);
    const name = full.get(text);
    const title = name === undefined ? '' : ` title="${escapeHtml(name)}"`;
    return `<td${kind(c)}${tint(c.heat?.(row) ?? 0)}${title}>${escapeHtml(text)}</td>`;
  };
  const kind = (c: Column<T>): string => (c.numeric === true ? ' class="n"' : '');
  const head = columns.map((c) => `<th scope="col"${kind(c)}>${escapeHtml(c.title)}</th>`).join('');
  const body = groups.map(({ title, rows }) => {
    const lines = rows.map((row) => `<tr>${columns.map((c) => cellOf(c, row)).join('')}</tr>`);
    const first =
      title === undefined
        ? ''
        : `<tr class="group"><th scope="rowgroup" colspan="${columns.length}">${escapeHtml(title)}</th></tr>\n`;
    return `<tbody>\n${first}${lines.join('\n')}\n</tbody>`;
  });
  const dense = columns.length > 8 ? ' class="dense"' : '';
  return `<div class="scroll"><table${dense}><caption>${escapeHtml(caption)}</caption>
<thead><tr>${head}</tr></thead>
${body.join('\n')}
</table></div>`;
}

/** A page that loads nothing. @param main what the main element holds */
export function htmlDocument(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`;
}

/** Terms and their values, in a row of columns. */
export function factList(entries: readonly (readonly [string, string])[]): string {
  const items = entries.map(
    ([term, value]) =>
      `<div${value.length > 20 ? ' class="wide"' : ''}><dt>${escapeHtml(term)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl class="facts">\n${items.join('\n')}\n</dl>`;
}
