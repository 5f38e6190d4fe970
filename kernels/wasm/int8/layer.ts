/** Integer product and convolution on the implicit GEMM of `gemm.ts`. */
import { weightCodes } from '../../int4.js';
import type { AnyKernel, ConvGeometry, Memory, OpParams } from '../../types.js';
import { Binding } from '../binding.js';
import { type Compiled, lazyModule, wasmEngine } from '../engine.js';
import { forwardAxes } from '../../js/image.js';
import {
  callProduct,
  isPointwise,
  planRuns,
  planPanels,
  planPositions,
  planStrips,
  tapRuns,
} from '../igemm/plan.js';
import { emitGemm, type Method, shapeOfMethod } from './gemm.js';
import { checked, sampleCodes, sampleRequantization, type WasmKernel } from '../selfTest.js';
import { bytesOf, type OutputKind, outputKind, packRequantization } from './requantize.js';

const modules = new Map<string, () => Compiled>();

function compiled(kind: OutputKind, signed: boolean, method: Method): Compiled {
  const key = `${kind} ${signed} ${method}`;
  let module = modules.get(key);
  if (module === undefined)
    modules.set(key, (module = lazyModule((m, target) => emitGemm(m, target, kind, signed, method))));
  return module();
}

export type LayerParams = Omit<OpParams['qconv2d'], keyof ConvGeometry>;

/** A product as the convolution of an image of one column: a row of x is its row, a 1x1 filter its line of weights. */
export function productGeometry(m: number, n: number, k: number): ConvGeometry {
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

function prepare(geometry: ConvGeometry, p: LayerParams, memory: Memory, method: Method): () => void {
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
  const shape = shapeOfMethod(binding.engine.target, method);
  // codes in a word
  const [stagedBytes, codes] = method === 'relaxed' ? [1, 4] : [2, 2];
  const windows = { batch: g.batch, vertical, horizontal, channels: inChannels, bytes: 1, stagedBytes };
  const strips = planStrips(windows);
  const runs = tapRuns(windows, strips, inner).map((r) => ({ ...r, words: Math.ceil(r.elements / codes) }));
  const depth = runs.reduce((sum, { words }) => sum + words, 0);
  const panels = planPanels(binding, groups, outChannels / groups, depth, shape);

  // [group][panel][word][column][code]
  const k = g.kernelHeight * g.kernelWidth * inner;
  const w = weightCodes(p, outChannels * k);
  const perByte = codes / shape.bytes;
  const weights = binding.allocate(perByte === 1 ? 'int8' : 'int16', panels.bGroup * groups * perByte);
  const bias = new Int32Array(outChannels);
  const columns = panels.columns;
  for (let channel = 0, i = 0; channel < outChannels; channel++) {
    const column = channel % panels.channels;
    const group = (channel - column) / panels.channels;
    const lane = column % columns;
    let o = (group * panels.bGroup + (column - lane) * panels.bColumn) * perByte + codes * lane;
    let sum = 0;
    for (const { elements, words } of runs) {
      for (let e = 0; e < elements; e++, i++) {
        const code = e % codes;
        sum += weights[o + (e - code) * columns + code] = w[i] - p.wZeroPoint;
      }
      o += words * codes * columns;
    }
    bias[channel] = (p.bias === null ? 0 : p.bias[channel]) - (method === 'relaxed' ? p.xZeroPoint * sum : 0);
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
    bias: binding.constant('int32', bias),
    ...packRequantization(p.requant, all, binding),
    zeroPoint: p.xZeroPoint,
    ...panels,
    aGroup: stagedBytes * inner,
    ...planRuns(binding, runs, 4),
    ...planPositions(binding, windows, strips, { image: g.outHeight * row, row, column }, shape.rows),
  };
  const work = 2 * g.batch * g.outHeight * g.outWidth * outChannels * k;
  const module = compiled(kind, p.x instanceof Int8Array, method);
  return binding.finish(callProduct(binding, module, fields, work, strips.scratchBytes));
}

export const kindOf = (p: LayerParams): string => `${outputKind(p.requant, p.y)} of ${p.x.constructor.name}`;

/** A small problem of the kind of `like`: odd sizes, all tails. */
export function sampleLayer(
  like: LayerParams,
  g: ConvGeometry,
): { params: LayerParams; output: LayerParams['y'] } {
  const k = (g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups;
  const outputs = g.batch * g.outHeight * g.outWidth * g.outChannels;
  const output = like.requant === null ? new Int32Array(outputs) : sampleCodes(like.y, outputs);
  const params: LayerParams = {
    x: sampleCodes(like.x, g.batch * g.inHeight * g.inWidth * g.inChannels).map(
      like.xBits === 7 ? (v) => v & 127 : (v) => v,
    ),
    xBits: like.xBits,
    xZeroPoint: like.xZeroPoint,
    w: sampleCodes(like.w, g.outChannels * k),
    wBits: like.wBits,
    wZeroPoint: like.wZeroPoint,
    bias: new Int32Array(g.outChannels).map((_, i) => 1000 * i - 5000),
    requant: sampleRequantization(like.requant, like.y, g.outChannels, 10000 * Math.sqrt(k)),
    y: output,
  };
  return { params, output };
}

export const SAMPLE_CONV: ConvGeometry = {
  batch: 2,
  inHeight: 5,
  inWidth: 6,
  inChannels: 3,
  outHeight: 5,
  outWidth: 3,
  outChannels: 35,
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

/** Product and convolution by one method, `rows` rows at most. */
function kernels(method: Method, tile: string, rows: number): AnyKernel[] {
  const supports = (p: LayerParams): boolean =>
    method === 'wide' ||
    (p.w instanceof (p.wBits === 4 ? Uint8Array : Int8Array) &&
      p.wZeroPoint === 0 &&
      (method === 'vector' || (p.xBits === 7 && wasmEngine()!.features.relaxedSimd)));
  const few = method === 'vector';
  const qgemm: WasmKernel<'qgemm'> = {
    op: 'qgemm',
    name: `q8-qc8w-gemm-${tile}`,
    bound: 0,
    supports: (p) => p.m <= rows && supports(p),
    prepare: ({ m, n, k, ...p }, memory) => prepare(productGeometry(m, n, k), p, memory, method),
    kind: kindOf,
    sample: (like) => {
      const [m, n, k] = [few ? 2 : 5, 35, 27];
      const { params, output } = sampleLayer(like, productGeometry(m, n, k));
      return { params: { m, n, k, ...params }, output };
    },
  };
  const qconv2d: WasmKernel<'qconv2d'> = {
    op: 'qconv2d',
    name: `q8-qc8w-igemm-${tile}`,
    bound: 0,
    supports: (p) => p.batch * p.outHeight * p.outWidth <= rows && !(few && p.groups > 1) && supports(p),
    prepare: (p, memory) => prepare(p, p, memory, method),
    kind: kindOf,
    sample: (like) => {
      const g = few ? { ...SAMPLE_CONV, batch: 1, outHeight: 1 } : SAMPLE_CONV;
      const { params, output } = sampleLayer(like, g);
      return { params: { ...g, ...params }, output };
    },
  };
  return [checked(qconv2d), checked(qgemm)];
}

/** Rows above which a tile of four pays although some are computed twice. */
const FEW = 3;

export const layerKernels = [
  ...kernels('vector', '1x32-i8-wasmsimd', FEW),
  ...kernels('relaxed', '4x8-i7-wasmrelaxedsimd', Infinity),
];
/** For whatever no other kernel takes. */
export const wideKernels = kernels('wide', '4x8-i16-wasmsimd', Infinity);
