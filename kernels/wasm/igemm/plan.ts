/** Where the rows of a product over an image lie: strips, staging, positions and runs, as fields of the context. */
import type { ConvGeometry } from '../../types.js';
import type { Axis } from '../../js/image.js';
import type { Binding, Layout } from '../binding.js';
import type { Compiled } from '../engine.js';
import { context, type Field, type Fields } from './context.js';
import { type Shape, shapeOf, TEMPORARY, TILE_ROWS } from './tile.js';

/** Positions of a strip: enough calls to be compiled soon, few enough to stay in the second-level cache. */
const STRIP_POSITIONS = 96;
const STRIP_BYTES = 192 * 1024;

/** A window that moves over a batch of images. */
export interface Windows {
  readonly batch: number;
  readonly vertical: Axis;
  readonly horizontal: Axis;
  readonly channels: number;
  /** of an element of the image, and of a staged one */
  readonly bytes: number;
  readonly stagedBytes: number;
}

/** A matrix as an image of one column whose cells are its rows. */
export function matrixWindows(rows: number, columns: number, bytes: number, stagedBytes: number): Windows {
  const vertical = { size: rows, positions: rows, step: 1, taps: [0] };
  const horizontal = { size: 1, positions: 1, step: 1, taps: [0] };
  return { batch: 1, vertical, horizontal, channels: columns, bytes, stagedBytes };
}

/** How the images are cut into strips of about `positions` positions, and how rows of one are staged. */
export function planStrips(
  { batch, vertical: v, horizontal: h, channels, bytes, stagedBytes }: Windows,
  positions = STRIP_POSITIONS,
) {
  const bounds = ({ taps, positions: p, step }: Axis): [number, number] =>
    taps.length === 0 ? [0, 1] : [Math.min(...taps), Math.max(...taps) + (p - 1) * step + 1];
  const [top, bottom] = bounds(v);
  const [left, right] = bounds(h);
  const inside = top >= 0 && left >= 0 && bottom <= v.size && right <= h.size;
  const staged = bytes !== stagedBytes || !inside;
  const first = Math.max(left, 0);
  const width = staged ? right - left : h.size;
  const rowBytes = width * channels * stagedBytes + (staged ? (-width * channels * stagedBytes) & 3 : 0);
  const stripRows = Math.max(
    1,
    Math.min(v.positions, Math.ceil(positions / h.positions), Math.floor(STRIP_BYTES / (rowBytes * v.step))),
  );
  const strips = Math.ceil(v.positions / stripRows);
  const stagedRows = staged ? bottom - top - (v.positions - stripRows) * v.step : 0;
  const rowElements = Math.max(0, Math.min(right, h.size) - first) * channels;
  const xRow = h.size * channels * bytes;
  return {
    rowBytes,
    stripRows,
    lastRows: v.positions - (strips - 1) * stripRows,
    /** bytes from the start of a strip to a cell relative to the first one of the window */
    offset: (y: number, x: number): number => y * rowBytes + x * channels * stagedBytes,
    top,
    left,
    scratchBytes: TEMPORARY + stagedRows * rowBytes + 64,
    fields: {
      // to be added to the address of x
      x: top * xRow + first * channels * bytes,
      xImage: v.size * xRow,
      xRow,
      xStrip: stripRows * v.step * xRow,
      strips,
      allStrips: batch * strips,
      stagedRows,
      firstRow: top,
      stripRows: stripRows * v.step,
      inHeight: v.size,
      rowBytes,
      leftBytes: (first - left) * channels * stagedBytes,
      rowElements: rowElements * bytes,
      lastRowElements: rowElements * bytes,
    },
  };
}

/** Rows of the tile, as pairs of where they start and where their sums go, filled up with the last one. */
export function rowTable(
  binding: Binding,
  count: number,
  from: (row: number) => number,
  to: (row: number) => number,
  tileRows = TILE_ROWS,
): number {
  const table = binding.allocate('int32', 2 * tileRows * tilesOf(count, tileRows));
  for (let i = 0; i < table.length; i += 2) {
    const row = Math.min(i >> 1, count - 1);
    table[i] = from(row);
    table[i + 1] = to(row);
  }
  return table.byteOffset;
}
export const tilesOf = (rows: number, tileRows = TILE_ROWS): number => Math.ceil(rows / tileRows);

/** A stretch of the depth: where it starts relative to a row, in bytes, and how many steps it has. */
export interface Run {
  readonly start: number;
  readonly words: number;
}

/** Fields of the runs, each from the end of the one before. */
export function planRuns(binding: Binding, runs: readonly Run[], aStep: number) {
  let end = 0;
  const table = runs.flatMap(({ start, words }) => {
    const offset = start - end;
    end = start + words * aStep;
    return [offset, words];
  });
  const fields = { runs: binding.constant('int32', table), runCount: runs.length };
  return { ...fields, lastRuns: fields.runs, lastRunCount: runs.length };
}

