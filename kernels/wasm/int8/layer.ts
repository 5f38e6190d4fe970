/** Integer product and convolution on the implicit GEMM of `gemm.ts`. */
import type { ConvGeometry, Memory, OpParams } from '../../types.js';
import { Binding } from '../binding.js';
import { type Compiled, lazyModule } from '../engine.js';
import { context, emitGemm, PANEL, TEMPORARY } from './gemm.js';
import { checked, sampleCodes, sampleRequantization, type WasmKernel } from '../selfTest.js';
import { type OutputKind, outputKind, packRequantization } from './requantize.js';

/** Positions of a strip: enough calls to be compiled soon, few enough to stay in the second-level cache. */
const STRIP_POSITIONS = 96;
const STRIP_BYTES = 192 * 1024;

const modules = new Map<string, () => Compiled>();

function compiled(kind: OutputKind, signed: boolean): Compiled {
  const key = `${kind} ${signed}`;
  let module = modules.get(key);
  if (module === undefined)
    modules.set(key, (module = lazyModule((m, target) => emitGemm(m, target, kind, signed))));
  return module();
}

type LayerParams = Omit<OpParams['qconv2d'], keyof ConvGeometry>;

/** A product as the convolution of an image of one column: a row of x is its row, a 1x1 filter its line of weights. */
function productGeometry(m: number, n: number, k: number): ConvGeometry {
  const ones = {
    kernelHeight: 1,
    kernelWidth: 1,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
  };
  return {
    ...ones,
    batch: 1,
    inHeight: m,
    inWidth: 1,
    inChannels: k,
    outHeight: m,
    outWidth: 1,
    outChannels: n,
    padTop: 0,
    padLeft: 0,
    groups: 1,
  };
}

/** 1x1 filters at every cell: the image is one long column. */
function simplified(g: ConvGeometry): ConvGeometry {
  const pointwise =
    g.kernelHeight === 1 && g.kernelWidth === 1 && g.strideHeight === 1 && g.strideWidth === 1;
  const same = g.padTop === 0 && g.padLeft === 0 && g.outHeight === g.inHeight && g.outWidth === g.inWidth;
  return pointwise && same && g.groups === 1
    ? productGeometry(g.batch * g.inHeight * g.inWidth, g.outChannels, g.inChannels)
    : g;
}

function prepare(geometry: ConvGeometry, p: LayerParams, memory: Memory): () => void {
  const g = simplified(geometry);
  const binding = new Binding(memory);
  const inner = g.inChannels / g.groups;
  const channels = g.outChannels / g.groups;
  // taps of a filter row are consecutive in a row of the image, unless groups or dilation come between them
  const joined = g.groups === 1 && g.dilationWidth === 1;
  const runElements = joined ? g.kernelWidth * inner : inner;
  const runsPerRow = joined ? 1 : g.kernelWidth;
  const runCount = g.kernelHeight * runsPerRow;
  const runWords = Math.ceil(runElements / 2);

  const panels = Math.ceil(channels / PANEL);
  const place = Array.from({ length: g.groups * panels * PANEL }, (_, i) => {
    const c = i % (panels * PANEL);
    return c < channels ? Math.floor(i / (panels * PANEL)) * channels + c : -1;
  });
  const weights = binding.allocate('int16', place.length * runCount * runWords * 2);
  place.forEach((channel, i) => {
    if (channel < 0) return;
    let o = Math.floor(i / PANEL) * runCount * runWords * PANEL * 2 + (i % PANEL) * 2;
    let w = channel * runCount * runElements;
    for (let run = 0; run < runCount; run++)
      for (let word = 0; word < runWords; word++, o += PANEL * 2)
        for (let half = 0; half < 2; half++)
          if (2 * word + half < runElements) weights[o + half] = p.w[w++] - p.wZeroPoint;
  });

  const neededWidth = (g.outWidth - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth + 1;
  const rowElements = Math.max(0, Math.min(g.inWidth, neededWidth - g.padLeft)) * g.inChannels;
  const leftBytes = Math.min(g.padLeft, neededWidth) * g.inChannels * 2;
  const rowBytes = neededWidth * g.inChannels * 2 + (g.inChannels % 2) * 2;
  const extraRows = (g.kernelHeight - 1) * g.dilationHeight + 1;
  const stripRows = Math.max(
    1,
    Math.min(
      g.outHeight,
      Math.ceil(STRIP_POSITIONS / g.outWidth),
      Math.floor(STRIP_BYTES / (rowBytes * g.strideHeight)),
    ),
  );
  const strips = Math.ceil(g.outHeight / stripRows);
  const stripInputs = (stripRows - 1) * g.strideHeight + extraRows;

  const positions = Array.from(
    { length: stripRows * g.outWidth },
    (_, i) =>
      Math.floor(i / g.outWidth) * g.strideHeight * rowBytes +
      (i % g.outWidth) * g.strideWidth * g.inChannels * 2,
  );
  // each run from where the one before ended
  const starts = Array.from(
    { length: runCount },
    (_, r) =>
      Math.floor(r / runsPerRow) * g.dilationHeight * rowBytes +
      (r % runsPerRow) * g.dilationWidth * g.inChannels * 2,
  );
  const runs = starts.map((start, r) => (r === 0 ? start : start - starts[r - 1] - 4 * runWords));

  const fields = {
    x: binding.read(p.x),
    y: binding.write(p.y),
    weights: weights.byteOffset,
    bias: binding.constant(
      'int32',
      place.map((c) => (c < 0 || p.bias === null ? 0 : p.bias[c])),
    ),
    ...packRequantization(p.requant, place, binding),
    zeroPoint: p.xZeroPoint,
    inHeight: g.inHeight,
    xRow: g.inWidth * g.inChannels,
    xImage: g.inHeight * g.inWidth * g.inChannels,
    outHeight: g.outHeight,
    outWidth: g.outWidth,
    stripRows,
    strips,
    strideHeight: g.strideHeight,
    padTop: g.padTop,
    extraRows,
    rowBytes,
    leftBytes,
    rowElements,
    positions: binding.constant('int32', positions),
    runs: binding.constant('int32', runs),
    runCount,
    runWords,
    groups: g.groups,
    groupBytes: inner * 2,
    channels,
    outChannels: g.outChannels,
  };
  const work = 2 * g.batch * g.outHeight * g.outWidth * g.outChannels * runCount * runElements;
  const kind = outputKind(p.requant, p.y);
  const module = compiled(kind, p.x instanceof Int8Array);
  const scratch = TEMPORARY + stripInputs * rowBytes + 64;
  return binding.finish(
    binding.call(module, 'run', binding.context(context, fields), g.batch * strips, work, scratch),
  );
}

const kindOf = (p: LayerParams): string => `${outputKind(p.requant, p.y)} of ${p.x.constructor.name}`;

/** A small problem of the kind of `like`: odd sizes, all tails. */
function sampleLayer(like: LayerParams, g: ConvGeometry): { params: LayerParams; output: LayerParams['y'] } {
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
