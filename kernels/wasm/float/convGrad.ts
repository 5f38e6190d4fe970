/** The gradients of float32 convolution, grouped and depthwise too. */
import { forwardAxes } from '../../js/image.js';
import { type Phase, phases } from '../../js/training/phases.js';
import { conv2dFilterGrad as filterGradReference } from '../../reference/training/conv2dFilterGrad.js';
import { conv2dInputGrad as inputGradReference } from '../../reference/training/conv2dInputGrad.js';
import type { OpParams } from '../../types.js';
import type { Module, Value } from '../assembler.js';
import { Binding, layout } from '../binding.js';
import { compiledOnce } from '../engine.js';
import { callProduct, planPanels, planRuns, planStrips, rowTable, tilesOf } from '../igemm/plan.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i32 from '../instructions/i32.js';
import * as v128 from '../instructions/v128.js';
import { checked, type WasmKernel } from '../selfTest.js';
import { isElementwise, kindOf, sampleConv, sampleGeometry } from './conv.js';
import { areFloat32, compiledProduct, planProduct, SAMPLE_BOUND } from './product.js';

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

const summing = layout('from', 'to', 'parts', 'rows', 'columns');

/** to[column, row] = the sum of from[part, row, column] over the parts, four columns a unit. */
function emitSum(m: Module): void {
  m.func('sum', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end }) => {
    const get = (name: (typeof summing.names)[number]): Value<'i32'> => i32.load(c, summing.offset[name]);
    const rows = f.local('i32', get('rows'));
    const step = f.local('i32', i32.shl(get('columns'), 2));
    const part = f.local('i32', i32.mul(rows, step));
    const [from, count, parts, place, left] = f.locals('i32', 5);
    const to = f.locals('i32', 4);
    const sum = f.local('v128');
    f.for(begin, end, 1, (unit) => {
      f.set(from, i32.add(get('from'), i32.shl(unit, 4)));
      f.set(count, i32.sub(get('columns'), i32.shl(unit, 2)));
      to.forEach((t, i) =>
        f.set(t, i32.add(get('to'), i32.shl(i32.mul(i32.add(i32.shl(unit, 2), i), rows), 2))),
      );
      f.set(left, rows);
      f.repeat(left, () => {
        f.set(place, from);
        f.set(sum, v128.load(place));
        f.set(parts, i32.sub(get('parts'), 1));
        f.repeat(parts, () => {
          f.add(place, part);
          f.set(sum, f32x4.add(sum, v128.load(place)));
        });
        to.forEach((t, i) => {
          f.if(i32.gt(count, i), () => f.emit(v128.store32_lane(t, sum, i)));
          f.add(t, 4);
        });
        f.add(from, step);
      });
    });
  });
}

/** The call that sums parts of [rows, columns] into their transpose. */
export function sumParts(
  binding: Binding,
  fields: { readonly [K in (typeof summing.names)[number]]: number },
): () => void {
  const { parts, rows, columns } = fields;
  const units = Math.ceil(columns / 4);
  return binding.call(
    compiledOnce('sum', emitSum),
    'sum',
    binding.context(summing, fields),
    units,
    parts * rows * columns,
  );
}

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
    const module = compiledProduct(elementwise ? 'elementwise' : 'strided');
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

export const convGradKernels = [
  checked(conv2dInputGrad, [inputGradReference]),
  checked(conv2dFilterGrad, [filterGradReference]),
];
