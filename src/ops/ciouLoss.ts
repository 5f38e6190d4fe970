/** Complete-IoU loss of boxes (Zheng et al. 2020, "Distance-IoU loss", arXiv:1911.08287), composed of ops. */
import type { Tensor } from '../autograd/index.js';
import { formatShape, ShapeError } from '../core/index.js';
import { add } from './add.js';
import { atan } from './atan.js';
import { checkSameShape } from './checks.js';
import { clamp } from './clamp.js';
import { div } from './div.js';
import { maximum } from './maximum.js';
import { mean } from './mean.js';
import { minimum } from './minimum.js';
import { mul } from './mul.js';
import { checkReduction, type Reduction } from './reduction.js';
import { select } from './select.js';
import { square } from './square.js';
import { sub } from './sub.js';
import { sum } from './sum.js';

/** Keeps divisors from 0. */
const EPS = 1e-9;

interface Sides {
  readonly left: Tensor;
  readonly top: Tensor;
  readonly right: Tensor;
  readonly bottom: Tensor;
}

function sidesOf(boxes: Tensor): Sides {
  const side = (index: number): Tensor => select(boxes, 1, index);
  return { left: side(0), top: side(1), right: side(2), bottom: side(3) };
}

const width = ({ left, right }: Sides): Tensor => sub(right, left);
const height = ({ top, bottom }: Sides): Tensor => sub(bottom, top);

/** Squared distance of the centres. */
function centreDistance(a: Sides, b: Sides): Tensor {
  const apart = (low: keyof Sides, high: keyof Sides): Tensor =>
    mul(sub(add(a[low], a[high]), add(b[low], b[high])), 0.5);
  return add(square(apart('left', 'right')), square(apart('top', 'bottom')));
}

/**
 * 1 - IoU + d^2 / c^2 + alpha v, where d is the distance of the centres, c the diagonal of the smallest box around both,
 * v = 4 / pi^2 (atan(w / h) - atan(w' / h'))^2 and alpha = v / (1 - IoU + v). The paper takes alpha as a constant when it
 * differentiates; here the gradient is that of the value, which points the same ways: down with v, up with IoU.
 *
 * @param boxes [n, 4]: left, top, right, bottom, with right > left and bottom > top
 * @param target [n, 4], the same
 * @returns a scalar, or [n] for the reduction 'none'
 */
export function ciouLoss(
  boxes: Tensor,
  target: Tensor,
  { reduction = 'mean' }: { reduction?: Reduction } = {},
): Tensor {
  checkReduction('ciouLoss', reduction, ['mean', 'sum', 'none']);
  if (boxes.rank !== 2 || boxes.shape[1] !== 4)
    throw new ShapeError(`boxes: ciouLoss got ${formatShape(boxes.shape)}; give [n, 4]`);
  checkSameShape('ciouLoss', 'target', target, 'boxes', boxes);
  const [a, b] = [sidesOf(boxes), sidesOf(target)];
  const common = mul(
    clamp(sub(minimum(a.right, b.right), maximum(a.left, b.left)), { min: 0 }),
    clamp(sub(minimum(a.bottom, b.bottom), maximum(a.top, b.top)), { min: 0 }),
  );
  const areas = add(mul(width(a), height(a)), mul(width(b), height(b)));
  const apart = sub(1, div(common, add(sub(areas, common), EPS)));
  const diagonal = add(
    square(sub(maximum(a.right, b.right), minimum(a.left, b.left))),
    square(sub(maximum(a.bottom, b.bottom), minimum(a.top, b.top))),
  );
  const angles = sub(atan(div(width(b), height(b))), atan(div(width(a), height(a))));
  const v = mul(square(angles), 4 / Math.PI ** 2);
  const shape = div(square(v), add(add(apart, v), EPS));
  const loss = add(add(apart, div(centreDistance(a, b), add(diagonal, EPS))), shape);
  return reduction === 'none' ? loss : reduction === 'sum' ? sum(loss) : mean(loss);
}
