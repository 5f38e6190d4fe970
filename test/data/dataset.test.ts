import t from 'tap';
import { NDArray } from '../../src/core/index.js';
import { ArrayDataset } from '../../src/data/index.js';

const images = (n: number, ...rest: number[]): NDArray => NDArray.zeros([n, ...rest], 'uint8');
const labels = (...values: number[]): NDArray => new NDArray(Uint8Array.from(values), [values.length]);

t.test('images without a channel axis get one, labels become int32', (t) => {
  const set = new ArrayDataset(images(3, 4, 5), labels(0, 2, 1));
  t.equal(set.length, 3);
  t.same(set.imageShape, [4, 5, 1]);
  t.equal(set.labels.dtype, 'int32');
  t.equal(set.classes, 3);
  t.equal(new ArrayDataset(images(1, 4, 5, 3), labels(0), { classes: 7 }).classes, 7);
  t.end();
});

t.test('a slice shares the pixels and keeps the classes', (t) => {
  const set = new ArrayDataset(images(4, 1, 2), labels(0, 1, 2, 1));
  const part = set.slice(1, 3);
  set.images.data[2] = 99;
  t.equal(part.length, 2);
  t.equal(part.images.data[0], 99);
  t.same([...part.labels.data], [1, 2]);
  t.equal(set.slice(3).classes, 3);
  t.throws(() => set.slice(2, 2), { name: 'DataError', message: /empty/ });
  t.throws(() => set.slice(9), { name: 'DataError', message: /empty/ });
  t.end();
});

t.test('sets that cannot be used are refused', (t) => {
  t.throws(() => new ArrayDataset(images(0, 4, 5), labels()), { name: 'DataError', message: /empty/ });
  t.throws(() => new ArrayDataset(images(2, 4, 5), labels(1)), {
    name: 'DataError',
    message: /1 labels for 2 images/,
  });
  t.throws(() => new ArrayDataset(images(2, 4), labels(1, 1)), { message: /no images/ });
  t.throws(() => new ArrayDataset(NDArray.zeros([1, 2, 2], 'float32'), labels(1)), { message: /float32/ });
  t.throws(() => new ArrayDataset(images(1, 2, 2), NDArray.zeros([1, 1], 'uint8')), { message: /labels/ });
  t.throws(() => new ArrayDataset(images(2, 2, 2), labels(1, 4), { classes: 4 }), {
    message: /label 4 of image 1/,
  });
  const fraction = new NDArray(Float32Array.of(0.5), [1]);
  t.throws(() => new ArrayDataset(images(1, 2, 2), fraction), { message: /label 0.5/ });
  t.end();
});
