/**
 * Nearest-neighbour resize; codes are copied. TFLite's RESIZE_NEAREST_NEIGHBOR (GetNearestNeighbor), all in float32:
 * `source = min(round((i + offset) * scale), inSize - 1)`, scale = inSize / outSize, offset = halfPixelCenters ? 0.5 : 0,
 * rounding down; with alignCorners scale = (inSize - 1) / (outSize - 1) and half rounds away from zero.
 */
import { roundHalfAway } from '../rounding.js';
import type { Kernel } from '../types.js';

/** The input position that each output position copies, along one axis. */
export function nearestIndices(
  inSize: number,
  outSize: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
): Int32Array {
  const align = alignCorners && outSize > 1;
  const scale = Math.fround(align ? (inSize - 1) / (outSize - 1) : inSize / outSize);
  const offset = halfPixelCenters ? 0.5 : 0;
  return new Int32Array(outSize).map((_, i) => {
    const position = Math.fround((i + offset) * scale);
    return Math.min(alignCorners ? roundHalfAway(position) : Math.floor(position), inSize - 1);
  });
}

export const qresize: Kernel<'qresize'> = {
  op: 'qresize',
  name: 'x8-qresize-reference',
  supports: () => true,
  prepare: (p) => {
    const { batch, channels, inHeight, inWidth, x, y } = p;
    const rows = nearestIndices(inHeight, p.outHeight, p.alignCorners, p.halfPixelCenters);
    const columns = nearestIndices(inWidth, p.outWidth, p.alignCorners, p.halfPixelCenters);
    return () => {
      let out = 0;
      for (let n = 0; n < batch; n++) {
        for (const row of rows) {
          for (const column of columns) {
            const cell = ((n * inHeight + row) * inWidth + column) * channels;
            for (let c = 0; c < channels; c++) y[out++] = x[cell + c];
          }
        }
      }
    };
  },
};
