/** The plots of a report as Vega-Lite specifications. Colours are CSS variables of the page, so that one SVG serves light and dark. */
import type { TensorHistogram } from '../../analysis/index.js';
import { clippedFraction, formatPercent, gridPoints, groupByModel, isFloatVariant } from './numbers.js';
import type { CurvePoint, Histogram, Variant } from './types.js';

export type Spec = Readonly<Record<string, unknown>>;

/** One plot of the page. */
export interface Plot {
  /** For readers who do not see it. */
  readonly label: string;
  readonly spec: Spec;
}

export const PALETTE = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)'];
export const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
const LINE = 'var(--line)';

const CONFIG = {
  background: null,
  font: 'system-ui, -apple-system, "Segoe UI", sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: MUTED,
    titleColor: MUTED,
    titleFontWeight: 400,
    labelFontSize: 12,
    titleFontSize: 12,
    titlePadding: 10,
    labelLimit: 260,
    labelFlush: false,
    gridColor: LINE,
    domainColor: LINE,
    tickColor: LINE,
  },
  axisY: { domain: false, ticks: false, labelPadding: 8 },
  legend: {
    labelLimit: 400,
    labelColor: INK,
    titleColor: MUTED,
    titleFontWeight: 400,
    labelFontSize: 12,
    titleFontSize: 12,
  },
  range: { category: PALETTE },
};

/** A plot in the style of the page. */
export function plot(label: string, spec: Spec): Plot {
  return {
    label,
    spec: { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', config: CONFIG, ...spec },
  };
}

/** The smallest and largest of the values, with room beside them. */
function paddedDomain(values: readonly number[], part = 0.08): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low || Math.abs(high) || 1) * part;
  return [low - room, high + room];
}

/** A dot for each variant; a rule across where the float model stands. One plot for each model, all on one scale. */
export function accuracyPlots(variants: readonly Variant[]): Plot[] {
  const [low, high] = paddedDomain(variants.map((v) => 100 * v.top1));
  const methods = [...new Set(variants.map((v) => v.method))];
  // Room on the right for the number beside the last dot.
  const x = {
    field: 'top1',
    type: 'quantitative',
    title: 'top-1 accuracy (%)',
    scale: { domain: [low, high + (high - low) * 0.08], zero: false, nice: false },
  };
  const y = {
    field: 'name',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { grid: true, labelColor: INK },
  };
  return groupByModel(variants).map(({ model, float, variants: own }) => {
    const values = own.map((v) => ({
      name: v.name,
      method: v.method,
      top1: 100 * v.top1,
      text: (100 * v.top1).toFixed(2),
    }));
    const reference = {
      data: { values: float === null ? [] : [{ top1: 100 * float.top1 }] },
      mark: { type: 'rule', color: INK, strokeDash: [4, 3], strokeWidth: 1.2 },
      encoding: { x },
    };
    const color = {
      field: 'method',
      type: 'nominal',
      title: 'method',
      scale: { domain: methods, range: methods.map((_, i) => PALETTE[i % PALETTE.length]) },
    };
    return plot(`Top-1 accuracy of each variant of ${model}`, {
      width: 470,
      height: { step: 26 },
      layer: [
        reference,
        {
          data: { values },
          mark: { type: 'point', filled: true, size: 90, opacity: 1 },
          encoding: { x, y, color },
        },
        // The same text in the colour of the page below it keeps lines from running through it.
        ...[{ stroke: 'var(--paper)', strokeWidth: 4 }, {}].map((halo) => ({
          data: { values },
          mark: { type: 'text', align: 'left', dx: 9, color: INK, fontSize: 12, ...halo },
          encoding: { x, y, text: { field: 'text' } },
        })),
      ],
    });
  });
}

export function sizePlot(variants: readonly Variant[]): Plot {
  const models = groupByModel(variants).map((g) => g.model);
  const bits = (v: Variant): string => (isFloatVariant(v) ? 'float' : `${v.weight_bits} bit`);
  const values = variants.map((v) => ({
    model: v.model,
    bits: bits(v),
    top1: 100 * v.top1,
    kib: v.bytes / 1024,
  }));
  const domain = paddedDomain(values.map((v) => v.top1));
  return plot('Size of the model file against top-1 accuracy', {
    width: 520,
    height: 300,
    data: { values },
    mark: { type: 'point', size: 90, strokeWidth: 2 },
    encoding: {
      x: {
        field: 'kib',
        type: 'quantitative',
        title: 'size of the model file (KiB, logarithmic)',
        scale: { type: 'log', base: 2, nice: false, domain: logDomain(values.map((v) => v.kib)) },
        axis: { tickCount: 8 },
      },
      y: {
        field: 'top1',
        type: 'quantitative',
        title: 'top-1 accuracy (%)',
        scale: { domain, zero: false, nice: false },
      },
      color: { field: 'model', type: 'nominal', title: 'model', scale: modelScale(models) },
      shape: { field: 'bits', type: 'nominal', title: 'weights', sort: [...new Set(variants.map(bits))] },
    },
  });
}

