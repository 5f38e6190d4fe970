/** Pieces of HTML. */
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
}

/** A table of escaped cells. Rows come in groups; a group with a title gets a line of its own. */
export function htmlTable<T>(
  caption: string,
  columns: readonly Column<T>[],
  groups: readonly { readonly title?: string; readonly rows: readonly T[] }[],
): string {
  const kind = (c: Column<T>): string => (c.numeric === true ? ' class="n"' : '');
  const head = columns.map((c) => `<th scope="col"${kind(c)}>${escapeHtml(c.title)}</th>`).join('');
  const body = groups.map(({ title, rows }) => {
    const lines = rows.map(
      (r) => `<tr>${columns.map((c) => `<td${kind(c)}>${escapeHtml(c.cell(r))}</td>`).join('')}</tr>`,
    );
    const first =
      title === undefined
        ? ''
        : `<tr class="group"><th scope="rowgroup" colspan="${columns.length}">${escapeHtml(title)}</th></tr>\n`;
    return `<tbody>\n${first}${lines.join('\n')}\n</tbody>`;
  });
  const dense = columns.length > 9 ? ' class="dense"' : '';
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
