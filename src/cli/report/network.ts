/** The report of one quantized network: where it loses, as a page and for a terminal. */
import { basename } from 'node:path';
import type {
  Attribution,
  LayerReport,
  Sensitivity,
  ValueReport,
  WeightReport,
} from '../../analysis/index.js';
import { counted } from '../text.js';
import {
  attributionHeadline,
  attributionLines,
  attributionSection,
  renamedAttribution,
} from './attribution.js';
import { escapeHtml, factList, filled, htmlDocument, htmlTable, textTable, type Column } from './html.js';
import { sqnrPlot, valueHistograms } from './networkPlots.js';
import { formatCount, formatDecibel, formatShare } from './numbers.js';
import { figures, MISSING } from './page.js';
import { sensitivityLines, sensitivitySection } from './sensitivity.js';
import { loadDraw, type Draw } from './svg.js';

/** Plain JSON. Results of further analyses are further fields, each with a section of the page and lines for a terminal. */
export interface NetworkReport {
  /** File of the model. */
  readonly model: string;
  /** File that it is measured against; null where the model is float itself, and was quantized for the report. */
  readonly float: string | null;
  /** How it was quantized, in words; empty where the file came so. */
  readonly quantization: string;
  readonly layers: LayerReport;
  readonly attribution?: Attribution;
  readonly sensitivity?: readonly Sensitivity[];
}

type Row = ValueReport & { readonly weight: WeightReport | null };
type LayerRow = ValueReport & { readonly weight: WeightReport };

const hasWeight = (value: ValueReport): value is LayerRow => value.weight !== null;

const number = (v: number): string => String(Number(v.toPrecision(3)));

/** Empty for 0. */
const share = (part: number): string => (part === 0 ? '' : formatShare(part));
/** Two significant digits: the first layers of 8 bits add little, and last layers are made of it. */
const noise = (part: number): string =>
  part !== 0 && Math.abs(part) < 1e-5 ? '< 0.001 %' : `${Number((100 * part).toPrecision(2))} %`;
const some = (n: number): string => (n === 0 ? '' : String(n));
const both = ({ low, high }: { low: number; high: number }): number => low + high;
const bits = (n: number | null): string => (n === null ? '> 16' : String(n));

const VALUE_COLUMNS: readonly Column<Row>[] = [
  { title: 'value', cell: (v) => v.id },
  { title: 'op', cell: (v) => v.op },
  { title: 'SQNR dB', numeric: true, cell: (v) => formatDecibel(v.sqnr) },
  { title: 'noise added', numeric: true, cell: (v) => (v.added === null ? '' : noise(v.added)) },
  { title: 'range', numeric: true, cell: ({ values: { min, max } }) => `${number(min)}..${number(max)}` },
  {
    title: 'clipped',
    numeric: true,
    cell: ({ values: { grid } }) => (grid ? share(both(grid.clipped)) : ''),
  },
  {
    title: 'saturated',
    numeric: true,
    cell: ({ values: { grid } }) => (grid ? share(both(grid.saturated)) : 'float'),
  },
  { title: 'dead', numeric: true, cell: (v) => some(v.values.channels.dead.length) },
  { title: 'lost', numeric: true, cell: (v) => some(v.values.channels.lost.length) },
  { title: 'spread', numeric: true, cell: (v) => number(v.values.channels.spread) },
  { title: 'codes', numeric: true, cell: ({ values: { grid } }) => (grid ? codesText(grid) : '') },
  { title: 'entropy', numeric: true, cell: ({ values: { grid } }) => (grid ? grid.entropy.toFixed(2) : '') },
  { title: 'bits', numeric: true, cell: (v) => bits(v.values.bitsNeeded) },
];

const WEIGHT_COLUMNS: readonly Column<LayerRow>[] = [
  { title: 'weights of', cell: (v) => v.id },
  { title: 'SQNR dB', numeric: true, cell: ({ weight }) => formatDecibel(weight.sqnr) },
  { title: 'range', numeric: true, cell: ({ weight: { min, max } }) => `${number(min)}..${number(max)}` },
  {
    title: 'clipped',
    numeric: true,
    cell: ({ weight: { grid } }) => (grid ? share(both(grid.clipped)) : ''),
  },
  { title: 'dead', numeric: true, cell: ({ weight }) => some(weight.channels.dead.length) },
  { title: 'lost', numeric: true, cell: ({ weight }) => some(weight.channels.lost.length) },
  { title: 'spread', numeric: true, cell: ({ weight }) => number(weight.channels.spread) },
  { title: 'codes', numeric: true, cell: ({ weight: { grid } }) => (grid ? codesText(grid) : 'float') },
  { title: 'entropy', numeric: true, cell: ({ weight: { grid } }) => (grid ? grid.entropy.toFixed(2) : '') },
  { title: 'bits', numeric: true, cell: ({ weight }) => bits(weight.bitsNeeded) },
];

