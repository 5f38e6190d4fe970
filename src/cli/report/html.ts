/** Pieces of HTML. */

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
  return `<div class="scroll"><table><caption>${escapeHtml(caption)}</caption>
<thead><tr>${head}</tr></thead>
${body.join('\n')}
</table></div>`;
}
