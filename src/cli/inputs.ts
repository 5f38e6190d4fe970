/** Inputs of any network out of files: a folder of pictures, or a .npy array. */
import { statSync } from 'node:fs';
import {
  DataError,
  DTypeError,
  NDArray,
  ShapeError,
  formatShape,
  stridesOf,
  type Shape,
} from '../core/index.js';
import { letterbox } from '../data/index.js';
import { decodeNpy, type ModelInfo } from '../formats/index.js';
import { imageFiles, readImage, reasonOf } from '../node/index.js';
import { readAs } from './files.js';

export interface Normalization {
  readonly mean: number;
  readonly std: number;
}

/** How pixels in [0, 1] go into a network; one number for all channels. */
export const normalizationOptions = {
  mean: { kind: 'number', default: 0.5, help: 'of pixels in [0, 1], for pictures' },
  std: { kind: 'number', min: 1e-6, default: 0.5, help: 'pictures go in as (pixel - mean) / std' },
} as const;

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new DataError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

/**
 * At most `limit` inputs of the given shape, each of batch 1.
 *
 * @param shape [1, ...]: of the network's input
 */
export function loadInputs(
  path: string,
  shape: Shape,
  limit: number,
  { mean, std }: Normalization,
): NDArray[] {
  if (!isFolder(path)) return npyInputs(path, shape, limit);
  if (shape.length !== 4)
    throw new ShapeError(`${path}: pictures do not go into ${formatShape(shape)}; give a .npy file`);
  return imageFiles(path)
    .slice(0, limit)
    .map((file) => letterbox(readImage(file), shape, mean, std).input);
}

function npyInputs(path: string, shape: Shape, limit: number): NDArray[] {
  const all = requireRows(path, readAs(path, decodeNpy)).astype('float32');
  const per = shape.slice(1);
  if (all.shape.slice(1).join() !== per.join())
    throw new ShapeError(
      `${path}: holds ${formatShape(all.shape)}; the network takes [n, ${per.join(', ')}]`,
    );
  requireNumbers(path, all);
  const size = all.size / all.shape[0];
  return Array.from({ length: Math.min(all.shape[0], limit) }, (_, i) => {
    const data = all.data.slice(i * size, (i + 1) * size) as Float32Array;
    return new NDArray(data, [1, ...per]);
  });
}

function requireRows(path: string, x: NDArray): NDArray {
  if (x.size === 0)
    throw new DataError(`${path}: is empty, its shape is ${formatShape(x.shape)}; give at least one row`);
  return x;
}

/** Throws DataError, saying where, for NaN and infinite numbers, of which no code can be made. */
export function requireNumbers(path: string, { data, shape }: NDArray): void {
  const at = data.findIndex((v: number) => !Number.isFinite(v));
  if (at < 0) return;
  const index = stridesOf(shape).map((stride, axis) => Math.floor(at / stride) % shape[axis]);
  throw new DataError(`${path}: element ${formatShape(index)} is ${data[at]}; give finite numbers`);
}

/** The array of a .npy file as a model wants it: float32, or uint8 pixels, which are normalised as for training. */
export function readInput(path: string, { normalization }: ModelInfo): NDArray {
  const x = requireRows(path, readAs(path, decodeNpy));
  if (x.dtype === 'float32' || x.dtype === 'float64') return x.astype('float32');
  if (x.dtype !== 'uint8' || normalization === null)
    throw new DTypeError(
      `${path}: ${x.dtype} is no input of this model; give float32${normalization === null ? '' : ', or uint8 pixels'}`,
    );
  const { mean, std } = normalization;
  const channels = x.shape[x.rank - 1];
  if ([mean, std].some(({ length }) => length !== 1 && length !== channels))
    throw new DTypeError(
      `${path}: ${channels} channels do not fit the normalisation of the model; give float32`,
    );
  const at = (list: readonly number[], i: number): number => list[list.length === 1 ? 0 : i % channels];
  return new NDArray(
    Float32Array.from(x.data, (v, i) => (v / 255 - at(mean, i)) / at(std, i)),
    x.shape,
  );
}
