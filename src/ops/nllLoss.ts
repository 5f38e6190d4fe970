/** Negative log likelihood of class labels, from log probabilities. */
import { NDArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { floats } from './checks.js';
import { classDivisor, eachLabel, inferClassLoss, outputShape, type ClassLossAttrs } from './classLoss.js';

export const nllLossOp: OpDef<ClassLossAttrs> = {
  name: 'nllLoss',
  infer: (inputs, attrs) => inferClassLoss('nllLoss', inputs, attrs),
  forward(ctx, [x, target, weight], attrs) {
    const classes = x.shape[x.rank - 1];
    const divisor = classDivisor('nllLoss', target, weight, classes, attrs);
    ctx.save(x, target, NDArray.full([], divisor, 'float64'), ...(weight === undefined ? [] : [weight]));
    const y = NDArray.zeros(outputShape(target.shape, attrs.reduction), x.dtype);
    let sum = 0;
    eachLabel('nllLoss', target, classes, attrs.ignoreIndex, (row, label) => {
      const loss = -floats(x)[row * classes + label] * (weight === undefined ? 1 : floats(weight)[label]);
      if (attrs.reduction === 'none') y.data[row] = loss;
      else sum += loss;
    });
    if (attrs.reduction !== 'none') y.data[0] = sum / divisor;
    return y;
  },
  backward({ saved: [x, target, divisor, weight] }, g, { ignoreIndex, reduction }) {
    const classes = x.shape[x.rank - 1];
    const dx = NDArray.like(x);
    eachLabel('nllLoss', target, classes, ignoreIndex, (row, label) => {
      const w = weight === undefined ? 1 : floats(weight)[label];
      dx.data[row * classes + label] = (-w * g.data[reduction === 'none' ? row : 0]) / floats(divisor)[0];
    });
    return [dx, null, null];
  },
};

/**
 * -x[label] per row, times the weight of the label. 'mean' divides by the sum of these weights.
 *
 * @param x log probabilities [..., C]
 * @param target class labels, int32 [...]
 * @throws ArgumentError for labels outside [0, C) other than `ignoreIndex`
 */
export function nllLoss(
  x: Tensor,
  target: Tensor,
  {
    classWeight = null,
    ignoreIndex = -100,
    reduction = 'mean',
  }: Partial<ClassLossAttrs> & { readonly classWeight?: Tensor | null } = {},
): Tensor {
  return apply(nllLossOp, classWeight === null ? [x, target] : [x, target, classWeight], {
    ignoreIndex,
    reduction,
  });
}
