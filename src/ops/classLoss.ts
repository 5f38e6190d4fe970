/** What crossEntropy and nllLoss share: labels, class weights, rows to ignore, the weighted mean. */
import {
  ArgumentError,
  formatShape,
  sameShape,
  ShapeError,
  type ArraySpec,
  type NDArray,
  type Shape,
} from '../core/index.js';
import { checkFloats, checkIndices, floats } from './checks.js';
import { checkReduction, type Reduction } from './reduction.js';

export interface ClassLossAttrs {
  /** Rows with this label count for nothing. */
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
}

export function inferClassLoss(
  op: string,
  [x, target, weight]: readonly ArraySpec[],
  { reduction }: ClassLossAttrs,
): ArraySpec {
  checkFloats(op, { x, classWeight: weight });
  checkIndices(op, 'target', target);
  checkReduction(op, reduction, ['mean', 'sum', 'none']);
  if (x.shape.length === 0) throw new ShapeError(`x: ${op} takes [..., C], got a scalar`);
  const rows = x.shape.slice(0, -1);
  const classes = x.shape[x.shape.length - 1];
  if (!sameShape(target.shape, rows))
    throw new ShapeError(
      `target: ${op} needs shape ${formatShape(rows)}, a label per row of x, got ${formatShape(target.shape)}`,
    );
  if (weight !== undefined && !sameShape(weight.shape, [classes]))
    throw new ShapeError(
      `classWeight: ${op} needs shape [${classes}], one per class, got ${formatShape(weight.shape)}`,
    );
  return { shape: outputShape(target.shape, reduction), dtype: x.dtype };
}

export function outputShape(rows: Shape, reduction: Reduction): Shape {
  return reduction === 'none' ? rows : [];
}

/** Calls `visit` for each row not ignored. Throws ArgumentError for a label outside [0, classes). */
export function eachLabel(
  op: string,
  target: NDArray,
  classes: number,
  ignoreIndex: number,
  visit: (row: number, label: number) => void,
): void {
  const labels = target.data;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row];
    if (label === ignoreIndex) continue;
    if (label < 0 || label >= classes)
      throw new ArgumentError(
        `target: ${op} got label ${label} in row ${row}; labels are 0 to ${classes - 1}`,
      );
    visit(row, label);
  }
}

/** What the sum over rows is divided by: for the mean, the weights of the labels (their number without weights). */
export function classDivisor(
  op: string,
  target: NDArray,
  weight: NDArray | undefined,
  classes: number,
  { ignoreIndex, reduction }: ClassLossAttrs,
): number {
  if (reduction !== 'mean') return 1;
  let sum = 0;
  eachLabel(op, target, classes, ignoreIndex, (_, label) => {
    sum += weight === undefined ? 1 : floats(weight)[label];
  });
  return sum;
}
