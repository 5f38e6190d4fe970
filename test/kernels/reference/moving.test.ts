/** Ops that move, mix or look up codes: qconcat, qpad, qresize, qbilinear, qlut. */
import t from 'tap';
import { type Memory, reference, run } from '../../../kernels/index.js';
import { nearestIndices } from '../../../kernels/reference/qresize.js';

t.test('concat copies equal qparams and requantizes others', (t) => {
  const y = { data: new Int8Array(8), scale: 1, zeroPoint: 0 };
  const inputs = [
    { data: Int8Array.of(1, 2, 3, 4), scale: 1, zeroPoint: 0, inner: 2 },
    { data: Int8Array.of(10, 20), scale: 0.5, zeroPoint: 2, inner: 1 },
    { data: Uint8Array.of(128, 255), scale: 1, zeroPoint: 128, inner: 1 },
  ];
  run(reference, 'qconcat', { numerics: 'float', outer: 2, inputs, min: -128, max: 100, y });
  t.strictSame([...y.data], [1, 2, 4, 0, 3, 4, 9, 100]);
  t.end();
});

t.test('pad', (t) => {
  const y = new Int8Array(12);
  const pads = [
    [0, 1],
    [2, 0],
  ] as const;
  run(reference, 'qpad', { shape: [2, 2], pads, x: Int8Array.of(1, 2, 3, 4), value: -9, y });
  t.strictSame([...y], [-9, -9, 1, 2, -9, -9, 3, 4, -9, -9, -9, -9]);

  const whole = new Uint8Array(2);
  const none = [
    [0, 0],
    [0, 0],
    [0, 0],
  ] as const;
  run(reference, 'qpad', { shape: [1, 2, 1], pads: none, x: Uint8Array.of(7, 8), value: 0, y: whole });
  t.strictSame([...whole], [7, 8]);
  t.end();
});

t.test('a prepared pad can run again', (t) => {
  const [x, y] = [Int8Array.of(1), new Int8Array(3)];
  const kernel = reference.find(({ op }) => op === 'qpad') as (typeof reference)[number] & { op: 'qpad' };
  const memory: Memory = { allocate: () => t.fail('needs no memory') as never, scope: (f) => f() };
  const execute = kernel.prepare({ shape: [1], pads: [[1, 1]], x, value: 0, y }, memory);
  execute();
  x[0] = 2;
  execute();
  t.strictSame([...y], [0, 2, 0]);
  t.end();
});

t.test('nearest indices', (t) => {
  t.strictSame([...nearestIndices(3, 6, false, false)], [0, 0, 1, 1, 2, 2]);
  t.strictSame([...nearestIndices(6, 3, false, false)], [0, 2, 4]);
  t.strictSame([...nearestIndices(6, 3, false, true)], [1, 3, 5]);
  t.strictSame([...nearestIndices(3, 5, true, false)], [0, 1, 1, 2, 2], 'half away from zero');
  t.strictSame([...nearestIndices(4, 1, true, false)], [0]);
  t.strictSame([...nearestIndices(5, 5, false, true)], [0, 1, 2, 3, 4]);
  for (let out = 1; out < 50; out++)
    for (const half of [false, true]) t.ok(nearestIndices(7, out, false, half).every((i) => i >= 0 && i < 7));
  t.end();
});

t.test('resize keeps channels together', (t) => {
  const y = new Int8Array(16);
  const size = { batch: 2, inHeight: 1, inWidth: 2, outHeight: 2, outWidth: 2, channels: 2 };
  const x = Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  run(reference, 'qresize', { ...size, alignCorners: false, halfPixelCenters: false, x, y });
  t.strictSame([...y], [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8]);
  t.end();
});

t.test('lookup starts at the smallest code', (t) => {
  const table = Uint8Array.from({ length: 256 }, (_, i) => 255 - i);
  const y = new Uint8Array(3);
  run(reference, 'qlut', { x: Int8Array.of(-128, 0, 127), table, y });
  t.strictSame([...y], [255, 127, 0]);
  run(reference, 'qlut', { x: Uint8Array.of(0, 128, 255), table, y });
  t.strictSame([...y], [255, 127, 0]);
  t.end();
});

t.test('lookup with a table per channel', (t) => {
  const table = Int8Array.from({ length: 512 }, (_, i) => (i < 256 ? i - 128 : 3));
  const y = new Int8Array(4);
  run(reference, 'qlut', { x: Int8Array.of(-128, 9, 127, 9), channels: 2, table, y });
  t.strictSame([...y], [-128, 3, 127, 3]);
  t.end();
});

t.test('bilinear resize', (t) => {
  const size = { batch: 1, inHeight: 1, inWidth: 3, outHeight: 1, outWidth: 5, channels: 1 };
  const x = Int8Array.of(-100, 0, 7);
  const resize = (how: { alignCorners: boolean; halfPixelCenters: boolean }, fixed: boolean): number[] => {
    const y = new Int8Array(5);
    const numerics = fixed
      ? ({ numerics: 'fixed', rounding: 'double' } as const)
      : ({ numerics: 'float' } as const);
    run(reference, 'qbilinear', { ...numerics, ...size, ...how, x, y });
    return [...y];
  };
  const corners = { alignCorners: true, halfPixelCenters: false };
  t.strictSame(resize(corners, false), [-100, -50, 0, 4, 7], '3.5 goes to the even 4');
  t.strictSame(resize(corners, true), [-100, -50, 0, 4, 7]);
  const asymmetric = { alignCorners: false, halfPixelCenters: false };
  t.strictSame(resize(asymmetric, false), [-100, -40, 1, 6, 7], 'positions 0, 0.6, 1.2, 1.8, 2.4');
  t.strictSame(resize(asymmetric, true), [-100, -40, 1, 6, 7]);
  const half = { alignCorners: false, halfPixelCenters: true };
  t.strictSame(resize(half, false), [-100, -60, 0, 4, 7], 'positions -0.2, 0.4, 1, 1.6, 2.2');
  t.strictSame(resize(half, true), [-100, -60, 0, 4, 7]);
  t.end();
});
