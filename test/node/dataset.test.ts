import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { loadIdxFolder } from '../../src/node/index.js';

function idx(sizes: number[], elements: number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.set([0, 0, 8, sizes.length]);
  sizes.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, Buffer.from(elements)]);
}

const TRAIN_IMAGES = idx([2, 1, 2], [1, 2, 3, 4]);
const TEST_IMAGES = idx([1, 1, 2], [5, 6]);

function folder(t: { testdir(): string }, files: Record<string, Buffer> = {}): string {
  const dir = t.testdir();
  const all: Record<string, Buffer> = {
    'train-images-idx3-ubyte': TRAIN_IMAGES,
    'train-labels-idx1-ubyte.gz': gzipSync(idx([2], [0, 4])),
    't10k-images.idx3-ubyte.gz': gzipSync(TEST_IMAGES),
    't10k-labels.idx1-ubyte': idx([1], [6]),
    ...files,
  };
  for (const [name, bytes] of Object.entries(all)) writeFileSync(join(dir, name), bytes);
  return dir;
}

t.test('plain and compressed files under their usual names', (t) => {
  const { train, test } = loadIdxFolder(folder(t));
  t.same([...train.images.data], [1, 2, 3, 4]);
  t.same(train.imageShape, [1, 2, 1]);
  t.same([...train.labels.data], [0, 4]);
  t.same([...test.images.data], [5, 6]);
  t.same([train.classes, test.classes], [7, 7], 'classes of both together');
  t.end();
});

t.test('what is missing or broken is named', (t) => {
  const dir = folder(t);
  t.throws(() => loadIdxFolder(join(dir, 'none')), { name: 'DataError', message: /none: no such folder/ });
  t.throws(() => loadIdxFolder(join(dir, 'train-images-idx3-ubyte')), { message: /no such folder/ });
  rmSync(join(dir, 'train-images-idx3-ubyte'));
  t.throws(() => loadIdxFolder(dir), {
    name: 'DataError',
    message: /no train images found; looked for train-images-idx3-ubyte, train-images-idx3-ubyte\.gz/,
  });
  t.end();
});

t.test('damaged archives', (t) => {
  const path = 'train-labels-idx1-ubyte.gz';
  t.throws(() => loadIdxFolder(folder(t, { [path]: Buffer.from('no archive') })), {
    name: 'FormatError',
    message: /labels-idx1-ubyte\.gz: not a valid gzip file/,
  });
  const dir = folder(t);
  truncateSync(join(dir, path), 15);
  t.throws(() => loadIdxFolder(dir), { name: 'FormatError', message: /not a valid gzip file/ });
  t.throws(() => loadIdxFolder(folder(t, { [path]: gzipSync(Buffer.alloc(2 ** 20)).subarray(0, 100) })), {
    name: 'FormatError',
  });
  t.end();
});

t.test('sets that do not fit', (t) => {
  t.throws(() => loadIdxFolder(folder(t, { 'train-images-idx3-ubyte': TEST_IMAGES })), {
    name: 'DataError',
    message: /2 labels for 1 images/,
  });
  t.end();
});

t.test('the Fashion-MNIST of the repository', (t) => {
  const dir = fileURLToPath(new URL('../../data/fashion-mnist', import.meta.url));
  const { train, test } = loadIdxFolder(dir);
  t.same([train.length, test.length, train.classes], [60_000, 10_000, 10]);
  t.same(train.imageShape, [28, 28, 1]);
  const mean = train.images.data.reduce((a, b) => a + b, 0) / train.images.size / 255;
  t.ok(Math.abs(mean - 0.286) < 0.002);
  t.end();
});
