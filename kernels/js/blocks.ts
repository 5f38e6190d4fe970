/**
 * The loops around the tile: blocks of columns, rows and depth that fit the panel buffers, whatever the operands are.
 * An operand knows how to copy a block of itself into panels; a sink takes finished blocks of sums.
 */
import { A_LENGTH, B_LENGTH, TILE_M, TILE_N, panels, tile } from './tile.js';

/** One side of a product: rows of A or columns of B ("lines"), each `k` long. */
export interface Operand {
  /**
   * Copies elements [k0, k1) of `count` lines, from line `first` on, to `to` as panels of `width` interleaved lines. What
   * it leaves in the missing lines of the last panel does not matter: those sums are dropped.
   */
  pack(first: number, count: number, k0: number, k1: number, to: Float64Array, width: number): void;
}

/** Takes rows [m0, m0 + rows) and columns [n0, n0 + columns): sums[row * stride + column]. */
export type Sink = (
  m0: number,
  rows: number,
  n0: number,
  columns: number,
  stride: number,
  first: boolean,
  last: boolean,
) => void;

/** Longest sum of one block of depth. Beyond, panels leave the first-level cache. */
export const MAX_DEPTH = 1024;
/** Doubles of the block of sums. */
export const SUMS_LENGTH = 16384;

/** Most columns of a block. */
export const MAX_COLUMNS = SUMS_LENGTH / 16;

const { a: panelA, b: panelB } = panels();
const sums = new Float64Array(SUMS_LENGTH);

/** The block of sums that a sink reads. */
export function blockSums(): Float64Array {
  return sums;
}

const floorTo = (x: number, step: number): number => x - (x % step);
const ceilTo = (x: number, step: number): number => floorTo(x + step - 1, step);

/**
 * All sums of a[m, k] * b[k, n]. With `flush` the sink gets the sums of every block of depth by themselves (first and last
 * say which one it is); without, they add up in doubles and the sink is called once per block of rows and columns.
 */
export function multiply(
  m: number,
  n: number,
  k: number,
  a: Operand,
  b: Operand,
  flush: boolean,
  sink: Sink,
): void {
  const depth = Math.max(1, Math.min(k, MAX_DEPTH));
  const columns = Math.min(
    ceilTo(n, TILE_N),
    floorTo(Math.floor(B_LENGTH / depth), TILE_N),
    SUMS_LENGTH / 16,
  );
  const rowLimit = Math.min(Math.floor(A_LENGTH / depth), Math.floor(SUMS_LENGTH / columns));
  const rows = Math.min(ceilTo(m, TILE_M), floorTo(rowLimit, TILE_M));
  for (let n0 = 0; n0 < n; n0 += columns) {
    const nc = Math.min(columns, n - n0);
    const stride = ceilTo(nc, TILE_N);
    for (let m0 = 0; m0 < m; m0 += rows) {
      const mc = Math.min(rows, m - m0);
      const used = ceilTo(mc, TILE_M) * stride;
      sums.fill(0, 0, used);
      for (let k0 = 0; k0 < k; k0 += depth) {
        const k1 = Math.min(k, k0 + depth);
        if (k > depth || m0 === 0) b.pack(n0, nc, k0, k1, panelB, TILE_N);
        a.pack(m0, mc, k0, k1, panelA, TILE_M);
        tiles(mc, stride, k1 - k0);
        if (flush && k1 < k) {
          sink(m0, mc, n0, nc, stride, k0 === 0, false);
          sums.fill(0, 0, used);
        }
      }
      sink(m0, mc, n0, nc, stride, !flush || k <= depth, true);
    }
  }
}

/** The A panel stays in the first-level cache while all B panels of the block pass. */
function tiles(rows: number, stride: number, k: number): void {
  for (let i = 0; i < rows; i += TILE_M) {
    for (let j = 0; j < stride; j += TILE_N) tile(i * k, j * k, k, sums, i * stride + j, stride);
  }
}
