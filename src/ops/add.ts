/** a + b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, operands, zip } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

export const addOp: OpDef<NoAttrs> = {
  name: 'add',
  infer: (inputs) => inferBinary('add', inputs),
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    return zip('add', a, b);
  },
  backward({ saved: [a, b], needsGrad }, g) {
    return [needsGrad[0] ? sumTo(g, a.shape) : null, needsGrad[1] ? sumTo(g, b.shape) : null];
  },
};

/**
 * a + b. Either side may be a number.
 * @throws ShapeError where the shapes do not broadcast, DTypeError for integer or mixed types
 */
export function add(a: Tensor | number, b: Tensor | number): Tensor {
  return apply(addOp, operands('add', a, b), NO_ATTRS);
}
