/** The larger of a and b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, operands, product, zip, type BinaryLoop } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

const maximumLoop: BinaryLoop = (n, a, ao, as, b, bo, bs, y, yo) => {
  for (const end = yo + n; yo < end; ao += as, bo += bs) y[yo++] = Math.max(a[ao], b[bo]);
};

/** The share of the gradient that goes to `a`: a tie is split, as in PyTorch. */
const share: BinaryLoop = (n, a, ao, as, b, bo, bs, y, yo) => {
  for (const end = yo + n; yo < end; ao += as, bo += bs)
    y[yo++] = a[ao] < b[bo] ? 0 : a[ao] === b[bo] ? 0.5 : 1;
};

export const maximumOp: OpDef<NoAttrs> = {
  name: 'maximum',
  infer: (inputs) => inferBinary('maximum', inputs),
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    return zip(maximumLoop, a, b);
  },
  backward({ saved: [a, b], needsGrad }, g) {
    return [
      needsGrad[0] ? sumTo(zip(product, g, zip(share, a, b)), a.shape) : null,
      needsGrad[1] ? sumTo(zip(product, g, zip(share, b, a)), b.shape) : null,
    ];
  },
};

/**
 * The larger of a and b; NaN if either is. Equal operands get half of the gradient each. Either side may be a number.
 * @throws ShapeError where the shapes do not broadcast, DTypeError for integer or mixed types
 */
export function maximum(a: Tensor | number, b: Tensor | number): Tensor {
  return apply(maximumOp, operands('maximum', a, b), NO_ATTRS);
}
