/** Where the error of each layer comes from and what helps, as a section of the report and for a terminal. */
import {
  attributionText,
  SOURCES,
  type Attribution,
  type Fix,
  type LayerAttribution,
} from '../../analysis/index.js';
import { counted } from '../text.js';
import { filled, htmlTable, type Column } from './html.js';
import { sourcesPlot } from './networkPlots.js';
import { formatDecibel } from './numbers.js';
import { figures } from './page.js';
import type { Draw } from './svg.js';

/** With other names of values. */
export function renamedAttribution(
  { layers, network, best, ...rest }: Attribution,
  name: (id: string) => string,
): Attribution {
  const fix = (f: Fix): Fix => ({ ...f, layer: f.layer === null ? null : name(f.layer) });
  const named = layers.map((layer) => ({
    ...layer,
    id: name(layer.id),
    fixes: layer.fixes.map(fix),
    best: layer.best && fix(layer.best),
  }));
  return { ...rest, layers: named, network: network.map(fix), best: best && fix(best) };
}

/** Always with a sign, but for 0.0. */
function signed(db: number): string {
  const text = Math.abs(db).toFixed(1);
  return `${Number(text) === 0 ? '' : db < 0 ? '\u2212' : '+'}${text} dB`;
}

/** The best of all fixes that were measured. */
export function attributionHeadline({ layers, network, best, sqnr }: Attribution): string {
  const tried = network.length + layers.reduce((sum, { fixes }) => sum + fixes.length, 0);
  const measured = `Of ${counted(tried, 'fix', 'fixes')} measured`;
  if (best === null) return `${measured}, none helps.`;
  const where = best.layer === null ? 'the whole network' : best.layer;
  const [before, after] = [sqnr, best.sqnr].map(formatDecibel);
  return `${measured}, the best is ${best.name}, for ${where}: ${signed(best.gain)} (${before} to ${after} dB).`;
}

export function attributionLines(attribution: Attribution): string[] {
  return ['Sources of the error, and fixes', ...attributionText(attribution).split('\n')];
}

/** Empty for what rounds to 0 %. */
function share(part: number | undefined, total: number): string {
  const text = ((100 * (part ?? 0)) / (total || 1)).toFixed(0);
  return Number(text) === 0 ? '' : `${text} %`;
}

const LAYER_COLUMNS: readonly Column<LayerAttribution>[] = [
  { title: 'value', cell: ({ id }) => id },
  { title: 'dB alone', numeric: true, cell: ({ sqnr }) => formatDecibel(sqnr) },
  { title: 'dB in network', numeric: true, cell: ({ networkSqnr }) => formatDecibel(networkSqnr) },
  { title: 'best fix', cell: ({ best }) => best?.name ?? '' },
  { title: 'gain', numeric: true, cell: ({ best }) => (best === null ? '' : signed(best.gain)) },
  ...SOURCES.map((source) => ({
    title: source,
    numeric: true,
    cell: ({ sources, total }: LayerAttribution) => share(sources[source], total),
  })),
  { title: 'remainder', numeric: true, cell: ({ remainder, total }) => share(remainder, total) },
];

const FIX_COLUMNS: readonly Column<Fix>[] = [
  { title: 'method', cell: ({ name }) => name },
  { title: 'dB of the outputs', numeric: true, cell: ({ sqnr }) => formatDecibel(sqnr) },
  { title: 'gain', numeric: true, cell: ({ gain }) => signed(gain) },
];

/** @param names whole ones, by those that were cut */
export async function attributionSection(
  { layers, network }: Attribution,
  draw: Draw | null,
  names: ReadonlyMap<string, string>,
): Promise<string> {
  const caption =
    'Shares of the sources, each turned on alone; what they leave of the error of all together is the remainder.';
  const plots = draw === null ? '' : await figures(draw, [{ plot: sourcesPlot(layers), caption }]);
  const table = htmlTable(
    'Percent are of the energy of the error. A fix is applied to this value alone; its gain is measured at the outputs.',
    filled(LAYER_COLUMNS, layers),
    [{ rows: layers }],
    names,
  );
  const whole =
    network.length === 0
      ? ''
      : `<h3>On the whole network</h3>\n${htmlTable('Methods that change several layers.', FIX_COLUMNS, [{ rows: network }])}`;
  return `<section>
<h2>Sources and fixes</h2>
<p>What each value loses by itself, read from the float network. Ranges and methods of the fixes were made on the inputs that they
are measured on: tenths of a dB may be chance. Fixes do not add up.</p>
${plots}
${table}
${whole}
</section>`;
}
