/** Output sizes of the resizing ops. */
import { ArgumentError, ShapeError, type ArraySpec } from '../core/index.js';
import { checkFloats } from './checks.js';
import { checkLayout } from './layoutChecks.js';
import { toPair, type Pair } from './window.js';

/** Give either. `scale` may be fractional; the size is rounded down. */
export type UpsampleOptions = { size: number | Pair } | { scale: number | Pair };

export interface UpsampleAttrs {
  /** [height, width] of the output */
  readonly size: Pair;
}

export function inferUpsample(op: string, x: ArraySpec, { size }: UpsampleAttrs): ArraySpec {
  checkFloats(op, { x });
  checkLayout(op, 'x', x, 'N H W C');
  const [batch, height, width, channels] = x.shape;
  if (height === 0 || width === 0)
    throw new ShapeError(`x: ${op} got an image of ${height} x ${width}; it must not be empty`);
  return { shape: [batch, size[0], size[1], channels], dtype: x.dtype };
}

/** The output size that the options ask for. */
export function upsampleSize(op: string, x: ArraySpec, options: UpsampleOptions): Pair {
  if ('size' in options) return toPair('size', options.size, 1);
  checkLayout(op, 'x', x, 'N H W C');
  const scale = typeof options.scale === 'number' ? [options.scale, options.scale] : options.scale;
  if (!scale.every((s) => s > 0 && Number.isFinite(s)))
    throw new ArgumentError(`scale: [${scale.join(', ')}] must be positive numbers`);
  return toPair('size', [Math.floor(x.shape[1] * scale[0]), Math.floor(x.shape[2] * scale[1])], 1);
}
