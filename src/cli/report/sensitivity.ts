/** What each tensor loses alone at few bits, as a section of the report and for a terminal. */
import type { Sensitivity } from '../../analysis/index.js';
import { escapeHtml, htmlTable, textTable, type Column } from './html.js';
import { formatCount, formatDecibel, formatPercent } from './numbers.js';

/** One tensor at all widths. */
interface Row extends Pick<Sensitivity, 'id' | 'kind' | 'elements'> {
  readonly at: ReadonlyMap<number, Sensitivity>;
}

const KINDS = ['weights', 'activations'] as const;

function rowsOf(found: readonly Sensitivity[], kind: Sensitivity['kind']): Row[] {
  const own = found.filter((s) => s.kind === kind);
  return [...new Set(own.map(({ id }) => id))].map((id) => {
    const all = own.filter((s) => s.id === id);
    return { id, kind, elements: all[0].elements, at: new Map(all.map((s) => [s.bits, s])) };
  });
}

/** A column for each width. */
function columnsOf(
  found: readonly Sensitivity[],
  first: string,
  cell: (s: Sensitivity) => string,
  heat?: (s: Sensitivity) => number,
): Column<Row>[] {
  const widths = [...new Set(found.map(({ bits }) => bits))].sort((a, b) => a - b);
  return [
    { title: first, cell: ({ id }) => id },
    { title: 'numbers', numeric: true, cell: ({ elements }) => formatCount(elements) },
    ...widths.map((bits) => ({
      title: `${bits} bits`,
      numeric: true,
      cell: ({ at }: Row) => cell(at.get(bits)!),
      ...(heat && { heat: ({ at }: Row) => heat(at.get(bits)!) }),
    })),
  ];
}

const decibel = ({ sqnr }: Sensitivity): string => formatDecibel(sqnr);

export function sensitivityLines(found: readonly Sensitivity[]): string[] {
  const tables = KINDS.map((kind) => textTable(columnsOf(found, `${kind} of`, decibel), rowsOf(found, kind)));
  return [
    'One tensor quantized, all others float: SQNR in dB of the outputs',
    ...tables[0],
    '',
    ...tables[1],
  ];
}

/** @param threshold dB below which cells are tinted
 * @param names whole ones, by those that were cut */
export function sensitivitySection(
  found: readonly Sensitivity[],
  threshold: number,
  names: ReadonlyMap<string, string>,
): string {
  const groups = KINDS.map((kind) => ({ title: kind, rows: rowsOf(found, kind) }));
  const table = (caption: string, columns: readonly Column<Row>[]): string =>
    htmlTable(
      caption,
      columns,
      groups.filter(({ rows }) => rows.length > 0),
      names,
    );
  const more = (title: string, caption: string, cell: (s: Sensitivity) => string): string =>
    `<details>\n<summary>${escapeHtml(title)}</summary>\n${table(caption, columnsOf(found, 'tensor', cell))}\n</details>`;
  const heat = ({ sqnr }: Sensitivity): number => Math.min(1, Math.max(0, 1 - sqnr / threshold));
  const { kl, accuracy } = found[0];
  return `<section>
<h2>Sensitivity</h2>
<p>One tensor at a time is quantized, all others are float. What is tinted at 8 bits hurts in any case; what is not tinted at 4 can
do with less.</p>
${table(`SQNR of the outputs in dB; tinted below the threshold of ${threshold} dB.`, columnsOf(found, 'tensor', decibel, heat))}
${accuracy === null ? '' : more('Accuracy', 'Images whose largest output is at the label.', (s) => formatPercent(s.accuracy!))}
${kl === null ? '' : more('Kullback-Leibler divergence', 'Of the softmax from that of the float network, mean, in nats.', (s) => s.kl!.toPrecision(2))}
</section>`;
}
