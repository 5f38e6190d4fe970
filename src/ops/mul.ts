/** a * b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, operands, zip } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

export const mulOp: OpDef<NoAttrs> = {
  name: 'mul',
  infer: (inputs) => inferBinary('mul', inputs),
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    return zip('mul', a, b);
  },
  backward({ saved: [a, b], needsGrad }, g) {
    return [
      needsGrad[0] ? sumTo(zip('mul', g, b), a.shape) : null,
      needsGrad[1] ? sumTo(zip('mul', g, a), b.shape) : null,
    ];
  },
};

/**
 * a * b. Either side may be a number.
 * @throws ShapeError where the shapes do not broadcast, DTypeError for integer or mixed types
 */
export function mul(a: Tensor | number, b: Tensor | number): Tensor {
  return apply(mulOp, operands('mul', a, b), NO_ATTRS);
}
