/** Boxes: overlap, suppression, and what outputs of detectors mean. */
import t from 'tap';
import { NDArray } from '../../src/core/index.js';
import {
  blazeface,
  drawBoxes,
  iou,
  keptShare,
  meanAveragePrecision,
  nonMaximumSuppression,
  ultraface,
  type Box,
  type LabeledBox,
  type LabeledDetection,
} from '../../src/detection/index.js';

const box = (left: number, top: number, right: number, bottom: number): Box => ({ left, top, right, bottom });

t.test('intersection over union', (t) => {
  t.equal(iou(box(0, 0, 2, 2), box(1, 1, 3, 3)), 1 / 7);
  t.equal(iou(box(0, 0, 2, 2), box(0, 0, 2, 2)), 1);
  t.equal(iou(box(0, 0, 1, 1), box(1, 0, 2, 1)), 0, 'they touch');
  t.equal(iou(box(0, 0, 0, 0), box(0, 0, 0, 0)), 0);
  t.equal(iou(box(1, 1, 0, 0), box(0, 0, 1, 1)), 0, 'an inside-out box is empty');
  t.end();
});

t.test('the best of boxes that overlap, and all that do not', (t) => {
  const scored = (b: Box, score: number) => ({ ...b, score });
  const a = scored(box(0, 0, 10, 10), 0.6);
  const b = scored(box(1, 0, 11, 10), 0.9);
  const c = scored(box(20, 20, 30, 30), 0.3);
  t.same(nonMaximumSuppression([a, b, c], 0.5), [b, c]);
  t.same(nonMaximumSuppression([a, b, c], 0.9), [b, a, c]);
  t.same(nonMaximumSuppression([], 0.5), []);
  t.end();
});

t.test('a box is kept by one box only', (t) => {
  const reference = [box(0, 0, 10, 10), box(0, 0, 10, 11)];
  t.equal(keptShare(reference, [box(0, 0, 10, 10)]), 0.5);
  t.equal(keptShare(reference, reference), 1);
  t.equal(keptShare([], [box(0, 0, 1, 1)]), 1);
  t.equal(keptShare(reference, []), 0);
  t.end();
});

t.test('BlazeFace: anchors of two grids', (t) => {
  const outputs = [
    [1, 512, 1],
    [1, 384, 1],
    [1, 512, 16],
    [1, 384, 16],
  ].map((shape) => NDArray.full(shape, shape[2] === 1 ? -20 : 0, 'float32'));
  // second anchor of the cell in row 3, column 5 of 16 x 16: its middle is at (5.5, 3.5) / 16
  outputs[0].data[2 * (3 * 16 + 5) + 1] = 4;
  outputs[2].data.set([6.4, -12.8, 32, 64], 16 * (2 * (3 * 16 + 5) + 1));
  // last anchor of the last cell of 8 x 8
  outputs[1].data[383] = 2;
  outputs[3].data.set([0, 0, 12.8, 12.8], 16 * 383);
  const found = blazeface.decode(outputs, 0.5);
  t.equal(found.length, 2);
  const [x, y] = [5.5 / 16 + 0.05, 3.5 / 16 - 0.1];
  const near = (got: number, want: number): void => void t.ok(Math.abs(got - want) < 1e-6, `${got} ${want}`);
  near(found[0].left, x - 0.125);
  near(found[0].right, x + 0.125);
  near(found[0].top, y - 0.25);
  near(found[0].bottom, y + 0.25);
  near(found[0].score, 1 / (1 + Math.exp(-4)));
  near(found[1].left, 7.5 / 8 - 0.05);
  t.same(blazeface.decode(outputs, 0.99), []);
  t.throws(() => blazeface.decode(outputs.slice(1), 0.5), {
    code: 'graph',
    message: /1 outputs.*another model/,
  });
  t.end();
});

