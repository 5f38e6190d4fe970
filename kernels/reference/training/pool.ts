/** Max and average pooling of floats and their gradients. */
import type { Kernel, OpName, PoolWindows } from '../../types.js';

/** Calls `visit` for every element of every window: window row and column, places in the output, the image, the plane. */
function eachTap(
  { batch, height, width, channels, rows, columns }: PoolWindows,
  visit: (to: number, from: number, place: number, i: number, j: number, first: boolean) => void,
): void {
  let to = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows.start.length; i++)
      for (let j = 0; j < columns.start.length; j++, to += channels) {
        let first = true;
        for (let r = rows.start[i]; r < rows.end[i]; r += rows.step)
          for (let s = columns.start[j]; s < columns.end[j]; s += columns.step) {
            const place = r * width + s;
            visit(to, (n * height * width + place) * channels, place, i, j, first);
            first = false;
          }
      }
}

const supports = (): boolean => true;
const kernel = <O extends OpName>(op: O, prepare: Kernel<O>['prepare']): Kernel<O> => ({
  op,
  name: `f32-${op}-reference`,
  supports,
  prepare,
});

export const maxpool = kernel('maxpool', (p) => () => {
  const { x, y, winners, channels } = p;
  eachTap(p, (to, from, place, _i, _j, first) => {
    for (let c = 0; c < channels; c++) {
      const v = x[from + c];
      if (first || v > y[to + c] || v !== v) {
        y[to + c] = v;
        if (winners !== null) winners[to + c] = place;
      }
    }
  });
});

export const maxpoolGrad = kernel(
  'maxpoolGrad',
  ({ batch, height, width, channels, dy, winners, dx }) =>
    () => {
      dx.fill(0);
      const perImage = batch === 0 ? 0 : dy.length / batch;
      for (let n = 0; n < batch; n++) {
        const image = n * height * width * channels;
        for (let i = n * perImage; i < (n + 1) * perImage; i += channels)
          for (let c = 0; c < channels; c++) dx[image + winners[i + c] * channels + c] += dy[i + c];
      }
    },
);

export const avgpool = kernel('avgpool', (p) => {
  const sum = new Float64Array(p.channels);
  return () => {
    const { x, y, channels, rowDivisor, columnDivisor } = p;
    eachTap(p, (to, from, _, i, j, first) => {
      if (first) sum.fill(0);
      const divisor = rowDivisor[i] * columnDivisor[j];
      for (let c = 0; c < channels; c++) y[to + c] = (sum[c] += x[from + c]) / divisor;
    });
  };
});

export const avgpoolGrad = kernel('avgpoolGrad', (p) => () => {
  const { dy, dx, channels, rowDivisor, columnDivisor } = p;
  dx.fill(0);
  eachTap(p, (to, from, _place, i, j) => {
    const share = 1 / (rowDivisor[i] * columnDivisor[j]);
    for (let c = 0; c < channels; c++) dx[from + c] += dy[to + c] * share;
  });
});
