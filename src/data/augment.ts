/** Augmentation: where the window that becomes a training image lies on the stored one, and whether it is mirrored. */
import { ArgumentError, type Random, type Shape } from '../core/index.js';

export interface Augmentation {
  /** Move by up to so many pixels each way, in both directions; black comes in. Default 0. */
  readonly shift?: number;
  /** Mirror every other image, at random, left to right. Default false. */
  readonly flip?: boolean;
  /** Cut out [height, width]: at a random place, or from the centre (for evaluation). */
  readonly crop?: readonly [number, number];
  /** Default 'random'. */
  readonly cropAt?: 'random' | 'center';
}

/** Offsets into the stored image. */
export interface Placement {
  readonly top: number;
  readonly left: number;
  readonly mirror: boolean;
}

export interface Placements {
  readonly outHeight: number;
  readonly outWidth: number;
  readonly items: readonly Placement[];
}

/** Draws `count` placements. Throws ArgumentError when the crop or the shift does not fit the image. */
export function placements(
  a: Augmentation,
  [height, width]: Shape,
  count: number,
  random: Random,
): Placements {
  const { shift = 0, flip = false, cropAt = 'random' } = a;
  const [outHeight, outWidth] = a.crop ?? [height, width];
  for (const [size, of] of [
    [outHeight, height],
    [outWidth, width],
  ])
    if (!Number.isInteger(size) || size < 1 || size > of)
      throw new ArgumentError(
        `crop: ${outHeight} x ${outWidth} does not fit an image of ${height} x ${width}`,
      );
  if (!Number.isInteger(shift) || shift < 0 || shift >= Math.min(outHeight, outWidth))
    throw new ArgumentError(`shift: ${shift} must be a whole number of pixels smaller than the image`);
  const offset = (room: number): number => {
    const base = cropAt === 'center' || room === 0 ? room >> 1 : random.int(room + 1);
    return shift === 0 ? base : base + random.int(2 * shift + 1) - shift;
  };
  const items = Array.from({ length: count }, () => ({
    top: offset(height - outHeight),
    left: offset(width - outWidth),
    mirror: flip && random.int(2) === 1,
  }));
  return { outHeight, outWidth, items };
}
