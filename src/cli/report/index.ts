/** The report of a quantization run: a page, and a table for the terminal. */
export { renderReport } from './page.js';
export { histogramOf } from './plots.js';
export { formatTable } from './table.js';
export type * from './types.js';
