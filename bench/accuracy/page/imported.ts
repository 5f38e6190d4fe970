/** The table of imported networks. */
import { bitsName, W4A8, W8A8 } from '../types.js';
import { GRANULARITIES, importedVariant, METHOD_NAMES } from '../suites/imported.js';
import type { Row } from '../results.js';
import { table } from './format.js';

const SQNR = 'SQNR ';

/** `22.4 / 10.3 dB, boxes 7 of 7, 1 new`: the outputs in the order of the network. */
function cell(row: Row | undefined): string {
  if (row === undefined) return '';
  const { figures } = row;
  const ratios = Object.entries(figures).filter(([name]) => name.startsWith(SQNR));
  const dB = `${ratios.map(([, value]) => value.toFixed(1)).join(' / ')} dB`;
  if (figures.boxes === undefined) return dB;
  const added = figures.found - figures.kept;
  return `${dB}, **${figures.kept}/${figures.boxes}** boxes${added > 0 ? `, ${added} new` : ''}`;
}

export function importedTables(rows: readonly Row[]): string {
  const mine = rows.filter(({ suite }) => suite === 'imported');
  const names = [...new Set(mine.map(({ network }) => network))];
  return names
    .map((network) => {
      const lines = GRANULARITIES.flatMap((granularity) =>
        METHOD_NAMES.map((method) => {
          const variant = importedVariant(granularity, method);
          const at = (bits: string): Row | undefined =>
            mine.find(
              (row) => row.network === network && row.variant === variant && bitsName(row.bits) === bits,
            );
          return [variant, cell(at(bitsName(W8A8))), cell(at(bitsName(W4A8)))];
        }),
      );
      const outputs = Object.keys(mine.find((row) => row.network === network)!.figures)
        .filter((name) => name.startsWith(SQNR))
        .map((name) => `\`${name.slice(SQNR.length)}\``);
      return `### ${network}\n\nOutputs: ${outputs.join(', ')}.\n\n${table(['', bitsName(W8A8), bitsName(W4A8)], lines, 3)}`;
    })
    .join('\n\n');
}
