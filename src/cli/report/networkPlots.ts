/** The plots of the report of one network. */
import {
  SOURCES,
  type LayerAttribution,
  type LayerReport,
  type Source,
  type TensorReport,
  type ValueReport,
} from '../../analysis/index.js';
import { formatShare } from './numbers.js';
import { histogramOf, histogramPlot, INK, PALETTE, plot, type Plot } from './plots.js';

interface Point {
  readonly id: string;
  readonly sqnr: number;
  readonly what: string;
}

const KINDS = ['network up to here', 'this value alone', 'weights alone'] as const;

/** A row for each value, in the order of the network. */
export function sqnrPlot({ values, threshold }: LayerReport): Plot {
  const points = values.flatMap(({ id, sqnr, values: { grid }, moves, weight }): Point[] => {
    const found = [sqnr, moves ? null : (grid?.sqnr ?? null), weight?.sqnr ?? null];
    return found.flatMap((db, i) =>
      db !== null && Number.isFinite(db) ? [{ id, sqnr: db, what: KINDS[i] }] : [],
    );
  });
  const x = {
    field: 'sqnr',
    type: 'quantitative',
    title: 'SQNR (dB)',
    scale: { zero: false, nice: true },
  };
  const what = { field: 'what', type: 'nominal', title: null };
  const legend = { orient: 'top', symbolSize: 80 };
  return plot('Signal-to-quantization-noise ratio of each value', {
    width: 560,
    height: { step: 20 },
    layer: [
      {
        data: { values: [{ sqnr: threshold }] },
        mark: { type: 'rule', color: INK, strokeDash: [4, 3], strokeWidth: 1 },
        encoding: { x },
      },
      {
        data: { values: points },
        mark: { type: 'point', size: 70, strokeWidth: 1.8, opacity: 1 },
        encoding: {
          x,
          y: {
            field: 'id',
            type: 'nominal',
            sort: null,
            title: null,
            scale: { domain: values.map(({ id }) => id) },
            axis: { grid: true, labelColor: INK, labelLimit: 340 },
          },
          color: { ...what, scale: { domain: KINDS, range: PALETTE.slice(0, KINDS.length) }, legend },
          fill: {
            ...what,
            scale: { domain: KINDS, range: [PALETTE[0], 'transparent', 'transparent'] },
            legend,
          },
          shape: { ...what, scale: { domain: KINDS, range: ['circle', 'circle', 'diamond'] }, legend },
        },
      },
    ],
  });
}

/** A hue for each place, full for clipping and pale for rounding. */
const pale = (color: string): string => `color-mix(in srgb, ${color} 45%, var(--paper))`;
const SOURCE_COLORS: Readonly<Record<Source | 'remainder', string>> = {
  'weight rounding': pale(PALETTE[0]),
  'weight clipping': PALETTE[0],
  'input rounding': pale(PALETTE[2]),
  'input clipping': PALETTE[2],
  'bias rounding': pale(PALETTE[5]),
  'output rounding': pale(PALETTE[1]),
  'output clipping': PALETTE[1],
  remainder: 'var(--line)',
};

/** Part of a bar. */
const THINNEST = 0.005;

/** A bar for each value, split by source. What is too thin to be seen, and a remainder below 0, is not drawn. */
export function sourcesPlot(layers: readonly LayerAttribution[]): Plot {
  const parts = layers.flatMap(({ id, sources, remainder, total }) =>
    [...SOURCES, 'remainder' as const].flatMap((source, order) => {
      const energy = source === 'remainder' ? remainder : (sources[source] ?? 0);
      return energy > THINNEST * total ? [{ id, source, energy, order }] : [];
    }),
  );
  const present = [...SOURCES, 'remainder' as const].filter((source) =>
    parts.some((part) => part.source === source),
  );
  return plot('Error of each value by source', {
    width: 560,
    height: { step: 22 },
    data: { values: parts },
    mark: { type: 'bar', stroke: 'var(--paper)', strokeWidth: 1 },
    encoding: {
      x: {
        field: 'energy',
        type: 'quantitative',
        stack: 'normalize',
        title: 'share of the energy of the error',
        axis: { format: '.0%', grid: false },
      },
      y: {
        field: 'id',
        type: 'nominal',
        sort: null,
        title: null,
        scale: { domain: layers.map(({ id }) => id) },
        axis: { labelColor: INK, labelLimit: 340 },
      },
      color: {
        field: 'source',
        type: 'nominal',
        title: null,
        scale: { domain: present, range: present.map((source) => SOURCE_COLORS[source]) },
        legend: { orient: 'top', columns: 4 },
      },
      order: { field: 'order' },
    },
  });
}

interface Figure {
  readonly plot: Plot;
  readonly title: string;
  readonly caption: string;
}

/** Weights, and values where they have a grid of their own. */
export function valueHistograms({ id, moves, weight, values }: ValueReport): Figure[] {
  return [
    ...(weight === null ? [] : figureOf(`${id}: weights`, 'weight', weight)),
    ...(moves ? [] : figureOf(`${id}: values`, 'activation', values)),
  ];
}

function figureOf(title: string, kind: 'weight' | 'activation', tensor: TensorReport): Figure[] {
  const histogram = histogramOf(title, kind, tensor.histogram);
  if (histogram === null) return [];
  return [{ title, caption: captionOf(tensor), plot: histogramPlot(histogram) }];
}

function captionOf({ grid, bitsNeeded }: TensorReport): string {
  const { bits, clipped, saturated, codesUsed, codesAvailable, entropy, sqnr } = grid!;
  const sides = [
    [clipped.low, 'clipped below'],
    [clipped.high, 'clipped above'],
    [saturated.low + saturated.high, 'saturated'],
  ] as const;
  const ends = sides.flatMap(([part, what]) => (part === 0 ? [] : [`${formatShare(part)} ${what}`]));
  const wanted = bitsNeeded === null ? 'more than 16' : String(bitsNeeded);
  return [
    `${bits} bits, ${wanted} needed`,
    ...(Number.isFinite(sqnr) ? [`rounding alone ${sqnr.toFixed(1)} dB`] : []),
    ...(ends.length === 0 ? [] : [ends.join(', ')]),
    `${codesUsed} of ${codesAvailable} codes used, entropy ${entropy.toFixed(2)} bits`,
  ].join('; ');
}
