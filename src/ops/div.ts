/** a / b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, negated, operands, zip } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

export const divOp: OpDef<NoAttrs> = {
  name: 'div',
  infer: (inputs) => inferBinary('div', inputs),
  forward(ctx, [a, b]) {
    const y = zip('div', a, b);
    ctx.save(a, b, y);
    return y;
  },
  backward({ saved: [a, b, y], needsGrad }, g) {
    const da = zip('div', g, b);
    return [
      needsGrad[0] ? sumTo(da, a.shape) : null,
      needsGrad[1] ? sumTo(negated(zip('mul', da, y)), b.shape) : null,
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
