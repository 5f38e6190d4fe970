/** The data set of a command: the folder of `--data`, or the one of the repository. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../core/index.js';
import { loadIdxFolder, type IdxFolder } from '../node/index.js';
import { packageRoot } from './paths.js';

/** In the order of the labels of Fashion-MNIST. */
const FASHION_LABELS: readonly string[] = [
  'T-shirt/top',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle boot',
];

export interface Data extends IdxFolder {
  /** Names of the classes. */
  readonly labels: readonly string[];
}

/** Throws DataError when no folder is given and the package has none: it is not part of what npm installs. */
export function dataFolder(dir: string | undefined): string {
  if (dir !== undefined) return dir;
  const own = join(packageRoot(), 'data', 'fashion-mnist');
  if (!existsSync(own))
    throw new DataError(
      `there is no data set at ${own}; pass --data DIR with the idx files of MNIST or Fashion-MNIST`,
    );
  return own;
}

/** Training and test images. Throws DataError or FormatError for a folder that is not one of idx files. */
export function loadData(dir: string | undefined): Data {
  const folder = loadIdxFolder(dataFolder(dir));
  const labels =
    dir === undefined ? FASHION_LABELS : Array.from({ length: folder.test.classes }, (_, i) => String(i));
  return { ...folder, labels };
}
