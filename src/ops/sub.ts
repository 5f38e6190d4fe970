/** a - b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, negated, operands, zip } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

export const subOp: OpDef<NoAttrs> = {
  name: 'sub',
  infer: (inputs) => inferBinary('sub', inputs),
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    return zip('sub', a, b);
  },
  backward({ saved: [a, b], needsGrad }, g) {
    return [needsGrad[0] ? sumTo(g, a.shape) : null, needsGrad[1] ? negated(sumTo(g, b.shape)) : null];
  },
};

/**
 * a - b. Either side may be a number.
 * @throws ShapeError where the shapes do not broadcast, DTypeError for integer or mixed types
 */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  return apply(subOp, operands('sub', a, b), NO_ATTRS);
}
