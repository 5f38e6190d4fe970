/** Float32 convolution and its gradients, grouped and depthwise too. */
import { forwardAxes } from '../../js/image.js';
import { type Phase, phases } from '../../js/phases.js';
import type { ConvGeometry, OpParams } from '../../types.js';
import { Binding } from '../binding.js';
import {
  callProduct,
  matrixWindows,
  planRuns,
  planPanels,
  planStrips,
  rowTable,
  tilesOf,
  isPointwise,
} from '../igemm/plan.js';
import { checked, sampleFloats, type WasmKernel } from '../selfTest.js';
import { sumParts } from './pack.js';
import { areFloat32, planProduct, SAMPLE_BOUND, VARIANTS } from './product.js';

const isElementwise = (g: ConvGeometry): boolean =>
  g.groups > 1 && g.groups === g.inChannels && g.groups === g.outChannels;

const kindOf = (g: ConvGeometry): string => (isElementwise(g) ? 'depthwise' : 'product');

const SAMPLE: ConvGeometry = {
  batch: 2,
  inHeight: 5,
  inWidth: 6,
  inChannels: 6,
  outHeight: 5,
  outWidth: 3,
  outChannels: 22,
  kernelHeight: 3,
  kernelWidth: 3,
  strideHeight: 1,
  strideWidth: 2,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: 1,
  padLeft: 1,
  groups: 2,
};

/** Where `like` is depthwise, so is this. */
const sampleGeometry = (like: ConvGeometry): ConvGeometry =>
  isElementwise(like) ? { ...SAMPLE, inChannels: 11, outChannels: 11, groups: 11 } : SAMPLE;

/** A problem of 3x3 filters. */
export function sampleConv(g: ConvGeometry) {
  const image = sampleFloats(g.batch * g.inHeight * g.inWidth * g.inChannels);
  const filter = sampleFloats((g.outChannels * 9 * g.inChannels) / g.groups);
  const sums = sampleFloats(g.batch * g.outHeight * g.outWidth * g.outChannels);
  return { g, image, filter, sums };
}

const conv2d: WasmKernel<'conv2d'> = {
  op: 'conv2d',
  name: 'f32-igemm-4x8-wasmsimd',
  bound: SAMPLE_BOUND,
  supports: ({ x, w, bias, y }) => areFloat32(x, w, bias, y),
  prepare: (g, memory) => {
    const { batch, inHeight, inWidth, inChannels, outChannels, groups } = g;
    const binding = new Binding(memory);
    const elementwise = isElementwise(g);
    const [vertical, horizontal] = forwardAxes(g);
    const k = g.w.length / outChannels;
    const column = 4 * outChannels;
    const row = column * g.outWidth;
    const pointwise = isPointwise(g);
    const calls = planProduct(binding, {
      windows: pointwise
        ? matrixWindows(batch * inHeight * inWidth, inChannels, 4, 4)
        : { batch, vertical, horizontal, channels: inChannels, bytes: 4, stagedBytes: 4 },
      groups,
      channels: elementwise ? outChannels : outChannels / groups,
      elementwise,
      x: binding.read(g.x),
      right: {
        from: binding.read(g.w),
        stretches: [0],
        length: k,
        depthStep: 4,
        columnStep: 4 * k,
        groupStep: g.w.byteLength / groups,
      },
      bias: g.bias,
      y: binding.write(g.y),
      accumulate: false,
      outputs: { image: row * g.outHeight, row: pointwise ? column : row, column },
    });
    return binding.finish(...calls);
  },
  kind: kindOf,
  sample: (like) => {
    const { g, image, filter, sums } = sampleConv(sampleGeometry(like));
    const bias = like.bias === null ? null : sampleFloats(g.outChannels);
    return { params: { ...g, x: image, w: filter, bias, y: sums }, output: sums };
  },
};

/** One phase of the stride: the cells of dx of one residue are a convolution of dy. */
function planPhase(
  binding: Binding,
  g: OpParams['conv2dInputGrad'],
  [dy, w, dx]: readonly number[],
  v: Phase,
  h: Phase,
): (() => void)[] {
  const { batch, inHeight, inWidth, inChannels, outChannels, groups, kernelHeight, kernelWidth } = g;
  const elementwise = isElementwise(g);
  const inner = inChannels / groups;
  const outer = outChannels / groups;
  const column = 4 * inChannels;
  const filter = 4 * kernelHeight * kernelWidth * inner;
  return planProduct(binding, {
    windows: { batch, vertical: v, horizontal: h, channels: outChannels, bytes: 4, stagedBytes: 4 },
    groups,
    channels: elementwise ? inChannels : inner,
    elementwise,
    x: dy,
    right: {
      from: w,
      stretches: v.kernel.flatMap((y) => h.kernel.map((x) => 4 * (y * kernelWidth + x) * inner)),
      length: outer,
      depthStep: filter,
      columnStep: elementwise ? filter : 4,
      groupStep: outer * filter,
    },
    bias: null,
    y: dx + (v.first * inWidth + h.first) * column,
    accumulate: false,
    outputs: {
      image: inHeight * inWidth * column,
      row: g.strideHeight * inWidth * column,
      column: g.strideWidth * column,
    },
  });
}