function logDomain(values: readonly number[]): [number, number] {
  return [Math.min(...values) / 1.25, Math.max(...values) * 1.25];
}

function modelScale(models: readonly string[]): Spec {
  return { domain: models, range: models.map((_, i) => PALETTE[i % PALETTE.length]) };
}

/** Null for what has no grid. */
export function histogramOf(
  title: string,
  kind: Histogram['kind'],
  { edges, counts, unit, grid }: TensorHistogram,
): Histogram | null {
  if (grid === null) return null;
  const steps = unit === 'steps' ? { unit: 'steps of the scale of each channel' } : {};
  return { title, kind, edges, counts, grid, ...steps };
}

/** Bars for the values, a hairline for every code, shading where the grid ends. */
export function histogramPlot(histogram: Histogram): Plot {
  const { title, counts, edges, unit = null } = histogram;
  const bins = counts.map((count, i) => ({ from: edges[i], to: edges[i + 1], count }));
  const points = gridPoints(histogram);
  const ends = [points[0], points[points.length - 1]];
  const low = Math.min(edges[0], ends[0]);
  const high = Math.max(edges[edges.length - 1], ends[1]);
  const outside = [
    { from: low, to: ends[0] },
    { from: ends[1], to: high },
  ].filter((r) => r.to > r.from);
  const scale = { domain: [low, high], zero: false, nice: false };
  // No grid of the axis: it would look like codes.
  const x = (field: string): Spec => ({
    field,
    type: 'quantitative',
    title: unit,
    scale,
    axis: { grid: false },
  });
  const dense = points.length > 32;
  return plot(`${title}: distribution and ${points.length} codes`, {
    width: 330,
    height: 170,
    layer: [
      {
        data: { values: outside },
        mark: { type: 'rect', color: 'var(--clip)' },
        encoding: { x: x('from'), x2: { field: 'to' } },
      },
      {
        data: { values: bins },
        mark: { type: 'rect', color: histogram.kind === 'weight' ? 'var(--c1)' : 'var(--c3)', opacity: 0.75 },
        encoding: {
          x: x('from'),
          x2: { field: 'to' },
          y: {
            field: 'count',
            type: 'quantitative',
            title: 'values',
            scale: { type: 'sqrt', domainMin: 0 },
            axis: { tickCount: 4, format: '~s' },
          },
          y2: { datum: 0 },
        },
      },
      {
        data: { values: points.map((at) => ({ at })) },
        mark: { type: 'rule', color: INK, strokeWidth: dense ? 0.4 : 0.8, opacity: dense ? 0.35 : 0.6 },
        encoding: { x: x('at') },
      },
    ],
  });
}

/** What the plot of a histogram shows, in a sentence with its numbers. */
export function histogramCaption(histogram: Histogram): string {
  const points = gridPoints(histogram);
  const step = points.length > 1 ? (points[points.length - 1] - points[0]) / (points.length - 1) : 0;
  const clipped = clippedFraction(histogram);
  const share = clipped < 1e-5 ? 'Less than 0.001 %' : `About ${formatPercent(clipped, 3)}`;
  const clipping =
    clipped < 1e-12
      ? 'No value lies outside the grid.'
      : `${share} of the values lie outside and are clipped.`;
  return `${points.length} codes, ${Number(step.toPrecision(3))} apart. ${clipping}`;
}

/** Loss and accuracy over epochs. */
export function curvePlots(curves: readonly CurvePoint[]): Plot[] {
  const models = [...new Set(curves.map((c) => c.model))];
  const epochs = [...new Set(curves.map((c) => c.epoch))];
  const panel = (field: string, title: string, values: readonly object[], label: string): Plot =>
    plot(label, {
      width: 300,
      height: 200,
      data: { values },
      mark: { type: 'line', point: { filled: true, size: 30 }, strokeWidth: 2 },
      encoding: {
        x: {
          field: 'epoch',
          type: 'quantitative',
          title: 'epoch',
          scale: { zero: false, nice: false },
          axis: {
            grid: false,
            format: 'd',
            ...(epochs.length <= 12 ? { values: epochs } : { tickMinStep: 1 }),
          },
        },
        y: { field, type: 'quantitative', title, scale: { zero: false } },
        color: {
          field: 'model',
          type: 'nominal',
          title: null,
          scale: modelScale(models),
          legend: { orient: 'top', columns: 1 },
        },
      },
    });
  const percents = curves.map((c) => ({ ...c, top1: 100 * c.top1 }));
  return [
    panel('loss', 'training loss', percents, 'Training loss over epochs'),
    panel('top1', 'top-1 accuracy (%)', percents, 'Test accuracy over epochs'),
  ];
}
