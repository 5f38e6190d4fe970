/** Inputs of any network out of files: a folder of pictures, or a .npy array. */
import { statSync } from 'node:fs';
import { DataError, NDArray, ShapeError, formatShape, type Shape } from '../core/index.js';
import { letterbox } from '../data/index.js';
import { decodeNpy } from '../formats/index.js';
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
  const all = readAs(path, decodeNpy).astype('float32');
  const per = shape.slice(1);
  if (all.shape.slice(1).join() !== per.join())
    throw new ShapeError(
      `${path}: holds ${formatShape(all.shape)}; the network takes [n, ${per.join(', ')}]`,
    );
  const size = all.size / all.shape[0];
  return Array.from({ length: Math.min(all.shape[0], limit) }, (_, i) => {
    const data = all.data.slice(i * size, (i + 1) * size) as Float32Array;
    return new NDArray(data, [1, ...per]);
  });
}