const conv2dInputGrad: WasmKernel<'conv2dInputGrad'> = {
  op: 'conv2dInputGrad',
  name: 'f32-igemm-input-grad-4x8-wasmsimd',
  bound: SAMPLE_BOUND,
  supports: ({ dy, w, dx }) => areFloat32(dy, w, dx),
  prepare: (g, memory) => {
    const binding = new Binding(memory);
    const addresses = [binding.read(g.dy), binding.read(g.w), binding.write(g.dx)];
    const rows = phases(g.inHeight, g.outHeight, g.kernelHeight, g.strideHeight, g.dilationHeight, g.padTop);
    const columns = phases(g.inWidth, g.outWidth, g.kernelWidth, g.strideWidth, g.dilationWidth, g.padLeft);
    return binding.finish(
      ...rows.flatMap((v) => columns.flatMap((h) => planPhase(binding, g, addresses, v, h))),
    );
  },
  kind: kindOf,
  sample: (like) => {
    const { g, image, filter, sums } = sampleConv(sampleGeometry(like));
    return { params: { ...g, dx: image, w: filter, dy: sums }, output: image };
  },
};

/** Positions that are summed at once, strips of at least so many; the parts that are summed on their own. */
const DEPTH_POSITIONS = 256;
const PARTS = 8;
const PART_ELEMENTS = 2 ** 20;

const conv2dFilterGrad: WasmKernel<'conv2dFilterGrad'> = {
  op: 'conv2dFilterGrad',
  name: 'f32-igemm-filter-grad-4x8-wasmsimd',
  bound: SAMPLE_BOUND,
  supports: ({ x, dy, dw }) => areFloat32(x, dy, dw),
  prepare: (g, memory) => {
    const { batch, inChannels, outChannels, outWidth, outHeight } = g;
    const binding = new Binding(memory);
    const elementwise = isElementwise(g);
    const groups = elementwise ? 1 : g.groups;
    const inner = inChannels / g.groups;
    const [vertical, horizontal] = forwardAxes(g);
    const windows = { batch, vertical, horizontal, channels: inChannels, bytes: 4, stagedBytes: 4 };
    const strips = planStrips(windows, DEPTH_POSITIONS);
    const { stripRows, lastRows, offset, top, left } = strips;
    const panels = planPanels(binding, groups, outChannels / groups, 1);

    // rows of the tile are elements of a filter
    const k = g.dw.length / outChannels;
    const table = rowTable(
      binding,
      k,
      (i) => {
        const tap = Math.floor(i / inner);
        const y = vertical.taps[Math.floor(tap / g.kernelWidth)] - top;
        return offset(y, horizontal.taps[tap % g.kernelWidth] - left) + 4 * (i % inner);
      },
      (i) => 4 * i * outChannels,
    );
    // the depth are rows of positions, all of a strip in one run where they follow each other
    const aStep = 4 * horizontal.step * inChannels;
    const rowStep = offset(vertical.step, 0);
    const runs = (rows: number) =>
      rowStep === outWidth * aStep
        ? [{ start: 0, words: rows * outWidth }]
        : Array.from({ length: rows }, (_, i) => ({ start: i * rowStep, words: outWidth }));
    const { runs: first, runCount } = planRuns(binding, runs(stripRows), aStep);
    const last = planRuns(binding, runs(lastRows), aStep);

    const { allStrips } = strips.fields;
    const size = k * outChannels;
    const wanted = Math.min(PARTS, (batch * outHeight * outWidth) / DEPTH_POSITIONS, PART_ELEMENTS / size);
    const unitStrips = Math.ceil(allStrips / Math.max(1, Math.floor(wanted)));
    const parts = Math.ceil(allStrips / unitStrips);
    const sums = binding.allocate('float32', parts * size).byteOffset;
    const dyRow = 4 * outWidth * outChannels;
    const fields = [
      strips.fields,
      panels,
      last,
      {
        runs: first,
        runCount,
        table,
        tiles: tilesOf(k),
        lastTable: table,
        lastTiles: tilesOf(k),
        x: binding.read(g.x) + strips.fields.x,
        b: binding.read(g.dy),
        y: sums,
        bias: binding.allocate('float32', outChannels).byteOffset,
        unitStrips,
        aGroup: inner * 4,
        aColumn: elementwise ? 4 : 0,
        aStep,
        bImage: dyRow * outHeight,
        bStrip: dyRow * stripRows,
        bGroup: 4 * panels.channels,
        bColumn: 4,
        bStep: 4 * outChannels,
        yUnit: 4 * size,
      },
    ];
    const module = VARIANTS[elementwise ? 'elementwise' : 'strided']();
    const work = 2 * batch * outHeight * outWidth * size;
    return binding.finish(
      callProduct(binding, module, fields, work, strips.scratchBytes),
      sumParts(binding, { from: sums, to: binding.write(g.dw), parts, rows: k, columns: outChannels }),
    );
  },
  kind: kindOf,
  sample: (like) => {
    const { g, image, filter, sums } = sampleConv(sampleGeometry(like));
    return { params: { ...g, x: image, dw: filter, dy: sums }, output: filter };
  },
};

export const convKernels = [checked(conv2d), checked(conv2dInputGrad), checked(conv2dFilterGrad)];
