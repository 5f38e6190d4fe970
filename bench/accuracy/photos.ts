/**
 * Real photos for imported networks: those in data/photos/calibration set the ranges, mirrored too; measured is on
 * data/photos and on those of the folder BENCH_PHOTOS.
 */
import { join } from 'node:path';
import { NDArray } from '../../src/core/index.js';
import { letterbox } from '../../src/data/index.js';
import { imageFiles, readImage } from '../../src/node/index.js';

/** [1, height, width, channels], left and right exchanged. */
function mirrored(image: NDArray): NDArray {
  const [, height, width, channels] = image.shape;
  const out = NDArray.zeros(image.shape, 'float32');
  for (let i = 0; i < height * width; i++) {
    const from = i - (i % width) + width - 1 - (i % width);
    out.data.set(image.data.subarray(channels * from, channels * (from + 1)), channels * i);
  }
  return out;
}

export interface PhotoSet {
  readonly calibration: readonly NDArray[];
  readonly test: readonly NDArray[];
}

/** Photos as a network reads them. */
export function photoSet(shape: readonly number[], mean: number, std: number): PhotoSet {
  const read = (folder: string): NDArray[] =>
    imageFiles(folder).map((path) => letterbox(readImage(path), shape, mean, std).input);
  const carried = join(process.cwd(), 'data/photos');
  const others = process.env['BENCH_PHOTOS'];
  const calibration = read(join(carried, 'calibration'));
  return {
    calibration: [...calibration, ...calibration.map(mirrored)],
    test: [...read(carried), ...(others === undefined ? [] : read(others))],
  };
}
