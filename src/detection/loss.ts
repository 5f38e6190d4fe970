/** What an anchor-free detector is trained with: complete IoU of boxes, focal loss of objectness, cross entropy of classes. */
import { tensor, Tensor } from '../autograd/index.js';
import { ArgumentError, formatShape, NDArray, ShapeError } from '../core/index.js';
import {
  add,
  bceWithLogits,
  ciouLoss,
  indexSelect,
  mul,
  reshape,
  sigmoidFocalLoss,
  softplus,
} from '../ops/index.js';
import { assignCells, centreOf, type CellAssignment, type CellGrid } from './assignCells.js';
import { decodeTargets } from './targets.js';

/** Outputs per grid: box distances, objectness, classes. */
export const BRANCHES = 3;

export interface DetectionLossOptions {
  /** Pixels per cell of each grid, finest first. */
  readonly strides: readonly number[];
  /** Of the box loss; objectness and classes have 1. Default 2. */
  readonly boxWeight?: number;
}

/** The grids of [N, h, w, c] outputs. Throws ShapeError unless there are three outputs for each stride. */
export function gridsOf(
  outputs: readonly { readonly shape: readonly number[] }[],
  strides: readonly number[],
): CellGrid[] {
  if (outputs.length !== BRANCHES * strides.length)
    throw new ShapeError(
      `outputs: ${outputs.length} for the strides ${strides.join(', ')}; give boxes, objectness and classes for each of them`,
    );
  return strides.map((stride, level) => {
    const [boxes, objectness, classes] = outputs.slice(BRANCHES * level).map(({ shape }) => shape);
    const [, height, width] = boxes;
    const fit = [objectness, classes].every((shape) => shape[1] === height && shape[2] === width);
    if (boxes.length !== 4 || boxes[3] !== 4 || objectness[3] !== 1 || !fit)
      throw new ShapeError(
        `outputs: those of stride ${stride} have shapes ${[boxes, objectness, classes].map((shape) => formatShape(shape)).join(', ')}; give [N, h, w, 4], [N, h, w, 1] and [N, h, w, classes]`,
      );
    return { stride, height, width };
  });
}

const rowsOf = (x: Tensor): Tensor => reshape(x, [-1, x.shape[3]]);

/** Corners of the boxes that cells tell: softplus of each output is the distance from the centre to a side, in cells. */
function cornersOf(distances: Tensor, cells: Int32Array, grid: CellGrid): Tensor {
  const { stride } = grid;
  const corners = NDArray.zeros([cells.length, 4], distances.dtype);
  cells.forEach((cell, i) => {
    const [x, y] = centreOf(cell, grid);
    corners.data.set([x, y, x, y], 4 * i);
  });
  const outwards = tensor([-stride, -stride, stride, stride], { dtype: distances.dtype });
  return add(new Tensor(corners), mul(softplus(distances), outwards));
}

/** Losses of one grid, summed over its cells. */
function gridLoss(
  [boxes, objectness, classes]: readonly Tensor[],
  { cells, objects }: CellAssignment,
  grid: CellGrid,
  boxWeight: number,
): Tensor {
  const { dtype } = objectness;
  const wanted = NDArray.zeros(objectness.shape, dtype);
  for (const cell of cells) wanted.data[cell] = 1;
  const presence = sigmoidFocalLoss(objectness, new Tensor(wanted), { reduction: 'sum' });
  if (cells.length === 0) return presence;
  const index = new Tensor(new NDArray(cells, [cells.length]));
  const own = (x: Tensor): Tensor => indexSelect(rowsOf(x), index, { axis: 0 });
  const corners = NDArray.zeros([cells.length, 4], dtype);
  const labels = NDArray.zeros([cells.length, classes.shape[3]], dtype);
  objects.forEach(({ label, left, top, right, bottom }, i) => {
    if (label >= classes.shape[3])
      throw new ArgumentError(
        `targets: label ${label}, but the outputs have ${classes.shape[3]} classes, from 0 on`,
      );
    corners.data.set([left, top, right, bottom], 4 * i);
    labels.data[i * classes.shape[3] + label] = 1;
  });
  const overlap = ciouLoss(cornersOf(own(boxes), cells, grid), new Tensor(corners), { reduction: 'sum' });
  const kind = bceWithLogits(own(classes), new Tensor(labels), { reduction: 'sum' });
  return add(add(mul(overlap, boxWeight), kind), presence);
}

/**
 * A loss for `fit`: outputs as `models.Detector` gives them and targets of {@link encodeTargets}, to the mean over the cells
 * that answer for objects.
 */
export function detectionLoss(
  options: DetectionLossOptions,
): (outputs: readonly Tensor[], targets: Tensor) => Tensor {
  const { strides, boxWeight = 2 } = options;
  return (outputs, targets) => {
    const grids = gridsOf(outputs, strides);
    const assignments = assignCells(decodeTargets(targets), grids);
    const count = assignments.reduce((n, { cells }) => n + cells.length, 0);
    const losses = grids.map((grid, i) =>
      gridLoss(outputs.slice(BRANCHES * i), assignments[i], grid, boxWeight),
    );
    return mul(
      losses.reduce((a, b) => add(a, b)),
      1 / Math.max(count, 1),
    );
  };
}