/** Where sums go, in bytes: from one image, row and column of positions to the next. */
export interface Outputs {
  readonly image: number;
  readonly row: number;
  readonly column: number;
}

/** Fields of a product whose rows are the positions of windows. */
export function planPositions(
  binding: Binding,
  windows: Windows,
  strips: ReturnType<typeof planStrips>,
  outputs: Outputs,
  tileRows = TILE_ROWS,
): Fields {
  const { vertical: v, horizontal: h } = windows;
  const rows = (count: number): [number, number] => {
    const positions = count * h.positions;
    const y = (i: number): number => Math.floor(i / h.positions);
    const x = (i: number): number => i % h.positions;
    const table = rowTable(
      binding,
      positions,
      (i) => strips.offset(y(i) * v.step, x(i) * h.step),
      (i) => y(i) * outputs.row + x(i) * outputs.column,
      tileRows,
    );
    return [table, tilesOf(positions, tileRows)];
  };
  const { stripRows, lastRows } = strips;
  const [table, tiles] = rows(stripRows);
  const [lastTable, lastTiles] = lastRows === stripRows ? [table, tiles] : rows(lastRows);
  return { table, tiles, lastTable, lastTiles, yImage: outputs.image, yStrip: stripRows * outputs.row };
}

/** Fields of the panels of columns: packed ones of `depth` steps, for each of the groups. */
export function planPanels(
  binding: Binding,
  groups: number,
  channels: number,
  depth: number,
  { vectors, bytes }: Shape = shapeOf(binding.engine.target),
) {
  const columns = 4 * vectors;
  const groupPanels = Math.ceil(channels / columns);
  return {
    /** of a panel */
    columns,
    channels,
    groupPanels,
    panels: groups * groupPanels,
    bGroup: groupPanels * columns * depth * bytes,
    bColumn: depth * bytes,
  };
}

/** Taps of windows as runs of `words(elements)` steps: a whole filter row where nothing comes between its taps. */
export function tapRuns(
  { vertical, horizontal, channels }: Windows,
  { offset, top, left }: ReturnType<typeof planStrips>,
  inner: number,
): { start: number; elements: number }[] {
  const { taps } = horizontal;
  const joined = inner === channels && taps.every((t, i) => t === taps[0] + i);
  const [firsts, elements] = joined ? [taps.slice(0, 1), taps.length * inner] : [taps, inner];
  return vertical.taps.flatMap((y) => firsts.map((x) => ({ start: offset(y - top, x - left), elements })));
}

type ProductFields<N extends string> = Fields &
  Readonly<Record<N, number>> & { readonly allStrips: number; readonly panels: number };

/**
 * The call over all strips. What no field says is 0, and there is one strip to a unit.
 * @param fields in one object or in several: spreading so many takes V8 longer than a small product
 * @param of with more fields than {@link context}
 */
export function callProduct<N extends string = never>(
  binding: Binding,
  module: Compiled,
  fields: ProductFields<NoInfer<N>> | readonly Partial<ProductFields<NoInfer<N>>>[],
  work: number,
  scratchBytes: number,
  of: Layout<Field | N> = context as Layout<Field | N>,
): () => void {
  const words = binding.allocate('int32', of.names.length);
  const offsets: Readonly<Record<string, number>> = of.offset;
  const write = (part: Fields): void => {
    for (const name in part) if (name in offsets) words[offsets[name] >> 2] = part[name as Field]!;
  };
  for (const part of (Array.isArray(fields) ? fields : [fields]) as Fields[]) write(part);
  const get = (name: Field): number => words[offsets[name] >> 2];
  const panels = get('panels');
  const unitStrips = Math.max(1, get('unitStrips'));
  const chunks = Math.ceil(get('allStrips') / unitStrips);
  // threads share the panels where strips are too few for them
  const threads = binding.engine.pool?.threads ?? 1;
  const wanted = threads === 1 ? 1 : Math.min(panels, Math.ceil((4 * threads) / chunks));
  const partPanels = Math.ceil(panels / wanted);
  const parts = Math.ceil(panels / partPanels);
  write({ unitStrips, partPanels, parts });
  return binding.call(module, 'run', words.byteOffset, chunks * parts, work, scratchBytes);
}

/** A 1x1 filter at every cell: the image is one long column. */
export function isPointwise(g: ConvGeometry): boolean {
  return (
    g.kernelHeight * g.kernelWidth * g.strideHeight * g.strideWidth * g.groups === 1 &&
    g.outHeight === g.inHeight &&
    g.outWidth === g.inWidth &&
    g.padTop === 0 &&
    g.padLeft === 0
  );
}
