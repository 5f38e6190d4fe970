/** The gradients of float convolution as matrix products over an implicit im2col (see image.ts), group by group. */
import type { Kernel, Memory } from '../../types.js';
import { multiply } from '../blocks.js';
import { groupsOf } from '../floatConv.js';
import { floatSink } from '../floatGemm.js';
import { forwardAxes, isPointwise, PaddedImage, PositionLines } from '../image.js';
import { Columns } from '../operands.js';
import { type Phase, phases } from './phases.js';
import { GatheredColumns, TapLines } from './operands.js';

/** dw[O, taps] = dy[positions, O]^T * im2col(x)[positions, taps]: the sums run over the whole batch. */
export const conv2dFilterGrad: Kernel<'conv2dFilterGrad'> = {
  op: 'conv2dFilterGrad',
  name: 'float-conv2d-filter-grad-3x2-f64-js',
  supports: () => true,
  prepare: (g, memory) => {
    const { x, dy, dw, inChannels, outChannels } = g;
    const inner = inChannels / g.groups;
    const outer = outChannels / g.groups;
    const n = g.kernelHeight * g.kernelWidth * inner;
    const k = g.batch * g.outHeight * g.outWidth;
    const image = isPointwise(g) ? null : new PaddedImage(x, inChannels, ...forwardAxes(g), 0, memory);
    const jobs = groupsOf(g).map((group) => ({
      a: new Columns(dy, group * outer, outChannels),
      b:
        image === null
          ? new Columns(x, group * inner, inChannels)
          : new TapLines(image, image.taps(group * inner, inner, memory)),
      sink: floatSink(dw, group * outer * n, n, null, null, 0, false),
    }));
    return () => {
      image?.reset();
      for (const { a, b, sink } of jobs) multiply(outer, n, k, a, b, false, sink);
    };
  },
};

/** dx[cells, C] = im2col(dy)[cells, taps] * w[taps, C], one product per phase of the stride: no multiplication by zeros. */
export const conv2dInputGrad: Kernel<'conv2dInputGrad'> = {
  op: 'conv2dInputGrad',
  name: 'float-conv2d-input-grad-3x2-f64-js',
  supports: () => true,
  prepare: (g, memory) => {
    const rows = phases(g.inHeight, g.outHeight, g.kernelHeight, g.strideHeight, g.dilationHeight, g.padTop);
    const columns = phases(g.inWidth, g.outWidth, g.kernelWidth, g.strideWidth, g.dilationWidth, g.padLeft);
    const jobs = rows.flatMap((v) => columns.map((h) => phaseJob(g, v, h, memory)));
    const everyCell = jobs.every((job) => job !== null);
    return () => {
      if (!everyCell) g.dx.fill(0);
      for (const job of jobs) job?.();
    };
  },
};

type InputGradParams = Parameters<(typeof conv2dInputGrad)['prepare']>[0];

function phaseJob(g: InputGradParams, v: Phase, h: Phase, memory: Memory): (() => void) | null {
  if (v.taps.length === 0 || h.taps.length === 0) return null;
  const { dy, w, dx, inChannels, outChannels } = g;
  const inner = inChannels / g.groups;
  const outer = outChannels / g.groups;
  const perImage = v.positions * h.positions;
  const m = g.batch * perImage;
  const k = v.taps.length * h.taps.length * outer;
  const image = new PaddedImage(dy, outChannels, v, h, 0, memory);

  const depth = memory.allocate('int32', k);
  let i = 0;
  for (const ky of v.kernel) {
    for (const kx of h.kernel) {
      for (let o = 0; o < outer; o++) depth[i++] = ((o * g.kernelHeight + ky) * g.kernelWidth + kx) * inner;
    }
  }

  const dense = g.strideHeight === 1 && g.strideWidth === 1;
  const offsets = dense ? null : memory.allocate('int32', m);
  for (let p = 0; offsets !== null && p < m; p++) {
    const n = Math.floor(p / perImage);
    const y = Math.floor((p % perImage) / h.positions);
    const x = p % h.positions;
    const cell = (n * g.inHeight + v.first + y * g.strideHeight) * g.inWidth + h.first + x * g.strideWidth;
    offsets[p] = cell * inChannels;
  }

  const parts = groupsOf(g).map((group) => ({
    a: new PositionLines(image, image.taps(group * outer, outer, memory)),
    b: new GatheredColumns(w, group * outer * g.kernelHeight * g.kernelWidth * inner, depth),
    sink: floatSink(dx, group * inner, inChannels, offsets, null, 0, false),
  }));
  return () => {
    image.reset();
    for (const { a, b, sink } of parts) multiply(m, inner, k, a, b, false, sink);
  };
}
