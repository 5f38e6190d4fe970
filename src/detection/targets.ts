/** What is in pictures, as the tensor that a training batch carries. */
import { Tensor } from '../autograd/index.js';
import { ArgumentError, formatShape, NDArray, ShapeError } from '../core/index.js';
import type { LabeledBox } from './boxes.js';

/** label, left, top, right, bottom */
const FIELDS = 5;
const NOTHING = -1;

/** float32 [n, most objects of one picture, 5]: label, left, top, right, bottom; rows that hold nothing have the label -1. */
export function encodeTargets(pictures: readonly (readonly LabeledBox[])[]): Tensor {
  const most = Math.max(1, ...pictures.map(({ length }) => length));
  const targets = NDArray.full([pictures.length, most, FIELDS], NOTHING, 'float32');
  pictures.forEach((objects, n) => {
    objects.forEach(({ label, left, top, right, bottom }, i) => {
      if (!(Number.isInteger(label) && label >= 0 && right > left && bottom > top))
        throw new ArgumentError(
          `pictures: object ${i} of picture ${n} has label ${label} and corners (${left}, ${top}), (${right}, ${bottom}); give a class from 0 on and a box that is not empty`,
        );
      targets.data.set([label, left, top, right, bottom], (n * most + i) * FIELDS);
    });
  });
  return new Tensor(targets);
}

/** The objects of each picture; throws ShapeError for what {@link encodeTargets} does not give. */
export function decodeTargets(targets: Tensor): LabeledBox[][] {
  const [count, most, fields] = targets.shape;
  if (targets.rank !== 3 || fields !== FIELDS)
    throw new ShapeError(`targets: have shape ${formatShape(targets.shape)}; give [n, objects, ${FIELDS}]`);
  return Array.from({ length: count }, (_, n) =>
    Array.from({ length: most }, (_, i) => {
      const at = (n * most + i) * FIELDS;
      const [label, left, top, right, bottom] = targets.data.subarray(at, at + FIELDS);
      return { label, left, top, right, bottom };
    }).filter(({ label }) => label !== NOTHING),
  );
}
