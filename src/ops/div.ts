/** a / b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, operands, zip, type BinaryLoop } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

const quotient: BinaryLoop = (n, a, ao, as, b, bo, bs, y, yo) => {
  for (const end = yo + n; yo < end; ao += as, bo += bs) y[yo++] = a[ao] / b[bo];
};
const negatedProduct: BinaryLoop = (n, a, ao, as, b, bo, bs, y, yo) => {
  for (const end = yo + n; yo < end; ao += as, bo += bs) y[yo++] = -a[ao] * b[bo];
};

export const divOp: OpDef<NoAttrs> = {
  name: 'div',
  infer: (inputs) => inferBinary('div', inputs),
  forward(ctx, [a, b]) {
    const y = zip(quotient, a, b);
    ctx.save(a, b, y);
    return y;
  },
  backward({ saved: [a, b, y], needsGrad }, g) {
    const da = zip(quotient, g, b);
    return [
      needsGrad[0] ? sumTo(da, a.shape) : null,
      needsGrad[1] ? sumTo(zip(negatedProduct, da, y), b.shape) : null,
    ];
  },
};

/**
 * a / b. Either side may be a number.
 * @throws ShapeError where the shapes do not broadcast, DTypeError for integer or mixed types
 */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  return apply(divOp, operands('div', a, b), NO_ATTRS);
}
