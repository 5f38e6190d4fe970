/** Softmax cross entropy of class labels, with class weights and label smoothing (arXiv:1512.00567, section 7). */
import { ArgumentError, NDArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { floats } from './checks.js';
import { classDivisor, eachLabel, inferClassLoss, outputShape, type ClassLossAttrs } from './classLoss.js';
import { logSumExpAt } from './logsumexp.js';

export interface CrossEntropyAttrs extends ClassLossAttrs {
  /** The share of the target that is spread evenly over all classes, in [0, 1]. */
  readonly labelSmoothing: number;
}

/**
 * The target of a row puts q[c] = w[c] ((1 - s) [c = label] + s / C) on class c, so its loss is -sum q[c] log p[c], with
 * p = softmax(x), and the gradient of x[c] is p[c] sum(q) - q[c].
 */
function smoothed(
  label: number,
  weight: NDArray | undefined,
  classes: number,
  smoothing: number,
  q: Float64Array,
) {
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const share = smoothing / classes + (c === label ? 1 - smoothing : 0);
    sum += q[c] = share * (weight === undefined ? 1 : floats(weight)[c]);
  }
  return sum;
}

export const crossEntropyOp: OpDef<CrossEntropyAttrs> = {
  name: 'crossEntropy',
  infer(inputs, attrs) {
    if (!(attrs.labelSmoothing >= 0 && attrs.labelSmoothing <= 1))
      throw new ArgumentError(
        `labelSmoothing: crossEntropy got ${attrs.labelSmoothing}; it must lie in [0, 1]`,
      );
    return inferClassLoss('crossEntropy', inputs, attrs);
  },
  forward(ctx, [x, target, weight], attrs) {
    const classes = x.shape[x.rank - 1];
    const divisor = classDivisor('crossEntropy', target, weight, classes, attrs);
    const y = NDArray.zeros(outputShape(target.shape, attrs.reduction), x.dtype);
    const lse = new Float64Array(target.size);
    const q = new Float64Array(classes);
    const logits = floats(x);
    let sum = 0;
    eachLabel('crossEntropy', target, classes, attrs.ignoreIndex, (row, label) => {
      const start = row * classes;
      lse[row] = logSumExpAt(logits, start, classes, 1);
      smoothed(label, weight, classes, attrs.labelSmoothing, q);
      let loss = 0;
      for (let c = 0; c < classes; c++) if (q[c] !== 0) loss += q[c] * (lse[row] - logits[start + c]);
      if (attrs.reduction === 'none') y.data[row] = loss;
      else sum += loss;
    });
    if (attrs.reduction !== 'none') y.data[0] = sum / divisor;
    ctx.save(
      x,
      target,
      NDArray.full([], divisor, 'float64'),
      new NDArray<'float64'>(lse, [lse.length]),
      ...(weight === undefined ? [] : [weight]),
    );
    return y;
  },
  backward({ saved: [x, target, divisor, lse, weight] }, g, { ignoreIndex, reduction, labelSmoothing }) {
    const classes = x.shape[x.rank - 1];
    const out = NDArray.like(x);
    const q = new Float64Array(classes);
    const [logits, dx] = [floats(x), floats(out)];
    eachLabel('crossEntropy', target, classes, ignoreIndex, (row, label) => {
      const start = row * classes;
      const total = smoothed(label, weight, classes, labelSmoothing, q);
      const factor = g.data[reduction === 'none' ? row : 0] / floats(divisor)[0];
      for (let c = 0; c < classes; c++)
        dx[start + c] = factor * (Math.exp(logits[start + c] - lse.data[row]) * total - q[c]);
    });
    return [out, null, null];
  },
};

/**
 * -log softmax(x)[label] per row, times the weight of the label. 'mean' divides by the sum of these weights over the
 * rows that are not ignored (NaN when all are).
 *
 * @param x logits [..., C]
 * @param target class labels, int32 [...]
 * @throws ArgumentError for labels outside [0, C) other than `ignoreIndex`
 */
export function crossEntropy(
  x: Tensor,
  target: Tensor,
  {
    classWeight = null,
    ignoreIndex = -100,
    reduction = 'mean',
    labelSmoothing = 0,
  }: Partial<CrossEntropyAttrs> & { readonly classWeight?: Tensor | null } = {},
): Tensor {
  const inputs = classWeight === null ? [x, target] : [x, target, classWeight];
  return apply(crossEntropyOp, inputs, { ignoreIndex, reduction, labelSmoothing });
}