function codesText({ codesUsed, codesAvailable }: { codesUsed: number; codesAvailable: number }): string {
  return `${codesUsed}/${codesAvailable}`;
}

/** By the noise that they add, most first; values that cannot be measured come last. */
function worstFirst<T extends ValueReport>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => (b.added ?? -Infinity) - (a.added ?? -Infinity));
}

/** Of tables and distributions: as the network runs, or most noise first. */
export type Order = 'network' | 'worst';

function inOrder<T extends ValueReport>(values: readonly T[], order: Order): readonly T[] {
  return order === 'worst' ? worstFirst(values) : values;
}

/** Nodes that are named in a headline. */
const NAMED = 3;

const listed = (names: readonly string[]): string =>
  names.length <= NAMED + 1
    ? names.join(', ')
    : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`;

/** What a reader wants to know first. */
function networkHeadlines({ layers: { values, images }, attribution }: NetworkReport): string[] {
  const read = new Set(values.flatMap(({ inputs }) => inputs));
  const measured = values.filter(({ sqnr }) => sqnr !== null);
  const outputs = measured.filter(({ id }) => !read.has(id));
  const noisy = worstFirst(measured).slice(0, NAMED);
  const worst = noisy.flatMap(({ id, sqnr, added }) =>
    added! > 0 ? [`${id} (${formatDecibel(sqnr)} dB after it)`] : [],
  );
  const lost = values.filter(
    ({ values: own, weight, moves }) =>
      !moves && own.channels.lost.length + (weight?.channels.lost.length ?? 0) > 0,
  );
  const unmatched = values.filter(({ float }) => float === null);
  const results = outputs.map(({ id, sqnr }) => `${id} ${formatDecibel(sqnr)} dB`);
  const name = ({ id }: ValueReport): string => id;
  return [
    ...(results.length === 0
      ? []
      : [`Against float, on ${counted(images, 'input')}: ${results.join(', ')}.`]),
    ...(unmatched.length === 0
      ? []
      : [`Not in the float network, and not measured: ${listed(unmatched.map(name))}.`]),
    ...(worst.length === 0 ? [] : [`Most noise is added by ${worst.join(', ')}.`]),
    ...(lost.length === 0 ? [] : [`Channels that live in float are one code in ${listed(lost.map(name))}.`]),
    ...(attribution ? [attributionHeadline(attribution)] : []),
  ];
}

/** Names longer than this are cut to their end. */
const LONG = 32;

/**
 * Names as in `a/b/c` that are long, as the fewest of their last parts that no other name ends with, after a sign that they were
 * cut; and the whole ones by these.
 */
function withShortNames(report: NetworkReport): {
  readonly report: NetworkReport;
  readonly names: ReadonlyMap<string, string>;
} {
  const { values } = report.layers;
  const ends = (id: string): string[] => id.split('/').map((_, k, parts) => parts.slice(-1 - k).join('/'));
  const uses = new Map<string, number>();
  for (const end of values.flatMap(({ id }) => ends(id))) uses.set(end, (uses.get(end) ?? 0) + 1);
  const short = (id: string): string => {
    const end = id.length <= LONG ? id : (ends(id).find((end) => uses.get(end) === 1) ?? id);
    return end === id ? id : `\u2026/${end}`;
  };
  const renamed = values.map((v) => ({ ...v, id: short(v.id), inputs: v.inputs.map(short) }));
  const cut = values.flatMap(({ id }): [string, string][] => (short(id) === id ? [] : [[short(id), id]]));
  return {
    names: new Map(cut),
    report: {
      ...report,
      layers: { ...report.layers, values: renamed },
      ...(report.attribution && { attribution: renamedAttribution(report.attribution, short) }),
      ...(report.sensitivity && { sensitivity: report.sensitivity.map((s) => ({ ...s, id: short(s.id) })) }),
    },
  };
}

/** Two tables, of values and of weights, and what further analyses found; long names by their ends. */
export function networkLines(full: NetworkReport, order: Order): string[] {
  const { report } = withShortNames(full);
  const rows = inOrder(report.layers.values, order);
  const layers = rows.filter(hasWeight);
  return [
    ...networkHeadlines(report),
    '',
    ...textTable(VALUE_COLUMNS, rows),
    ...(layers.length === 0 ? [] : ['', ...textTable(WEIGHT_COLUMNS, layers)]),
    ...(report.attribution ? ['', ...attributionLines(report.attribution)] : []),
    ...(report.sensitivity ? ['', ...sensitivityLines(report.sensitivity)] : []),
  ];
}

/** The page as text, self-contained. Without Vega installed it says so where the plots would be. */
export async function renderNetwork(
  full: NetworkReport,
  { order = 'network', draw }: { readonly order?: Order; readonly draw?: Draw | null } = {},
): Promise<string> {
  const { report, names } = withShortNames(full);
  const drawing = draw === undefined ? await loadDraw() : draw;
  const title = `Layer by layer: ${basename(report.model)}`;
  const sections = [
    await sqnrSection(report, drawing),
    tableSection(report, order, names),
    report.attribution ? await attributionSection(report.attribution, drawing, names) : '',
    report.sensitivity ? sensitivitySection(report.sensitivity, report.layers.threshold, names) : '',
    await histogramSection(report, order, drawing),
  ];
  return htmlDocument(
    title,
    `<header>
