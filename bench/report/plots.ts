/** The plots of the bench as Vega-Lite specifications. */
import { INK, PALETTE, plot, type Plot, type Spec } from '../../src/cli/report/plots.js';
import { ratio, type Pair } from '../slower.js';
import type { Peak, Result } from '../types.js';

/** Colour and shape together tell more series apart than there are colours. */
function series(names: readonly string[], title: string | null): Spec {
  const colors = names.map((_, i) => PALETTE[i % PALETTE.length]);
  const shapes = names.map((_, i) => ['circle', 'square', 'triangle-up'][Math.floor(i / PALETTE.length) % 3]);
  const common = { field: 'series', type: 'nominal', title };
  return {
    color: { ...common, scale: { domain: names, range: colors } },
    shape: { ...common, scale: { domain: names, range: shapes } },
  };
}

interface Dot {
  readonly row: string;
  readonly series: string;
  readonly value: number;
}

/** A line for each row, a dot for each series, a rule at 1. */
function ratioPlot(label: string, dots: readonly Dot[], title: string, log: boolean): Plot {
  const names = [...new Set(dots.map((d) => d.series))];
  const values = dots.map((d) => d.value);
  const domain = log
    ? [Math.min(0.8, ...values) / 1.15, Math.max(1.25, ...values) * 1.15]
    : [0, Math.max(1.1, ...values) * 1.05];
  const ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];
  const x = {
    field: 'value',
    type: 'quantitative',
    title,
    scale: { ...(log ? { type: 'log' } : {}), domain, nice: false },
    axis: log ? { values: ticks.filter((v) => v >= domain[0] && v <= domain[1]), format: '~g' } : {},
  };
  return plot(label, {
    width: 430,
    height: { step: 20 },
    layer: [
      {
        data: { values: [{ value: 1 }] },
        mark: { type: 'rule', color: INK, strokeDash: [4, 3], strokeWidth: 1.2 },
        encoding: { x },
      },
      {
        data: { values: dots },
        mark: { type: 'point', filled: true, size: 70, opacity: 0.9 },
        encoding: {
          x,
          y: {
            field: 'row',
            type: 'nominal',
            sort: null,
            title: null,
            axis: { grid: true, labelColor: INK, labelLimit: 320 },
          },
          ...series(names, null),
        },
      },
    ],
  });
}

/** What INT8 gains, by shape. */
export function gainPlot(impl: string, pairs: readonly Pair[]): Plot {
  const dots = pairs.map((p) => ({ row: p.float.shape, series: p.float.node ?? 'native', value: ratio(p) }));
  return ratioPlot(`Speed of INT8 relative to FP32, ${impl}`, dots, 'times faster than FP32', false);
}

/** Every peer against `own`, by shape. */
export function peerPlot(label: string, own: readonly Result[], peers: readonly Result[]): Plot {
  const dots = own.flatMap((r) =>
    peers
      .filter((p) => p.shape === r.shape && p.dtype === r.dtype)
      .map((p) => ({
        row: r.shape,
        series: p.verified ? p.impl : `${p.impl} (wrong)`,
        value: p.median_ms / r.median_ms,
      })),
  );
  return ratioPlot(label, dots, 'octograd is so many times faster (logarithmic)', true);
}

/** The reach of each shape under the roofs of arithmetic and memory (Williams, Waterman and Patterson 2009). */
export function rooflinePlot(peak: Peak, results: readonly Result[]): Plot {
  const kinds = { f32: 'FP32', int8: 'INT8' };
  const points = results.map((r) => ({
    intensity: r.ops / r.bytes,
    gops: r.gops,
    series: r.dtype === 'f32' ? kinds.f32 : kinds.int8,
  }));
  const intensities = points.map((p) => p.intensity);
  const [low, high] = [Math.min(...intensities) / 1.5, Math.max(...intensities) * 1.5];
  const roofs = [
    { series: kinds.f32, most: peak.f32_gops },
    { series: kinds.int8, most: peak.int8_gops },
  ].flatMap(({ series: name, most }) =>
    [low, Math.min(high, Math.max(low, most / peak.bandwidth)), high].map((intensity) => ({
      intensity,
      gops: Math.min(most, peak.bandwidth * intensity),
      series: name,
    })),
  );
  const all = [...points, ...roofs].map((p) => p.gops);
  const x = {
    field: 'intensity',
    type: 'quantitative',
    title: 'operations per byte that has to move (logarithmic)',
    scale: { type: 'log', domain: [low, high], nice: false },
    axis: { tickCount: 6, format: '~s' },
  };
  const y = {
    field: 'gops',
    type: 'quantitative',
    title: 'Gop/s (logarithmic)',
    scale: { type: 'log', domain: [Math.min(...all) / 1.3, Math.max(...all) * 1.3], nice: false },
    axis: { tickCount: 6, format: '~g' },
  };
  const color = series([kinds.f32, kinds.int8], null);
  return plot(`Roofline, ${peak.node}`, {
    width: 480,
    height: 300,
    layer: [
      {
        data: { values: roofs },
        mark: { type: 'line', strokeWidth: 1.6 },
        encoding: { x, y, color: color.color },
      },
      {
        data: { values: points },
        mark: { type: 'point', filled: true, size: 60, opacity: 0.85 },
        encoding: { x, y, ...color },
      },
    ],
  });
}

/** One dot for each model and method. */
export function accuracyPlot(results: readonly Result[]): Plot {
  const values = results.map((r) => {
    const [model, ...rest] = r.shape.split(' ');
    return { model, series: model, method: rest.join(' '), ms: r.median_ms, top1: 100 * (r.top1 ?? 0) };
  });
  const top = values.map((v) => v.top1);
  const ms = values.map((v) => v.ms);
  const names = [...new Set(values.map((v) => v.model))];
  return plot('Latency against top-1 accuracy', {
    width: 460,
    height: 300,
    data: { values },
    mark: { type: 'point', size: 90, strokeWidth: 2 },
    encoding: {
      x: {
        field: 'ms',
        type: 'quantitative',
        title: 'ms for one image (logarithmic)',
        scale: { type: 'log', domain: [Math.min(...ms) / 1.25, Math.max(...ms) * 1.25], nice: false },
        axis: { tickCount: 6, format: '~g' },
      },
      y: {
        field: 'top1',
        type: 'quantitative',
        title: 'top-1 accuracy (%)',
        scale: { domain: [Math.min(...top) - 0.5, Math.max(...top) + 0.5], zero: false, nice: false },
      },
      color: series(names, 'model').color,
      shape: { field: 'method', type: 'nominal', title: 'method', sort: null },
    },
  });
}
