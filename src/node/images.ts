/** Pictures in files: PNG and JPEG in, PNG out. */
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { DataError, formatShape, FormatError, NDArray, ShapeError } from '../core/index.js';
import type { Image } from '../data/index.js';
import { readBytes, reasonOf, writeFileAtomic } from './files.js';

/** A larger one is refused before it is decoded. */
const MAX_PIXELS = 100e6;

/** [height, width, 3] from [height, width, 4]: what is transparent is dropped. */
function withoutAlpha(data: Uint8Array, height: number, width: number): Image {
  const out = NDArray.zeros([height, width, 3], 'uint8');
  for (let i = 0; i < height * width; i++) for (let c = 0; c < 3; c++) out.data[3 * i + c] = data[4 * i + c];
  return out;
}

function decodePng(bytes: Uint8Array): Image {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pixels = bytes.length < 24 ? 0 : header.getUint32(16) * header.getUint32(20);
  if (pixels > MAX_PIXELS) throw new Error(`${pixels} pixels are more than ${MAX_PIXELS}`);
  const { data, height, width } = PNG.sync.read(Buffer.from(bytes));
  return withoutAlpha(data, height, width);
}

function decodeJpeg(bytes: Uint8Array): Image {
  const { data, height, width } = jpeg.decode(bytes, {
    useTArray: true,
    maxResolutionInMP: MAX_PIXELS / 1e6,
    maxMemoryUsageInMB: 2048,
  });
  return withoutAlpha(data, height, width);
}

/**
 * Reads a PNG or JPEG file as [height, width, 3].
 *
 * @throws DataError when it cannot be read, FormatError when it is neither, or broken
 */
export function readImage(path: string): Image {
  const bytes = readBytes(path);
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (!isPng && !isJpeg) throw new FormatError(`${path}: is neither a PNG nor a JPEG file`);
  try {
    return isPng ? decodePng(bytes) : decodeJpeg(bytes);
  } catch (error) {
    throw new FormatError(`${path}: cannot be decoded (${reasonOf(error)})`);
  }
}

/** Writes [height, width, 3] as PNG. */
export function writeImage(path: string, image: Image): void {
  const [height, width, channels] = image.shape;
  if (image.rank !== 3 || channels !== 3)
    throw new ShapeError(`image: has shape ${formatShape(image.shape)}; give [height, width, 3]`);
  const png = new PNG({ width, height });
  for (let i = 0; i < height * width; i++) {
    png.data.set(image.data.subarray(3 * i, 3 * i + 3), 4 * i);
    png.data[4 * i + 3] = 255;
  }
  writeFileAtomic(path, PNG.sync.write(png));
}

/** The PNG and JPEG files of a folder, by name. Throws DataError when it has none. */
export function imageFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new DataError(`cannot read the folder ${folder}: ${reasonOf(error)}`);
  }
  const files = names
    .filter((name) => ['.png', '.jpg', '.jpeg'].includes(extname(name).toLowerCase()))
    .sort();
  if (files.length === 0) throw new DataError(`${folder}: holds no PNG or JPEG files`);
  return files.map((name) => join(folder, name));
}