<h1>${escapeHtml(title)}</h1>
${networkHeadlines(report)
  .map((line) => `<p class="lead">${escapeHtml(line)}</p>`)
  .join('\n')}
${facts(report)}
${drawing === null ? MISSING : ''}
</header>
${sections.filter((s) => s !== '').join('\n')}`,
  );
}

function facts({ float, quantization, layers: { images, threshold, values } }: NetworkReport): string {
  return factList([
    ...(quantization === '' ? [] : [['Quantization', quantization] as const]),
    ...(float === null ? [] : [['Measured against', float] as const]),
    ['Inputs', formatCount(images)],
    ['Values', formatCount(values.length)],
    ['Layers', formatCount(values.filter(hasWeight).length)],
    ['Threshold', `${threshold} dB`],
  ]);
}

async function sqnrSection({ layers }: NetworkReport, draw: Draw | null): Promise<string> {
  if (draw === null) return '';
  const caption =
    'SQNR is 10 log10 of the power of the float values over that of the error; 6 dB are a bit. What is exact is not drawn.';
  return `<section>
<h2>Signal to noise</h2>
<p>A filled dot is the error of the whole network up to there. An empty one is what rounding to that grid costs by itself, a
diamond what rounding the weights costs. A value far below its own rounding suffers from what came before it.</p>
${await figures(draw, [{ plot: sqnrPlot(layers), caption }])}
</section>`;
}

const TERMS: readonly (readonly [string, string])[] = [
  [
    'noise added',
    'noise over signal here, less the largest of what is read; below 0 where noise averages out',
  ],
  ['clipped', 'float numbers whose nearest code lies beyond the grid'],
  ['saturated', 'codes at the ends of the grid; zeros after a ReLU do not count'],
  ['dead', 'channels that never change in float, weights that are all 0'],
  ['lost', 'channels that live in float and are one code, or weights of code 0, after quantization'],
  ['spread', 'the widest range of a channel over the narrowest: what one scale for all has to bridge'],
  ['codes', 'used and available, in all channels together'],
  ['entropy', 'of the codes, in bits'],
  ['bits', 'the fewest that give this tensor alone the threshold, with a min-max range'],
];

function tableSection(report: NetworkReport, order: Order, names: ReadonlyMap<string, string>): string {
  const values = inOrder(report.layers.values, order);
  const layers = values.filter(hasWeight);
  const table = <T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): string =>
    htmlTable(caption, filled(columns, rows), [{ rows }], names);
  const first = order === 'worst' ? 'most noise first' : 'in the order of the network';
  const caption = `Float against quantized, ${first}. A column without entries is left out.`;
  const weights =
    layers.length === 0
      ? ''
      : `<h2>Weights</h2>\n${table('With batch norm folded in, against the codes that are stored.', WEIGHT_COLUMNS, layers)}`;
  const terms = TERMS.map(([term, text]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(text)}</dd>`);
  return `<section>
<h2>Values</h2>
${table(caption, VALUE_COLUMNS, values)}
${weights}
<dl class="terms">
${terms.join('\n')}
</dl>
</section>`;
}

/** Nodes whose distributions are drawn: a page of hundreds helps nobody. */
const DRAWN = 24;

async function histogramSection({ layers }: NetworkReport, order: Order, draw: Draw | null): Promise<string> {
  if (draw === null) return '';
  const own = inOrder(layers.values, order).filter(({ moves, weight }) => !moves || weight !== null);
  const drawn = new Set(worstFirst(own).slice(0, DRAWN));
  const rows: string[] = [];
  for (const value of own.filter((v) => drawn.has(v))) {
    const plots = valueHistograms(value);
    if (plots.length > 0) rows.push(`<div class="pair">\n${await figures(draw, plots)}\n</div>`);
  }
  if (rows.length === 0) return '';
  const which = own.length > DRAWN ? ` Shown are the ${DRAWN} of ${own.length} that add most noise.` : '';
  return `<section>
<h2>Distributions and grids</h2>
<p>Numbers in float; each thin line is one that a code stands for. Shaded: beyond the grid. Counts are on a square root
scale, to show the tails. Values whose grid is that of what they read are left out.${which}</p>
${rows.join('\n')}
</section>`;
}
