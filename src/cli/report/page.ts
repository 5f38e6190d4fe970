/** The report as one HTML page that loads nothing. */
import { escapeHtml, factList, htmlDocument, htmlTable, type Column } from './html.js';
import {
  formatBits,
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatSeconds,
  groupByModel,
  isFloatVariant,
} from './numbers.js';
import { accuracyPlots, curvePlots, histogramCaption, histogramPlot, sizePlot, type Plot } from './plots.js';
import { accuracyCaveat, headlines, verdict } from './summary.js';
import { loadDraw, type Draw } from './svg.js';
import type { Exactness, Report, Variant } from './types.js';

/** The page as text, self-contained. Without Vega installed it says so where the plots would be. */
export async function renderReport(report: Report, draw?: Draw | null): Promise<string> {
  const drawing = draw === undefined ? await loadDraw() : draw;
  const title = `Quantization report: ${report.dataset}`;
  const sections = [
    variantSection(report),
    await accuracySection(report, drawing),
    exactnessSection(report),
    await histogramSection(report, drawing),
    await curveSection(report, drawing),
  ];
  return htmlDocument(
    title,
    `<header>
<h1>${escapeHtml(title)}</h1>
${headlines(report)
  .map((line) => `<p class="lead">${escapeHtml(line)}</p>`)
  .join('\n')}
${facts(report)}
${drawing === null ? MISSING : ''}
</header>
${sections.filter((s) => s !== '').join('\n')}
<footer>Times are of this machine and this run; sizes are of whole model files.</footer>`,
  );
}

function facts(report: Report): string {
  const entries: [string, string][] = [
    ['Training images', formatCount(report.train_images)],
    ['Test images', formatCount(report.test_images)],
    ['Seed', String(report.seed)],
    ['Run time', formatSeconds(report.elapsed_s)],
    ['Node', report.node],
    ['Machine', report.machine],
  ];
  return factList(entries);
}

function variantSection(report: Report): string {
  const floats = new Map(groupByModel(report.variants).map((g) => [g.model, g.float]));
  const against = (v: Variant, f: (float: Variant) => string): string => {
    const float = floats.get(v.model) ?? null;
    return float === null || isFloatVariant(v) ? '' : f(float);
  };
  const columns: Column<Variant>[] = [
    { title: 'Variant', cell: (v) => v.name },
    { title: 'Bits w / a', cell: formatBits },
    { title: 'Granularity', cell: (v) => v.granularity },
    { title: 'Method', cell: (v) => v.method },
    { title: 'Top-1', numeric: true, cell: (v) => formatPercent(v.top1) },
    { title: 'vs float', numeric: true, cell: (v) => against(v, (f) => formatPoints(v.top1 - f.top1)) },
    { title: 'Size', numeric: true, cell: (v) => formatBytes(v.bytes) },
    { title: 'ms / image', numeric: true, cell: (v) => formatMilliseconds(v.ms_per_image) },
  ];
  const groups = groupByModel(report.variants).map((g) => ({ title: g.model, rows: g.variants }));
  return `<section>
<h2>Variants</h2>
${htmlTable('Accuracy on the test set; the difference to float is in percentage points.', columns, groups)}
</section>`;
}

/** Stands where the plots would be. */
export const MISSING = `<p class="missing">No plots: vega and vega-lite are not installed. Install them with "npm install vega vega-lite" and render again.</p>`;

export async function figures(
  draw: Draw,
  plots: readonly { plot: Plot; title?: string; caption: string }[],
): Promise<string> {
  const drawn: string[] = [];
  for (const { plot, title, caption } of plots) {
    const heading = title === undefined ? '' : `<h3>${escapeHtml(title)}</h3>\n`;
    const text = caption === '' ? '' : `\n<figcaption>${escapeHtml(caption)}</figcaption>`;
    drawn.push(`${heading}<figure>${await draw(plot)}${text}</figure>`);
  }
  return drawn.map((f) => `<div>${f}</div>`).join('\n');
}

async function accuracySection(report: Report, draw: Draw | null): Promise<string> {
  if (report.variants.length === 0 || draw === null) return '';
  const models = groupByModel(report.variants).map((g) => g.model);
  const plots = accuracyPlots(report.variants).map((plot, i) => ({ plot, title: models[i], caption: '' }));
  const size = {
    plot: sizePlot(report.variants),
    caption: 'Up and to the left is better. The accuracy axis does not begin at zero.',
  };
  return `<section>
<h2>Accuracy</h2>
<p>The dashed line is the float model. The axis does not begin at zero; all models share it.</p>
${await figures(draw, plots)}
<p>${escapeHtml(accuracyCaveat(report))}</p>
<h2>Size and accuracy</h2>
${await figures(draw, [size])}
</section>`;
}

function exactnessSection(report: Report): string {
  const outcome = verdict(report);
  if (outcome === null) return '';
  const columns: Column<Exactness>[] = [
    { title: 'Model', cell: (e) => e.model },
    { title: 'Weights', cell: (e) => `${e.weight_bits} bit` },
    { title: 'Backend', cell: (e) => e.backend ?? '' },
    { title: 'Images', numeric: true, cell: (e) => formatCount(e.images) },
    { title: 'Tensors', numeric: true, cell: (e) => formatCount(e.tensors) },
    { title: 'Codes compared', numeric: true, cell: (e) => formatCount(e.codes_compared) },
    { title: 'Different', numeric: true, cell: (e) => formatCount(e.codes_different) },
  ];
  return `<section>
<h2>Training against runtime</h2>
<p class="verdict${outcome.good ? '' : ' bad'}"><strong>${escapeHtml(outcome.text)}</strong> Each is an integer of an intermediate
tensor, once from the fake-quantized forward pass of training and once from the integer runtime.</p>
${htmlTable('Integer codes of the two, image by image.', columns, [{ rows: report.exactness }])}
</section>`;
}

async function histogramSection(report: Report, draw: Draw | null): Promise<string> {
  const histograms = report.histograms ?? [];
  if (histograms.length === 0 || draw === null) return '';
  const plots = histograms.map((h) => ({
    plot: histogramPlot(h),
    title: h.title,
    caption: histogramCaption(h),
  }));
  return `<section>
<h2>Distributions and grids</h2>
<p>Each thin line is a number that a code stands for; a value is moved to the nearest one. Shaded:
beyond the grid. Counts are on a square root scale, to show the tails.</p>
<div class="pair">
${await figures(draw, plots)}
</div>
</section>`;
}

async function curveSection(report: Report, draw: Draw | null): Promise<string> {
  const curves = report.curves ?? [];
  if (curves.length === 0 || draw === null) return '';
  const plots = curvePlots(curves).map((plot) => ({ plot, caption: '' }));
  return `<section>
<h2>Training</h2>
<p>Loss is the mean over the training images of an epoch; accuracy is on the test images after it.</p>
<div class="pair">
${await figures(draw, plots)}
</div>
</section>`;
}
