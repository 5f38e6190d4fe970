import t from 'tap';
import { ArgumentError, NDArray } from '../../src/core/index.js';
import { ArrayDataset, DataLoader, type Batch, type LoaderOptions } from '../../src/data/index.js';

/** Image i has the pixels 10 i, 10 i + 1, ... and the label i. */
function numbered(count: number, height = 2, width = 3, channels = 1): ArrayDataset {
  const size = height * width * channels;
  const pixels = Uint8Array.from({ length: count * size }, (_, k) => 10 * Math.floor(k / size) + (k % size));
  return new ArrayDataset(
    new NDArray(pixels, [count, height, width, channels]),
    new NDArray(
      Int32Array.from({ length: count }, (_, i) => i),
      [count],
    ),
  );
}

/** std 1/255 gives pixel values back. */
const RAW = { std: 1 / 255 };
const pixels = (b: Batch): number[] => Array.from(b.inputs.data, (v) => Number(v.toFixed(3)));
const labels = (batches: Iterable<Batch>): number[] => Array.from(batches, (b) => [...b.targets.data]).flat();
const loader = (count: number, options: LoaderOptions): DataLoader =>
  new DataLoader(numbered(count), options);

t.test('batches in order, the last one as it comes or left out', (t) => {
  const all = loader(5, { batchSize: 2, ...RAW });
  t.equal(all.length, 3);
  t.equal(all.imageCount, 5);
  const batches = [...all];
  t.same(
    batches.map((b) => b.size),
    [2, 2, 1],
  );
  t.same(batches[1].inputs.shape, [2, 2, 3, 1]);
  t.equal(batches[1].inputs.dtype, 'float32');
  t.equal(batches[1].targets.dtype, 'int32');
  t.same(pixels(batches[2]), [40, 41, 42, 43, 44, 45]);
  const full = loader(5, { batchSize: 2, dropLast: true });
  t.same([full.length, full.imageCount, labels(full)], [2, 4, [0, 1, 2, 3]]);
  t.end();
});

t.test('pixels are normalised per channel', (t) => {
  const set = new ArrayDataset(
    new NDArray(Uint8Array.of(0, 255, 51), [1, 1, 1, 3]),
    new NDArray(Int32Array.of(0), [1]),
  );
  const [batch] = new DataLoader(set, { mean: [0.5, 0, 0.2], std: [0.5, 2, 1] });
  t.same(pixels(batch), [-1, 0.5, 0]);
  t.throws(() => new DataLoader(set, { mean: [1, 2] }), {
    name: 'ArgumentError',
    message: /mean: .* 3 finite/,
  });
  t.throws(() => new DataLoader(set, { std: 0 }), { name: 'ArgumentError', message: /std/ });
  t.end();
});

t.test('shuffling permutes anew each epoch, from the seed alone', (t) => {
  const make = (seed: number) => loader(20, { batchSize: 6, shuffle: true, seed });
  const a = make(1);
  const first = labels(a);
  const second = labels(a);
  t.same(
    [...first].sort((x, y) => x - y),
    Array.from({ length: 20 }, (_, i) => i),
  );
  t.notSame(first, second);
  const b = make(1);
  t.same([labels(b), labels(b)], [first, second]);
  t.notSame(labels(make(2)), first);
  t.end();
});

t.test('a position gives the same bits again, augmentation included', (t) => {
  const options = { batchSize: 3, shuffle: true, seed: 4, augment: { shift: 1, flip: true } };
  const straight = [...loader(10, options).batches({ epoch: 2, batch: 0 })];
  const resumed = [...loader(10, options).batches({ epoch: 2, batch: 2 })];
  t.equal(resumed.length, 2);
  resumed.forEach((b, i) => {
    t.same([...b.inputs.data], [...straight[i + 2].inputs.data]);
    t.same([...b.targets.data], [...straight[i + 2].targets.data]);
  });
  for (const position of [
    { epoch: 0, batch: 4 },
    { epoch: -1, batch: 0 },
    { epoch: 0, batch: 0.5 },
  ])
    t.throws(() => [...loader(10, options).batches(position)], {
      name: 'ArgumentError',
      message: /position/,
    });
  t.end();
});

t.test('a shift moves the image and brings black in', (t) => {
  const set = numbered(200, 2, 2);
  set.images.data.fill(0);
  for (let i = 0; i < set.length; i++) set.images.data.set([1, 2, 3, 4], 4 * i);
  const seen = new Set<string>();
  for (const b of new DataLoader(set, { batchSize: 1, augment: { shift: 1 }, ...RAW }))
    seen.add(pixels(b).join());
  t.same(
    [...seen].sort(),
    [
      '1,2,3,4',
      '0,1,0,3',
      '2,0,4,0',
      '0,0,1,2',
      '3,4,0,0',
      '0,0,0,1',
      '0,0,2,0',
      '0,3,0,0',
      '4,0,0,0',
    ].sort(),
  );
  t.end();
});

t.test('black is normalised like any pixel', (t) => {
  const set = numbered(50, 2, 2);
  const values = new Set(
    [...new DataLoader(set.slice(0, 50), { augment: { shift: 1 }, mean: 0.5 })].flatMap((b) => [
      ...b.inputs.data,
    ]),
  );
  t.ok(values.has(-0.5));
  t.notOk(values.has(0));
  t.end();
});

t.test('a flip mirrors left to right, about every other image', (t) => {
  const set = numbered(200);
  let mirrored = 0;
  for (const b of new DataLoader(set.slice(0, 20), { batchSize: 1, augment: { flip: true }, ...RAW })) {
    const base = 10 * b.targets.data[0];
    const got = pixels(b).map((v) => v - base);
    if (got[0] === 0) t.same(got, [0, 1, 2, 3, 4, 5]);
    else {
      mirrored++;
      t.same(got, [2, 1, 0, 5, 4, 3]);
    }
  }
  t.ok(mirrored > 4 && mirrored < 16);
  t.end();
});

t.test('a crop comes from the centre or from a random place', (t) => {
  const set = numbered(20, 4, 4);
  const center = [
    ...new DataLoader(set, { batchSize: 1, augment: { crop: [2, 2], cropAt: 'center' }, ...RAW }),
  ];
  t.same(center[0].inputs.shape, [1, 2, 2, 1]);
  t.same(pixels(center[0]), [5, 6, 9, 10]);
  const corners = new Set(
    [...new DataLoader(set, { batchSize: 1, augment: { crop: [3, 3] }, ...RAW })].map(
      (b) => pixels(b)[0] - 10 * b.targets.data[0],
    ),
  );
  t.same(
    [...corners].sort((a, b) => a - b),
    [0, 1, 4, 5],
  );
  t.end();
});

t.test('channels stay together', (t) => {
  const [batch] = new DataLoader(numbered(1, 1, 2, 3), {
    augment: { crop: [1, 1], cropAt: 'center' },
    ...RAW,
  });
  t.same(pixels(batch), [0, 1, 2]);
  t.end();
});

t.test('arguments out of range are refused', (t) => {
  t.throws(() => loader(5, { batchSize: 0 }), { name: 'ArgumentError', message: /batchSize: 0/ });
  t.throws(() => loader(5, { batchSize: 6, dropLast: true }), {
    name: 'DataError',
    message: /dropLast.*5 images/,
  });
  t.throws(() => loader(5, { augment: { crop: [3, 3] } }), { message: /crop: 3 x 3 does not fit .* 2 x 3/ });
  t.throws(() => loader(5, { augment: { shift: 2 } }), { message: /shift: 2/ });
  t.throws(() => loader(5, { augment: { shift: 0.5 } }), ArgumentError);
  t.end();
});
