/** Draws Vega-Lite plots as SVG text. Vega is no dependency of the package: where it is missing there are no plots. */
import type { Plot } from './plots.js';
import { escapeHtml } from './html.js';

/** SVG markup that scales down with the page. */
export type Draw = (plot: Plot) => Promise<string>;

/** Null when vega or vega-lite is not installed. */
export async function loadDraw(): Promise<Draw | null> {
  const modules = await Promise.all([import('vega'), import('vega-lite')]).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  });
  if (modules === null) return null;
  const [vega, vegaLite] = modules;
  return async ({ spec, label }) => {
    const compiled = vegaLite.compile(spec as unknown as Parameters<typeof vegaLite.compile>[0]).spec;
    const view = new vega.View(vega.parse(compiled), { renderer: 'none' });
    const svg = await view.toSVG();
    view.finalize();
    return svg.replace(
      / width="([\d.]+)" height="[\d.]+"/,
      (_, width: string) => ` style="width:${width}px" role="img" aria-label="${escapeHtml(label)}"`,
    );
  };
}
