/** An attribution as tables. */
import { columns } from '../../core/text.js';
import { SOURCES } from './sources.js';
import type { Attribution, Fix } from './types.js';

const dB = (v: number): string => (Number.isFinite(v) ? v.toFixed(1) : v > 0 ? 'exact' : 'lost');
const gain = ({ gain: v }: Fix): string => `${v >= 0 ? '+' : ''}${v.toFixed(1)} dB`;
const named = (fix: Fix | null): string => (fix === null ? 'none' : `${fix.name}, ${gain(fix)}`);

/** One row a layer: dB alone and in the network, percent of the error's energy by source, and the fix that helps most. */
export function attributionText({ sqnr, layers, network, best }: Attribution): string {
  const present = SOURCES.filter((source) => layers.some(({ sources }) => (sources[source] ?? 0) > 0));
  const share = (part: number | undefined, total: number): string =>
    part === undefined || total === 0 ? '' : `${((100 * part) / total).toFixed(0)} %`;
  const head = ['', 'dB alone', 'in network', ...present, 'remainder', 'best fix'];
  const rows = layers.map((l) => [
    l.id,
    dB(l.sqnr),
    dB(l.networkSqnr),
    ...present.map((source) => share(l.sources[source], l.total)),
    share(l.remainder, l.total),
    named(l.best),
  ]);
  const right = head.map((_, i) => i).slice(1, -1);
  const where = best === null || best.layer === null ? '' : ` of ${best.layer}`;
  return [
    `outputs: ${dB(sqnr)} dB`,
    '',
    ...columns([head, ...rows], right),
    '',
    ...network.map((fix) => `${fix.name}: ${gain(fix)}`),
    `best${where}: ${named(best)}`,
  ].join('\n');
}
