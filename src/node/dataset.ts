/** Reads a folder of idx files, as MNIST and Fashion-MNIST come. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DataError, FormatError, type NDArray } from '../core/index.js';
import { ArrayDataset, parseIdx } from '../data/index.js';
import { readBytes, reasonOf } from './files.js';

export interface IdxFolder {
  readonly train: ArrayDataset;
  readonly test: ArrayDataset;
}

/** A small archive can unpack to any size; no data set of this kind is larger than this. */
const MAX_BYTES = 2 ** 30;

function namesOf(split: 'train' | 't10k', kind: 'images' | 'labels'): string[] {
  const rank = kind === 'images' ? 3 : 1;
  const stems = [
    `${split}-${kind}-idx${rank}-ubyte`,
    `${split}-${kind}.idx${rank}-ubyte`,
    `${split}-${kind}`,
  ];
  return stems.flatMap((stem) => [stem, `${stem}.gz`]);
}

function readIdx(dir: string, split: 'train' | 't10k', kind: 'images' | 'labels'): NDArray {
  const names = namesOf(split, kind);
  const name = names.find((n) => existsSync(join(dir, n)));
  if (name === undefined)
    throw new DataError(`${dir}: no ${split} ${kind} found; looked for ${names.join(', ')}`);
  const path = join(dir, name);
  const bytes = readBytes(path);
  return parseIdx(name.endsWith('.gz') ? gunzip(bytes, path) : bytes, path);
}

function gunzip(bytes: Uint8Array, path: string): Uint8Array {
  try {
    return new Uint8Array(gunzipSync(bytes, { maxOutputLength: MAX_BYTES }));
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new FormatError(
      `${path}: ${tooLarge ? 'it unpacks to more than 1 GiB' : `not a valid gzip file (${reasonOf(error)})`}`,
    );
  }
}

/**
 * The training and the test set in a folder, plain or compressed with gzip: `train-images-idx3-ubyte`,
 * `train-labels-idx1-ubyte`, and the same with `t10k` (also spelled `train-images.idx3-ubyte`).
 *
 * @throws DataError when a file is missing or sets do not fit each other; FormatError for a file that is no idx file
 */
export function loadIdxFolder(dir: string): IdxFolder {
  if (!existsSync(dir) || !statSync(dir).isDirectory())
    throw new DataError(`${dir}: no such folder; give the folder that holds the idx files`);
  const [trainLabels, testLabels] = [readIdx(dir, 'train', 'labels'), readIdx(dir, 't10k', 'labels')];
  const classes = Math.max(classesOf(trainLabels), classesOf(testLabels));
  return {
    train: new ArrayDataset(readIdx(dir, 'train', 'images'), trainLabels, { classes }),
    test: new ArrayDataset(readIdx(dir, 't10k', 'images'), testLabels, { classes }),
  };
}

function classesOf(labels: NDArray): number {
  let largest = 0;
  for (const label of labels.data) largest = Math.max(largest, label);
  return largest + 1;
}
