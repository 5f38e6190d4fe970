/**
 * Which cells of the grids of an anchor-free detector answer for an object: those around its centre, on one grid (centre
 * sampling of FCOS, Tian et al. 2019, arXiv:1904.01355).
 */
import { areaOf, type LabeledBox } from './boxes.js';

export interface CellGrid {
  /** Pixels per cell. */
  readonly stride: number;
  readonly height: number;
  readonly width: number;
}

/** Objects of one grid; what cell i answers for is objects[i]. */
export interface CellAssignment {
  /** Of the grid of all pictures, flattened: (picture * height + row) * width + column. Ascending. */
  readonly cells: Int32Array;
  readonly objects: readonly LabeledBox[];
}

/** How far, in cells, the centre of a cell may be from that of its object, along each axis. */
const RADIUS = 1.5;
/** An object belongs to the coarsest grid on which its longer side is so many cells, or else to the finest. */
const CELLS = 2;

/** In pixels. */
export function centreOf(cell: number, { stride, height, width }: CellGrid): readonly [x: number, y: number] {
  return [((cell % width) + 0.5) * stride, ((Math.floor(cell / width) % height) + 0.5) * stride];
}

function gridOf({ left, top, right, bottom }: LabeledBox, grids: readonly CellGrid[]): number {
  const side = Math.max(right - left, bottom - top);
  return Math.max(
    grids.findLastIndex(({ stride }) => side >= CELLS * stride),
    0,
  );
}

/** Cells whose centre is in the box and near its centre, and the one that holds the centre. */
function* cellsOf(box: LabeledBox, { stride, height, width }: CellGrid): Generator<number> {
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const clamp = (v: number, size: number): number => Math.min(Math.max(Math.floor(v / stride), 0), size - 1);
  const [column, row] = [clamp(x, width), clamp(y, height)];
  const near = (at: number, centre: number, low: number, high: number): boolean =>
    at > low && at < high && Math.abs(at - centre) <= RADIUS * stride;
  const reach = Math.ceil(RADIUS);
  for (let r = Math.max(row - reach, 0); r <= Math.min(row + reach, height - 1); r++)
    for (let c = Math.max(column - reach, 0); c <= Math.min(column + reach, width - 1); c++) {
      const inside =
        near((c + 0.5) * stride, x, box.left, box.right) && near((r + 0.5) * stride, y, box.top, box.bottom);
      if (inside || (r === row && c === column)) yield r * width + c;
    }
}

/**
 * One assignment per grid. A cell that several objects claim answers for the smallest.
 *
 * @param pictures the objects of each picture, in pixels
 * @param grids finest first
 */
export function assignCells(
  pictures: readonly (readonly LabeledBox[])[],
  grids: readonly CellGrid[],
): CellAssignment[] {
  const claims = grids.map(() => new Map<number, LabeledBox>());
  pictures.forEach((objects, n) => {
    for (const object of [...objects].sort((a, b) => areaOf(b) - areaOf(a))) {
      const g = gridOf(object, grids);
      const { height, width } = grids[g];
      for (const cell of cellsOf(object, grids[g])) claims[g].set(n * height * width + cell, object);
    }
  });
  return claims.map((claimed) => {
    const cells = Int32Array.from(claimed.keys()).sort();
    return { cells, objects: Array.from(cells, (cell) => claimed.get(cell)!) };
  });
}
