/** a - b, with numpy broadcasting. */
import { NDArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, operands, zip, type BinaryLoop } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

const difference: BinaryLoop = (n, a, ao, as, b, bo, bs, y, yo) => {
  for (const end = yo + n; yo < end; ao += as, bo += bs) y[yo++] = a[ao] - b[bo];
};

export const subOp: OpDef<NoAttrs> = {
  name: 'sub',
  infer: (inputs) => inferBinary('sub', inputs),
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    return zip(difference, a, b);
  },
  backward({ saved: [a, b], needsGrad }, g) {
    return [
      needsGrad[0] ? sumTo(g, a.shape) : null,
      needsGrad[1] ? zip(difference, NDArray.zeros([], g.dtype), sumTo(g, b.shape)) : null,
    ];
  },
};

/**
 * a - b. Either side may be a number.
 * @throws ShapeError where the shapes do not broadcast, DTypeError for integer or mixed types
 */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  return apply(subOp, operands('sub', a, b), NO_ATTRS);
}
