/** The smaller of a and b, with numpy broadcasting. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { inferBinary, operands, zip } from './binary.js';
import { NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';

export const minimumOp: OpDef<NoAttrs> = {
  name: 'minimum',
  infer: (inputs) => inferBinary('minimum', inputs),
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    return zip('minimum', a, b);
  },
  backward({ saved: [a, b], needsGrad }, g) {
    return [
      needsGrad[0] ? sumTo(zip('mul', g, zip('share', b, a)), a.shape) : null,
      needsGrad[1] ? sumTo(zip('mul', g, zip('share', a, b)), b.shape) : null,
    ];
  },
};

/**
 * The smaller of a and b; NaN if either is. Equal operands get half of the gradient each. Either side may be a number.
 * @throws ShapeError where the shapes do not broadcast, DTypeError for integer or mixed types
 */
export function minimum(a: Tensor | number, b: Tensor | number): Tensor {
  return apply(minimumOp, operands('minimum', a, b), NO_ATTRS);
}