t.test('UltraFace: boxes as they are', (t) => {
  const scores = new NDArray(Float32Array.of(0.9, 0.1, 0.2, 0.8), [1, 2, 2]);
  const boxes = new NDArray(Float32Array.of(0, 0, 1, 1, 0.25, 0.5, 0.75, 1), [1, 2, 4]);
  const [found] = ultraface.decode([boxes, scores], 0.5);
  t.match(found, { left: 0.25, top: 0.5, right: 0.75, bottom: 1 });
  t.end();
});

const object = (label: number, b: Box): LabeledBox => ({ ...b, label });
const found = (label: number, b: Box, score: number): LabeledDetection => ({ ...b, label, score });

t.test('mean average precision, by hand', (t) => {
  const [a, b, c] = [box(0, 0, 10, 10), box(20, 0, 30, 10), box(0, 20, 10, 30)];
  const pictures = [[object(0, a), object(0, b)], [object(0, c)]];
  const detections = [
    [found(0, a, 0.9), found(0, box(50, 50, 60, 60), 0.8), found(0, a, 0.6), found(0, b, 0.5)],
    [found(0, c, 0.7)],
  ];
  // right, wrong, right, twice, right: precisions 1, 1/2, 2/3, 2/4, 3/5; a third of the area at 1, 2/3 and 3/5
  const quality = meanAveragePrecision(detections, pictures);
  t.equal(quality.classes.length, 1);
  t.equal(quality.classes[0].objects, 3);
  t.ok(Math.abs(quality.meanAveragePrecision - (1 + 2 / 3 + 3 / 5) / 3) < 1e-12);
  // a precision counts for all smaller recalls: wrong, right, right: 0, 1/2, 2/3 become 2/3, 2/3
  const late = meanAveragePrecision(
    [[found(0, c, 0.9), found(0, a, 0.8), found(0, b, 0.7)]],
    [[object(0, a), object(0, b)]],
  );
  t.ok(Math.abs(late.meanAveragePrecision - 2 / 3) < 1e-12);
  t.end();
});

t.test('mean average precision: classes, thresholds, nothing', (t) => {
  const a = box(0, 0, 10, 10);
  const mixed = meanAveragePrecision([[found(0, a, 0.9), found(1, a, 0.9)]], [[object(0, a), object(2, a)]]);
  t.same(
    mixed.classes.map(({ label, averagePrecision }) => [label, averagePrecision]),
    [
      [0, 1],
      [2, 0],
    ],
    'a class without objects does not count, one that is never found does',
  );
  t.equal(mixed.meanAveragePrecision, 0.5);
  const half = [[found(0, box(0, 0, 10, 5), 0.9)]]; // overlaps by exactly a half
  t.equal(meanAveragePrecision(half, [[object(0, a)]]).meanAveragePrecision, 1);
  t.equal(meanAveragePrecision(half, [[object(0, a)]], { threshold: 0.51 }).meanAveragePrecision, 0);
  t.equal(meanAveragePrecision([[]], [[object(0, a)]]).meanAveragePrecision, 0);
  t.ok(Number.isNaN(meanAveragePrecision([[]], [[]]).meanAveragePrecision));
  t.throws(() => meanAveragePrecision([], [[]]), { code: 'argument', message: /found: .*0 pictures/ });
  t.throws(() => meanAveragePrecision([], [], { threshold: 0 }), { code: 'argument', message: /threshold/ });
  t.end();
});

t.test('outlines of boxes, cut off at the edge', (t) => {
  const image = NDArray.zeros([8, 10, 3], 'uint8') as NDArray<'uint8'>;
  const out = drawBoxes(image, [box(1.4, 1, 7, 20)], [9, 8, 7]);
  t.ok(
    image.data.every((v) => v === 0),
    'the picture stays as it was',
  );
  const rows = Array.from({ length: 8 }, (_, y) =>
    Array.from({ length: 10 }, (_, x) => (out.data[3 * (10 * y + x)] > 0 ? '#' : '.')).join(''),
  );
  const sides = '.##..##...';
  t.same(rows, ['..........', '.######...', '.######...', sides, sides, sides, sides, sides]);
  t.same([...out.data.subarray(3 * 11, 3 * 12)], [9, 8, 7]);
  t.end();
});
