/** The report of a bench as one HTML page that loads nothing. */
import { escapeHtml, factList, htmlDocument, htmlTable, type Column } from '../../src/cli/report/html.js';
import { formatMilliseconds } from '../../src/cli/report/numbers.js';
import { figures, MISSING } from '../../src/cli/report/page.js';
import { loadDraw, type Draw } from '../../src/cli/report/svg.js';
import type { Change } from '../compare.js';
import { pairs } from '../slower.js';
import { isMet, targetTable, type Reached } from '../targets.js';
import type { BenchFile, Result } from '../types.js';
import { accuracyPlot, gainPlot, peerPlot, rooflinePlot } from './plots.js';
import { formatPeak } from './table.js';

const WASM = 'octograd wasm';

const section = (title: string, ...parts: readonly string[]): string =>
  `<section>\n<h2>${escapeHtml(title)}</h2>\n${parts.join('\n')}\n</section>`;
const paragraph = (text: string): string => `<p>${escapeHtml(text)}</p>`;
const lines = (items: readonly string[]): string =>
  `<ul>\n${items.map((text) => `<li>${escapeHtml(text)}</li>`).join('\n')}\n</ul>`;

/** @param draw null: no plots; default: Vega, where it is installed */
export async function renderPage(
  file: BenchFile,
  reached: readonly Reached[],
  changes: readonly Change[],
  draw?: Draw | null,
): Promise<string> {
  const drawing = draw === undefined ? await loadDraw() : draw;
  const title = 'octograd bench';
  const sections = [
    targetSection(reached),
    ...(drawing === null ? [] : await plotSections(file, drawing)),
    file.slower.length === 0
      ? ''
      : section(
          'Where INT8 is slower than FP32',
          paragraph(
            'From the measurements of this run: the same shape and kernels, beyond the noise of both.',
          ),
          lines(file.slower),
        ),
    changeSection(changes),
    resultSection(file.results),
    file.missing.length === 0 ? '' : section('Not measured', lines(file.missing)),
  ];
  return htmlDocument(
    title,
    `<header>
<h1>${title}</h1>
<p class="lead">${escapeHtml(summary(file.results))}</p>
${facts(file)}
${drawing === null ? MISSING : ''}
</header>
${sections.filter((s) => s !== '').join('\n')}
<footer>Medians of interleaved rounds, one process at a time; times are of this machine and this run.</footer>`,
  );
}

function summary(results: readonly Result[]): string {
  const wrong = [...new Set(results.filter((r) => !r.verified).map((r) => r.impl))];
  const shapes = new Set(results.map((r) => `${r.shape} ${r.dtype}`)).size;
  const verdict =
    wrong.length === 0 ? 'every result equals the reference' : `wrong results: ${wrong.join(', ')}`;
  return `${results.length} measurements of ${shapes} cases; ${verdict}.`;
}

function facts({ machine, node, date, peak, versions }: BenchFile): string {
  const most = peak.map(
    (p) =>
      [
        `Peak, ${p.node}`,
        `${p.f32_gops.toFixed(0)} GFLOP/s, ${p.int8_gops.toFixed(0)} GOP/s INT8, ${p.bandwidth.toFixed(0)} GB/s`,
      ] as const,
  );
  return factList([
    ['Machine', `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gb} GB`],
    ['System', machine.os],
    ['Node', node],
    ['Clock', machine.clock],
    ['Date', date.slice(0, 16).replace('T', ' ')],
    ...most,
    ...Object.entries(versions).filter(([name]) => !name.startsWith('octograd')),
  ]);
}

function targetSection(reached: readonly Reached[]): string {
  if (reached.length === 0) return '';
  const { engines, rows } = targetTable(reached);
  const columns: Column<string[]>[] = ['Times faster', ...engines].map((title, i) => ({
    title,
    numeric: i > 0,
    cell: (row) => row[i],
  }));
  const measured = reached.filter((r) => r.ratio !== null);
  return section(
    'Targets',
    paragraph(`${measured.filter(isMet).length} of ${measured.length} measured targets are met.`),
    htmlTable(
      'Ratio of medians of this run, and what is wanted; one thread unless the name says otherwise.',
      columns,
      [{ rows }],
    ),
  );
}

