/** Dropout with a given mask: the deterministic part of {@link dropout}. */
import { ArgumentError, DTypeError, NDArray, type ArraySpec } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkFloats, checkSameShape, floats } from './checks.js';

export interface DropoutWithMaskAttrs {
  /** The probability of a 0 in the mask, in [0, 1). */
  readonly p: number;
}

/** x * mask / (1 - p) */
export function applyMask(x: NDArray, mask: NDArray, p: number): NDArray {
  const y = NDArray.like(x);
  const [dx, dm, dy] = [floats(x), mask.data, floats(y)];
  const keep = 1 - p;
  for (let i = 0; i < dy.length; i++) dy[i] = (dx[i] * dm[i]) / keep;
  return y;
}

export function checkProbability(op: string, p: number): void {
  if (!(p >= 0 && p < 1)) throw new ArgumentError(`p: ${op} got ${p}; the probability to drop is in [0, 1)`);
}

function inferMask([x, mask]: readonly ArraySpec[], { p }: DropoutWithMaskAttrs): ArraySpec {
  checkFloats('dropoutWithMask', { x });
  if (mask.dtype !== 'uint8')
    throw new DTypeError(`mask: dropoutWithMask needs uint8 here, got ${mask.dtype}`);
  checkSameShape('dropoutWithMask', 'mask', mask, 'x', x);
  checkProbability('dropoutWithMask', p);
  return x;
}

export const dropoutWithMaskOp: OpDef<DropoutWithMaskAttrs> = {
  name: 'dropoutWithMask',
  infer: inferMask,
  forward(ctx, [x, mask], { p }) {
    ctx.save(mask);
    return applyMask(x, mask, p);
  },
  backward: ({ saved: [mask] }, g, { p }) => [applyMask(g, mask, p), null],
};

/** x * mask / (1 - p). `mask` is uint8 of the shape of `x`: 1 keeps, 0 drops. */
export function dropoutWithMask(x: Tensor, mask: Tensor, attrs: DropoutWithMaskAttrs): Tensor {
  return apply(dropoutWithMaskOp, [x, mask], attrs);
}
