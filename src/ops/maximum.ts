/** The larger of a and b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, operands, zip } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

export const maximumOp: OpDef<NoAttrs> = {
  name: 'maximum',
  infer: (inputs) => inferBinary('maximum', inputs),
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    return zip('maximum', a, b);
  },
  backward({ saved: [a, b], needsGrad }, g) {
    return [
      needsGrad[0] ? sumTo(zip('mul', g, zip('share', a, b)), a.shape) : null,
      needsGrad[1] ? sumTo(zip('mul', g, zip('share', b, a)), b.shape) : null,
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