async function plotSections({ results, peak }: BenchFile, draw: Draw): Promise<string[]> {
  const sections: string[] = [];
  const layers = results.filter((r) => r.suite === 'gemm' || r.suite === 'conv');
  const roofs = peak.flatMap((p) => {
    const own = layers.filter((r) => r.impl === WASM && r.node === p.node);
    return own.length === 0 ? [] : [{ plot: rooflinePlot(p, own), title: p.node, caption: '' }];
  });
  if (roofs.length > 0)
    sections.push(
      section(
        'Roofline',
        paragraph(
          'Each dot is a shape on the WebAssembly kernels. The lines are what arithmetic and main memory allow. Operations are those of the direct algorithm: Winograd does fewer, and may lie above.',
        ),
        await figures(draw, roofs),
      ),
    );
  const gains = [WASM, 'octograd js'].flatMap((impl) => {
    const own = pairs(results.filter((r) => r.impl === impl && r.suite !== 'accuracy'));
    return own.length === 0 ? [] : [{ plot: gainPlot(impl, own), title: impl, caption: '' }];
  });
  if (gains.length > 0) sections.push(section('INT8 against FP32', await figures(draw, gains)));
  const peers = results.filter((r) => !r.impl.startsWith('octograd') && r.suite !== 'accuracy');
  const against = peak.flatMap((p) =>
    (['f32', 'u8s8'] as const).flatMap((dtype) => {
      const own = results.filter((r) => r.impl === WASM && r.node === p.node && r.dtype === dtype);
      const plain = p.node.replace(/ revectorize$/, '');
      const others = peers.filter((r) => r.node === null || r.node === plain);
      const common = own.filter((r) => others.some((o) => o.shape === r.shape && o.dtype === dtype));
      const label = `${dtype === 'f32' ? 'FP32' : 'INT8'}, ${p.node}`;
      return common.length === 0
        ? []
        : [{ plot: peerPlot(`octograd against peers, ${label}`, common, others), title: label, caption: '' }];
    }),
  );
  if (against.length > 0)
    sections.push(
      section(
        'Against peers',
        paragraph('One thread each. To the right of the dashed line octograd is faster.'),
        await figures(draw, against),
      ),
    );
  const accuracy = results.filter(
    (r) => r.suite === 'accuracy' && r.impl === WASM && r.node === peak[0]?.node,
  );
  if (accuracy.length > 0)
    sections.push(
      section(
        'Latency against accuracy',
        await figures(draw, [{ plot: accuracyPlot(accuracy), caption: 'Up and to the left is better.' }]),
      ),
    );
  return sections;
}

function changeSection(changes: readonly Change[]): string {
  const real = changes.filter((c) => c.significant).sort((a, b) => a.speedup - b.speedup);
  if (changes.length === 0) return '';
  const columns: Column<Change>[] = [
    { title: 'Case', cell: ({ now }) => `${now.shape}, ${now.dtype}` },
    { title: 'Implementation', cell: ({ now }) => now.impl },
    { title: 'Engine', cell: ({ now }) => now.node ?? 'native' },
    { title: 'Before, ms', numeric: true, cell: ({ before }) => formatMilliseconds(before.median_ms) },
    { title: 'Now, ms', numeric: true, cell: ({ now }) => formatMilliseconds(now.median_ms) },
    { title: 'Faster', numeric: true, cell: ({ speedup }) => `${speedup.toFixed(2)} \u00d7` },
  ];
  return section(
    'Against the earlier run',
    paragraph(`${real.length} of ${changes.length} results changed by more than the noise of both runs.`),
    real.length === 0 ? '' : htmlTable('Slowest first.', columns, [{ rows: real }]),
  );
}

function resultSection(results: readonly Result[]): string {
  const columns: Column<Result>[] = [
    { title: 'Implementation', cell: (r) => r.impl },
    { title: 'Engine', cell: (r) => r.node ?? 'native' },
    { title: 'Threads', numeric: true, cell: (r) => String(r.threads) },
    { title: 'Median, ms', numeric: true, cell: (r) => formatMilliseconds(r.median_ms) },
    { title: 'MAD, ms', numeric: true, cell: (r) => formatMilliseconds(r.mad_ms) },
    { title: 'Gop/s', numeric: true, cell: (r) => r.gops.toFixed(2) },
    { title: 'Of peak', numeric: true, cell: (r) => formatPeak(r.peak) },
    { title: 'Result', cell: (r) => (r.verified ? 'equal' : `wrong: ${r.note ?? ''}`) },
  ];
  const cases = [...new Set(results.map((r) => `${r.shape}, ${r.dtype}`))];
  const groups = cases.map((title) => ({
    title,
    rows: results.filter((r) => `${r.shape}, ${r.dtype}` === title).sort((a, b) => a.median_ms - b.median_ms),
  }));
  return section('All results', htmlTable('Fastest first.', columns, groups));
}
