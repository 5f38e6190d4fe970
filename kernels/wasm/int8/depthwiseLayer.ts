/** Packs depthwise convolutions for `depthwise.ts`. */
import { weightCodes } from '../../int4.js';
import type { ConvGeometry, Memory, OpParams } from '../../types.js';
import { Binding } from '../binding.js';
import { type Compiled, lazyModule } from '../engine.js';
import { checked, type WasmKernel } from '../selfTest.js';
import { BLOCK, context, type DepthwiseVariant, emitDepthwise, POSITIONS, TEMPORARY } from './depthwise.js';
import { sampleLayer } from './layer.js';
import { outputKind, packRequantization } from './requantize.js';

/** Operations of a strip, at least; an image has up to eight. */
const STRIP_WORK = 2 ** 17;

type Params = OpParams['qconv2d'];

const modules = new Map<string, () => Compiled>();

function variantOf(p: Params): DepthwiseVariant {
  const { kernelWidth, strideWidth, dilationWidth } = p;
  return {
    kind: outputKind(p.requant, p.y),
    signed: p.x instanceof Int8Array,
    positions: Math.min(POSITIONS, p.outWidth),
    kernelWidth,
    strideWidth,
    dilationWidth,
  };
}
const keyOf = (p: Params): string => Object.values(variantOf(p)).join(' ');

function compiled(p: Params): Compiled {
  const key = keyOf(p);
  let module = modules.get(key);
  if (module === undefined) {
    const variant = variantOf(p);
    modules.set(key, (module = lazyModule((m) => emitDepthwise(m, variant))));
  }
  return module();
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

function prepare(p: Params, memory: Memory): () => void {
  const { inChannels, outChannels, outHeight, outWidth, kernelHeight, kernelWidth, inWidth } = p;
  const binding = new Binding(memory);
  const codes = weightCodes(p, outChannels * kernelHeight * kernelWidth);
  const filterPairs = Math.ceil(kernelHeight / 2);
  const place = Array.from(
    { length: Math.ceil(outChannels / BLOCK) * BLOCK },
    (_, i) => Math.min(i - (i % BLOCK), outChannels - BLOCK) + (i % BLOCK),
  );
  const weights = binding.allocate('int16', place.length * filterPairs * kernelWidth * 2);
  const bias = place.map((channel, i) => {
    let sum = 0;
    for (let row = 0; row < kernelHeight; row++)
      for (let column = 0; column < kernelWidth; column++) {
        const pair = (Math.floor(i / BLOCK) * filterPairs + (row >> 1)) * kernelWidth + column;
        const w = codes[(channel * kernelHeight + row) * kernelWidth + column] - p.wZeroPoint;
        weights[(pair * BLOCK + (i % BLOCK)) * 2 + (row & 1)] = w;
        sum += w;
      }
    return (p.bias === null ? 0 : p.bias[channel]) - p.xZeroPoint * sum;
  });

  const neededWidth = (outWidth - 1) * p.strideWidth + (kernelWidth - 1) * p.dilationWidth + 1;
  const rowElements = Math.max(0, Math.min(inWidth, neededWidth - p.padLeft)) * inChannels;
  const expansion = outChannels / inChannels;
  const rowBytes = rowElements * expansion + 16;
  const pairBytes = 2 * outChannels * neededWidth;
  const pairStep = gcd(p.strideHeight, 2 * p.dilationHeight);
  const filterStep = ((2 * p.dilationHeight) / pairStep) * pairBytes;
  const rowStep = (p.strideHeight / pairStep) * pairBytes;
  const stripBytes = (filterPairs - 1) * filterStep + pairBytes;
  const rowWork = 2 * outWidth * outChannels * kernelHeight * kernelWidth;
  const stripRows = Math.min(outHeight, Math.ceil(Math.max(outHeight / 8, STRIP_WORK / rowWork)));
  const strips = Math.ceil(outHeight / stripRows);

  const fields = {
    x: binding.read(p.x),
    y: binding.write(p.y),
    weights: weights.byteOffset,
    bias: binding.constant('int32', bias),
    ...packRequantization(p.requant, place, binding),
    zeroPoint: p.xZeroPoint,
    inHeight: p.inHeight,
    xRow: inWidth * inChannels,
    xImage: p.inHeight * inWidth * inChannels,
    outHeight,
    outWidth,
    outChannels,
    expansion,
    stripRows,
    strips,
    strideHeight: p.strideHeight,
    dilationHeight: p.dilationHeight,
    padTop: p.padTop,
    pairStep,
    rowBytes,
    rowElements,
    pairBytes,
    leftBytes: Math.min(p.padLeft, neededWidth) * 2 * outChannels,
    stripBytes,
    filterPairs,
    filterStep,
    rowStep,
  };
  const scratch = TEMPORARY + 3 * rowBytes + (stripRows - 1) * rowStep + stripBytes + 32;
  return binding.finish(
    binding.call(
      compiled(p),
      'run',
      binding.context(context, fields),
      p.batch * strips,
      rowWork * outHeight * p.batch,
      scratch,
    ),
  );
}

const kernel: WasmKernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qc8w-dwconv2d-4x4-i16-wasmsimd',
  bound: 0,
  supports: (p) =>
    p.inChannels > 1 && p.groups === p.inChannels && p.outChannels >= BLOCK && p.kernelWidth <= 16,
  prepare,
  kind: keyOf,
  sample: (like) => {
    const outWidth = like.outWidth < POSITIONS ? like.outWidth : POSITIONS + 1;
    const { kernelWidth, strideWidth, dilationWidth } = like;
    const geometry: ConvGeometry = {
      batch: 2,
      inHeight: 4,
      inWidth: Math.max(1, (outWidth - 1) * strideWidth + (kernelWidth - 1) * dilationWidth - 1),
      inChannels: 3,
      outHeight: 4,
      outWidth,
      outChannels: 6,
      kernelHeight: 3,
      kernelWidth,
      strideHeight: 1,
      strideWidth,
      dilationHeight: 1,
      dilationWidth,
      padTop: 1,
      padLeft: 1,
      groups: 3,
    };
    const { params, output } = sampleLayer(like, geometry);
    return { params: { ...geometry, ...params }, output };
  },
};

export const depthwiseKernel = checked(kernel);
