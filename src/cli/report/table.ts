/** The report for a terminal. */
import {
  formatBits,
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  groupByModel,
  isFloatVariant,
} from './numbers.js';
import { verdict } from './summary.js';
import type { Report } from './types.js';

/** Text columns flush left, the others flush right; two spaces between. */
export function align(rows: readonly (readonly string[])[], textColumns: number): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((r) => r[c].length)));
  return rows.map((r) =>
    r
      .map((cell, c) => (c < textColumns ? cell.padEnd(widths[c]) : cell.padStart(widths[c])))
      .join('  ')
      .trimEnd(),
  );
}

/** Accuracy, size and time of every variant, and the outcome of the exactness check. Ends without a line break. */
export function formatTable(report: Report): string {
  const rows = groupByModel(report.variants).flatMap(({ float, variants }) =>
    variants.map((v) => [
      v.model,
      v.name,
      formatBits(v),
      v.granularity,
      v.method,
      formatPercent(v.top1),
      float === null || isFloatVariant(v) ? '' : formatPoints(v.top1 - float.top1),
      formatBytes(v.bytes),
      formatMilliseconds(v.ms_per_image),
    ]),
  );
  const head = [
    'model',
    'variant',
    'bits w/a',
    'granularity',
    'method',
    'top-1',
    'vs float',
    'size',
    'ms/image',
  ];
  const exact = report.exactness.map((e) => [
    e.model,
    `${e.weight_bits} bit`,
    e.backend ?? '',
    formatCount(e.images),
    formatCount(e.tensors),
    formatCount(e.codes_compared),
    formatCount(e.codes_different),
  ]);
  const exactHead = ['model', 'weights', 'backend', 'images', 'tensors', 'codes compared', 'different'];
  const outcome = verdict(report);
  return [
    `${report.dataset}, seed ${report.seed}, ${formatCount(report.train_images)} training and ${formatCount(report.test_images)} test images`,
    '',
    ...align([head, ...rows], 5),
    ...(exact.length > 0
      ? ['', 'fake quantization against the integer runtime', ...align([exactHead, ...exact], 3)]
      : []),
    ...(outcome === null ? [] : [outcome.text]),
  ].join('\n');
}
