/**
 * The inner loop of every matrix product: a 3x2 register tile over packed panels.
 *
 * A panel holds 3 rows as [k][3], a B panel 2 columns as [k][2], both in doubles. The panels are constants of this
 * module and every element of a step has its own view, shifted by one element: V8 then knows address and length when it
 * compiles, and a load is one instruction. With arrays as parameters the same arithmetic runs at 4.0 instead of 7.3
 * GFLOP/s, for map checks, bounds checks and overflow checks outweigh it. A 3x2 tile is the largest (with 2x3) whose sums
 * and products V8 11 keeps in the 15 registers at once: 3x3, 4x3 and 4x4 spill and reach 4.7 to 5.2.
 */

/** Rows and columns of the tile. */
export const TILE_M = 3;
export const TILE_N = 2;

/** Doubles per panel buffer. Powers of two: an index masked with LENGTH - 1 needs no bounds check. */
export const A_LENGTH = 32768;
export const B_LENGTH = 65536;

// Unexported copies: V8 folds a module's own constants into its code, but loads an exported one anew each time round.
const A_MASK = A_LENGTH - 1;
const B_MASK = B_LENGTH - 1;
const M = TILE_M;
const N = TILE_N;

const SLACK = 8;
const a = new Float64Array(A_LENGTH + SLACK);
const b = new Float64Array(B_LENGTH + SLACK);
const a0 = new Float64Array(a.buffer, 0, A_LENGTH);
const a1 = new Float64Array(a.buffer, 8, A_LENGTH);
const a2 = new Float64Array(a.buffer, 16, A_LENGTH);
const b0 = new Float64Array(b.buffer, 0, B_LENGTH);
const b1 = new Float64Array(b.buffer, 8, B_LENGTH);

/** Where the packers write. Kernels run to completion one after the other, so that all of them share the two buffers. */
export function panels(): { a: Float64Array; b: Float64Array } {
  return { a, b };
}

/** sums[o + row * stride + column] += the product of the A panel at `ai` and the B panel at `bi`, `k` steps long. */
export function tile(ai: number, bi: number, k: number, sums: Float64Array, o: number, stride: number): void {
  let c00 = 0;
  let c01 = 0;
  let c10 = 0;
  let c11 = 0;
  let c20 = 0;
  let c21 = 0;
  const end = ai + k * M;
  while (ai < end) {
    const i = ai & A_MASK;
    const j = bi & B_MASK;
    const x0 = a0[i];
    const x1 = a1[i];
    const x2 = a2[i];
    const y0 = b0[j];
    const y1 = b1[j];
    c00 += x0 * y0;
    c01 += x0 * y1;
    c10 += x1 * y0;
    c11 += x1 * y1;
    c20 += x2 * y0;
    c21 += x2 * y1;
    ai = i + M;
    bi = j + N;
  }
  sums[o] += c00;
  sums[o + 1] += c01;
  o += stride;
  sums[o] += c10;
  sums[o + 1] += c11;
  o += stride;
  sums[o] += c20;
  sums[o + 1] += c21;
}
