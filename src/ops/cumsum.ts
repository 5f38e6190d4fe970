/** Running sums along an axis. */
import { NDArray, normalizeAxis } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { eachLine, viewAxis } from './axis.js';
import { checkFloats } from './checks.js';

export interface CumsumAttrs {
  readonly axis: number;
}

/** The gradient of running sums is the running sum from the other end. */
function running(x: NDArray, axis: number, backwards: boolean): NDArray {
  const y = NDArray.like(x);
  const { outer, n, inner } = viewAxis(x.shape, axis);
  eachLine({ outer, n, inner }, (start) => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const at = start + (backwards ? n - 1 - i : i) * inner;
      y.data[at] = sum += x.data[at];
    }
  });
  return y;
}

export const cumsumOp: OpDef<CumsumAttrs> = {
  name: 'cumsum',
  infer([x]) {
    checkFloats('cumsum', { x });
    return x;
  },
  forward: (_, [x], { axis }) => running(x, axis, false),
  backward: (_, g, { axis }) => [running(g, axis, true)],
};

/** y[i] = x[0] + ... + x[i] along `axis`. */
export function cumsum(x: Tensor, { axis }: CumsumAttrs): Tensor {
  return apply(cumsumOp, [x], { axis: normalizeAxis(axis, x.rank) });
}
