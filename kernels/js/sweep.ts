/**
 * Inner loops of depthwise convolution: one channel along one row of output positions, its filter in registers. Cells
 * come from a padded image (image.ts), so that there is no test for the border.
 */

/** out[oi + p * outStep] = sum_t cells[ci + p * step + taps[t]] * w[wi + t] */
export function sweep(
  cells: Float64Array,
  ci: number,
  step: number,
  taps: Int32Array,
  w: Float64Array,
  wi: number,
  out: Float64Array,
  oi: number,
  outStep: number,
  count: number,
): void {
  if (taps.length === 9 && taps[1] - taps[0] === step) {
    slide9(cells, ci, step, taps, w, wi, out, oi, outStep, count);
    return;
  }
  if (taps.length === 9) {
    sweep9(cells, ci, step, taps, w, wi, out, oi, outStep, count);
    return;
  }
  for (let p = 0; p < count; p++, ci += step, oi += outStep) {
    let sum = 0;
    for (let t = 0; t < taps.length; t++) sum += cells[ci + taps[t]] * w[wi + t];
    out[oi] = sum;
  }
}

function sweep9(
  cells: Float64Array,
  ci: number,
  step: number,
  taps: Int32Array,
  w: Float64Array,
  wi: number,
  out: Float64Array,
  oi: number,
  outStep: number,
  count: number,
): void {
  const w0 = w[wi];
  const w1 = w[wi + 1];
  const w2 = w[wi + 2];
  const w3 = w[wi + 3];
  const w4 = w[wi + 4];
  const w5 = w[wi + 5];
  const w6 = w[wi + 6];
  const w7 = w[wi + 7];
  const w8 = w[wi + 8];
  let i0 = (ci + taps[0]) | 0;
  let i1 = (ci + taps[3]) | 0;
  let i2 = (ci + taps[6]) | 0;
  const right = (taps[1] - taps[0]) | 0;
  const end = (oi + count * outStep) | 0;
  while (oi < end) {
    const j0 = (i0 + right) | 0;
    const j1 = (i1 + right) | 0;
    const j2 = (i2 + right) | 0;
    let sum = cells[i0] * w0 + cells[j0] * w1 + cells[(j0 + right) | 0] * w2;
    sum += cells[i1] * w3 + cells[j1] * w4 + cells[(j1 + right) | 0] * w5;
    sum += cells[i2] * w6 + cells[j2] * w7 + cells[(j2 + right) | 0] * w8;
    out[oi] = sum;
    oi = (oi + outStep) | 0;
    i0 = (i0 + step) | 0;
    i1 = (i1 + step) | 0;
    i2 = (i2 + step) | 0;
  }
}

/**
 * Neighbouring outputs share two of three columns: each column of three cells is loaded once, and its products with the
 * left and middle columns of the filter wait in `two` and `one` for the outputs that they belong to.
 */
function slide9(
  cells: Float64Array,
  ci: number,
  step: number,
  taps: Int32Array,
  w: Float64Array,
  wi: number,
  out: Float64Array,
  oi: number,
  outStep: number,
  count: number,
): void {
  const w0 = w[wi];
  const w1 = w[wi + 1];
  const w2 = w[wi + 2];
  const w3 = w[wi + 3];
  const w4 = w[wi + 4];
  const w5 = w[wi + 5];
  const w6 = w[wi + 6];
  const w7 = w[wi + 7];
  const w8 = w[wi + 8];
  let i0 = (ci + taps[0]) | 0;
  let i1 = (ci + taps[3]) | 0;
  let i2 = (ci + taps[6]) | 0;
  let one = cells[i0] * w0 + cells[i1] * w3 + cells[i2] * w6;
  i0 = (i0 + step) | 0;
  i1 = (i1 + step) | 0;
  i2 = (i2 + step) | 0;
  let two = one + cells[i0] * w1 + cells[i1] * w4 + cells[i2] * w7;
  one = cells[i0] * w0 + cells[i1] * w3 + cells[i2] * w6;
  const end = (oi + count * outStep) | 0;
  while (oi < end) {
    i0 = (i0 + step) | 0;
    i1 = (i1 + step) | 0;
    i2 = (i2 + step) | 0;
    const x0 = cells[i0];
    const x1 = cells[i1];
    const x2 = cells[i2];
    out[oi] = two + x0 * w2 + x1 * w5 + x2 * w8;
    two = one + x0 * w1 + x1 * w4 + x2 * w7;
    one = x0 * w0 + x1 * w3 + x2 * w6;
    oi = (oi + outStep) | 0;
  }
}
