import t from 'tap';
import * as n from '../../../src/cli/report/numbers.js';
import type { Histogram } from '../../../src/cli/report/types.js';
import { made } from './made.js';

t.test('numbers in words', (t) => {
  t.equal(n.formatPercent(0.91234), '91.23 %');
  t.equal(n.formatPercent(0.00012, 3), '0.012 %');
  t.equal(n.formatPoints(0.0012), '+0.12');
  t.equal(n.formatPoints(-0.0534), '−5.34');
  t.equal(n.formatPoints(-0.00001), '0.00', 'no signed zero');
  t.equal(n.formatBytes(1023), '1023 B');
  t.equal(n.formatBytes(1536), '1.5 KiB');
  t.equal(n.formatBytes(3 * 1024 ** 2), '3.00 MiB');
  t.equal(n.formatCount(1234567), '1,234,567');
  t.same([0.0123, 1.234, 12.34, 123.4].map(n.formatMilliseconds), ['0.012', '1.23', '12.3', '123']);
  t.equal(n.formatSeconds(59.94), '59.9 s');
  t.equal(n.formatSeconds(754.2), '12 min 34 s');
  t.end();
});

t.test('models in order, each with its float variant', (t) => {
  const groups = n.groupByModel(made.variants);
  t.same(
    groups.map((g) => [g.model, g.float?.name, g.variants.length]),
    [
      ['small CNN', 'float32', 6],
      ['depthwise-separable <net>', 'float32', 6],
    ],
  );
  t.equal(n.groupByModel(made.variants.slice(1, 3))[0].float, null);
  t.equal(n.formatBits(made.variants[0]), 'float');
  t.equal(n.formatBits(made.variants[5]), '4 / 8');
  t.end();
});

const histogram = (grid: Histogram['grid'], counts = [10, 20, 30, 40]): Histogram => ({
  title: 'h',
  kind: 'weight',
  counts,
  edges: [-2, -1, 0, 1, 2],
  grid,
});

t.test('grid points from parameters', (t) => {
  const points = n.gridPoints(histogram({ scale: 0.5, zeroPoint: 1, quantMin: -2, quantMax: 2 }));
  t.same(points, [-1.5, -1, -0.5, 0, 0.5]);
  t.same(n.gridPoints(histogram([1, 2])), [1, 2]);
  t.end();
});

t.test('the clipped fraction counts what lies half a step beyond the ends', (t) => {
  // Kept is [-1.5, 1.5]: half of the first bin (5 of 10) and half of the last (20 of 40) are out.
  t.equal(n.clippedFraction(histogram([-1, 0, 1])).toFixed(6), (25 / 100).toFixed(6));
  t.equal(n.clippedFraction(histogram([-2, 0, 2])), 0);
  t.equal(n.clippedFraction(histogram([5, 6])), 1);
  t.equal(n.clippedFraction(histogram([0])), 0, 'one code has no step');
  t.equal(n.clippedFraction(histogram([-1, 0, 1], [0, 0, 0, 0])), 0, 'no values');
  const point = { ...histogram([-1, 0, 1], [3, 1]), edges: [0, 0, 9] };
  t.equal(n.clippedFraction(point).toFixed(6), (1 - (3 + 1.5 / 9) / 4).toFixed(6), 'a bin without width');
  t.end();
});

t.test('standard error of a proportion', (t) => {
  t.equal(n.standardError(0.5, 10_000), 0.005);
  t.equal(n.standardError(1, 10), 0);
  t.end();
});
