/**
 * Makes data/fashion-mnist from the complete data set: the first 20,000 training images with their labels, and the
 * whole test set, as gzip-compressed idx files.
 *
 *   node scripts/make-fashion-mnist-subset.mjs [source folder] [destination folder]
 *
 * The source defaults to where the Debian package dataset-fashion-mnist puts it.
 */
import { Buffer } from 'node:buffer';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const TRAIN_COUNT = 20_000;
const source = process.argv[2] ?? '/usr/share/datasets/fashion-mnist';
const destination = process.argv[3] ?? fileURLToPath(new URL('../data/fashion-mnist', import.meta.url));

/** The first `count` items of an idx file: the header with another count, and so many items. */
function firstItems(idx, count) {
  const rank = idx[3];
  const header = Buffer.from(idx.subarray(0, 4 + 4 * rank));
  let itemBytes = 1;
  for (let i = 1; i < rank; i++) itemBytes *= header.readUInt32BE(4 + 4 * i);
  const available = header.readUInt32BE(4);
  if (available < count) throw new Error(`the source has ${available} items, fewer than ${count}`);
  header.writeUInt32BE(count, 4);
  return Buffer.concat([header, idx.subarray(header.length, header.length + count * itemBytes)]);
}

mkdirSync(destination, { recursive: true });
for (const [name, count] of [
  ['train-images-idx3-ubyte.gz', TRAIN_COUNT],
  ['train-labels-idx1-ubyte.gz', TRAIN_COUNT],
  ['t10k-images-idx3-ubyte.gz', null],
  ['t10k-labels-idx1-ubyte.gz', null],
]) {
  const idx = gunzipSync(readFileSync(join(source, name)));
  const part = count === null ? idx : firstItems(idx, count);
  const packed = gzipSync(part, { level: 9 });
  writeFileSync(join(destination, name), packed);
  process.stdout.write(`${name}: ${part.length} bytes, ${packed.length} compressed\n`);
}
