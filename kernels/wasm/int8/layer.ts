/** Integer product and convolution on the implicit GEMM of `gemm.ts`. */
import type { ConvGeometry, Memory, OpParams } from '../../types.js';
import { Binding } from '../binding.js';
import { type Compiled, lazyModule } from '../engine.js';
import { forwardAxes } from '../../js/image.js';
import {
  callProduct,
  isPointwise,
  planBlocks,
  planPanels,
  planPositions,
  planStrips,
  tapRuns,
} from '../igemm/plan.js';
import { emitGemm } from './gemm.js';
import { checked, sampleCodes, sampleRequantization, type WasmKernel } from '../selfTest.js';
import { bytesOf, type OutputKind, outputKind, packRequantization } from './requantize.js';

const modules = new Map<string, () => Compiled>();

function compiled(kind: OutputKind, signed: boolean): Compiled {
  const key = `${kind} ${signed}`;
  let module = modules.get(key);
  if (module === undefined)
    modules.set(key, (module = lazyModule((m, target) => emitGemm(m, target, kind, signed))));
  return module();
}

export type LayerParams = Omit<OpParams['qconv2d'], keyof ConvGeometry>;

/** A product as the convolution of an image of one column: a row of x is its row, a 1x1 filter its line of weights. */
function productGeometry(m: number, n: number, k: number): ConvGeometry {
  return {
    batch: 1,
    inHeight: m,
    inWidth: 1,
    inChannels: k,
    outHeight: m,
    outWidth: 1,
    outChannels: n,
    kernelHeight: 1,
    kernelWidth: 1,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    padTop: 0,
    padLeft: 0,
    groups: 1,
  };
}

function prepare(geometry: ConvGeometry, p: LayerParams, memory: Memory): () => void {
  const g = isPointwise(geometry)
    ? productGeometry(
        geometry.batch * geometry.inHeight * geometry.inWidth,
        geometry.outChannels,
        geometry.inChannels,
      )
    : geometry;
  const { groups, outChannels, inChannels } = g;
  const binding = new Binding(memory);
  const inner = inChannels / groups;
  const [vertical, horizontal] = forwardAxes(g);
  const windows = { batch: g.batch, vertical, horizontal, channels: inChannels, bytes: 1, stagedBytes: 2 };
  const strips = planStrips(windows);
  const runs = tapRuns(windows, strips, inner).map((r) => ({ ...r, words: Math.ceil(r.elements / 2) }));
  const depth = runs.reduce((sum, { words }) => sum + words, 0);
  const panels = planPanels(binding, groups, outChannels / groups, depth);

  // [group][panel][word][column][2]
  const weights = binding.allocate('int16', (panels.bGroup * groups) / 2);
  const columns = panels.columns;
  for (let channel = 0, w = 0; channel < outChannels; channel++) {
    const column = channel % panels.channels;
    const group = (channel - column) / panels.channels;
    const lane = column % columns;
    let o = (group * panels.bGroup + (column - lane) * panels.bColumn) / 2 + 2 * lane;
    for (const { elements } of runs) {
      for (let e = 0; e < elements; e++, w++)
        weights[o + (e >> 1) * 2 * columns + (e & 1)] = p.w[w] - p.wZeroPoint;
      o += Math.ceil(elements / 2) * 2 * columns;
    }
  }

  const kind = outputKind(p.requant, p.y);
  const size = bytesOf(kind);
  const column = outChannels * size;
  const row = g.outWidth * column;
  const all = Array.from({ length: outChannels }, (_, i) => i);
  const fields = {
    ...strips.fields,
    x: binding.read(p.x) + strips.fields.x,
    b: weights.byteOffset,
    y: binding.write(p.y),
    bias: binding.constant('int32', p.bias ?? all.map(() => 0)),
    ...packRequantization(p.requant, all, binding),
    zeroPoint: p.xZeroPoint,
    ...panels,
    aGroup: 2 * inner,
    ...planBlocks(binding, runs, 4, Infinity),
    ...planPositions(binding, windows, strips, { image: g.outHeight * row, row, column }),
  };
  const work = 2 * g.batch * g.outHeight * g.outWidth * p.w.length;
  const module = compiled(kind, p.x instanceof Int8Array);
  return binding.finish(callProduct(binding, module, fields, work, strips.scratchBytes));
}

const kindOf = (p: LayerParams): string => `${outputKind(p.requant, p.y)} of ${p.x.constructor.name}`;

/** A small problem of the kind of `like`: odd sizes, all tails. */
export function sampleLayer(
  like: LayerParams,
  g: ConvGeometry,
): { params: LayerParams; output: LayerParams['y'] } {
  const k = (g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups;
  const outputs = g.batch * g.outHeight * g.outWidth * g.outChannels;
  const output = like.requant === null ? new Int32Array(outputs) : sampleCodes(like.y, outputs);
  const params: LayerParams = {
    x: sampleCodes(like.x, g.batch * g.inHeight * g.inWidth * g.inChannels),
    xZeroPoint: like.xZeroPoint,
    w: sampleCodes(like.w, g.outChannels * k),
    wZeroPoint: like.wZeroPoint,
    bias: new Int32Array(g.outChannels).map((_, i) => 1000 * i - 5000),
    requant: sampleRequantization(like.requant, g.outChannels, 10000 * Math.sqrt(k)),
    y: output,
  };
  return { params, output };
}

const SAMPLE_CONV: ConvGeometry = {
  batch: 2,
  inHeight: 5,
  inWidth: 6,
  inChannels: 3,
  outHeight: 5,
  outWidth: 3,
  outChannels: 11,
  kernelHeight: 3,
  kernelWidth: 3,
  strideHeight: 1,
  strideWidth: 2,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: 1,
  padLeft: 1,
  groups: 1,
};

const qgemm: WasmKernel<'qgemm'> = {
  op: 'qgemm',
  name: 'q8-qc8w-gemm-4x8-i16-wasmsimd',
  bound: 0,
  supports: () => true,
  prepare: ({ m, n, k, ...p }, memory) => prepare(productGeometry(m, n, k), p, memory),
  kind: kindOf,
  sample: (like) => {
    const [m, n, k] = [5, 19, 27];
    const { params, output } = sampleLayer(like, productGeometry(m, n, k));
    return { params: { m, n, k, ...params }, output };
  },
};

const qconv2d: WasmKernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qc8w-igemm-4x8-i16-wasmsimd',
  bound: 0,
  supports: () => true,
  prepare: (p, memory) => prepare(p, p, memory),
  kind: kindOf,
  sample: (like) => {
    const { params, output } = sampleLayer(like, SAMPLE_CONV);
    return { params: { ...SAMPLE_CONV, ...params }, output };
  },
};

export const layerKernels = [checked(qconv2d), checked(qgemm)];
