/** 3x3 convolution of stride 1 by Winograd: integers exactly, float32 forward and input gradient. */
import type { CodeArray, ConvGeometry, Memory, OpParams, Requantization } from '../../types.js';
import { weightCodes } from '../../int4.js';
import { Binding } from '../binding.js';
import { type Compiled, lazyModule } from '../engine.js';
import { callProduct, rowTable } from '../igemm/plan.js';
import { shapeOf } from '../igemm/tile.js';
import { outputKind, type OutputKind, packRequantization } from '../int8/requantize.js';
import { checked, sampleCodes, sampleFloats, sampleRequantization, type WasmKernel } from '../selfTest.js';
import { context, emitWinograd, type InputKind, quadSums, temporaryBytes } from './emit.js';
import { EXACT, OUT, POINTS, TILE } from './transforms.js';
import { type Filters, packWeights } from './weights.js';

/** Bytes of the 36 matrices of a unit, and of the sums of a block of panels: most of a second-level cache in all. */
const MATRIX_BYTES = 288 * 1024;
const SUM_BYTES = 64 * 1024;
/** Tiles of a unit, for some tens of microseconds. */
const UNIT_TILES = 32;

const modules = new Map<string, () => Compiled>();

function compiled(input: InputKind, output: OutputKind): Compiled {
  const key = `${input} ${output}`;
  let module = modules.get(key);
  if (module === undefined)
    modules.set(key, (module = lazyModule((m, target) => emitWinograd(m, target, input, output))));
  return module();
}

type Geometry = Pick<
  ConvGeometry,
  | 'batch'
  | 'inHeight'
  | 'inWidth'
  | 'inChannels'
  | 'outHeight'
  | 'outWidth'
  | 'outChannels'
  | 'padTop'
  | 'padLeft'
>;

const fits = (g: ConvGeometry): boolean =>
  [g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth, g.groups].every((n) => n === 1) &&
  g.kernelHeight === 3 &&
  g.kernelWidth === 3;

const tilesOf = (g: Geometry): number => g.batch * Math.ceil(g.outHeight / OUT) * Math.ceil(g.outWidth / OUT);

/**
 * Faster than the implicit GEMM? Measured in Node 20: at 8 channels of 14x14 1.6 times for codes and 1.3 for float32, at 4
 * channels 0.9 and 1.2; 9 of 16 positions of a tile inside the image 1.2 to 1.6, 6 of them 0.9 and 1.0. A float32 layer
 * transforms its weights at every call, which takes as long as the products of some 4 tiles; codes need a whole quad.
 */
const pays = (g: Geometry, tiles: number): boolean =>
  g.inChannels >= 8 && tilesOf(g) >= tiles && g.batch * g.outHeight * g.outWidth >= 8 * tilesOf(g);

/** What differs between the types and directions. */
interface Operands extends Pick<Filters, 'w' | 'wZeroPoint' | 'steps'> {
  readonly x: Float32Array | CodeArray;
  readonly xZeroPoint: number;
  readonly y: Float32Array | Int32Array | CodeArray;
  readonly bias: ArrayLike<number> | null;
  readonly requant: Requantization | null;
}

/** Tiles are multiplied four at a time: as many rows of them as a unit may have that waste least. */
function stripsOfUnit(strips: number, columns: number, tileBytes: number): number {
  let [best, most] = [1, 0];
  for (let n = 1; n <= strips; n++) {
    const tiles = n * columns;
    if (n > 1 && (tiles > UNIT_TILES || tiles * tileBytes > MATRIX_BYTES)) break;
    const used = tiles / Math.ceil(tiles / 4);
    if (used >= most) [best, most] = [n, used];
  }
  return best;
}

function prepare(g: Geometry, p: Operands, memory: Memory): () => void {
  const binding = new Binding(memory);
  const { vectors } = shapeOf(binding.engine.target);
  const kind = p.x instanceof Float32Array ? 'float32' : p.x instanceof Int8Array ? 'int8' : 'uint8';
  const float = kind === 'float32';
  const size = float ? 4 : 2;
  const element = p.x.BYTES_PER_ELEMENT;

  const strips = Math.ceil(g.outHeight / OUT);
  const columns = Math.ceil(g.outWidth / OUT);
  const allStrips = g.batch * strips;
  const cellBytes = g.inChannels * size;
  const depthBytes = 16 * Math.ceil(cellBytes / 16);
  const unitStrips = stripsOfUnit(allStrips, columns, POINTS * depthBytes);
  const unitTiles = unitStrips * columns;
  const panelSums = Math.ceil(unitTiles / 4) * quadSums(vectors);
  const blockPanels = Math.max(1, Math.floor(SUM_BYTES / panelSums));
  const pointBytes = unitTiles * depthBytes;

  const neededBytes = (OUT * columns + TILE - OUT) * cellBytes;
  const leftBytes = Math.min(g.padLeft * cellBytes, neededBytes);
  const imageBytes = Math.min(g.inWidth * cellBytes, neededBytes - leftBytes);
  // and what the last vector writes too much
  const rowBytes = depthBytes - cellBytes + neededBytes + 16;

  const { words, calls, ...weights } = packWeights(binding, {
    ...p,
    depth: g.inChannels,
    channels: g.outChannels,
  });
  const place = Array.from({ length: weights.panels * 4 * vectors }, (_, i) => (i < g.outChannels ? i : -1));
  const fields = {
    ...weights,
    x: binding.read(p.x),
    y: binding.write(p.y),
    bias: binding.constant(
      float ? 'float32' : 'int32',
      place.map((c) => (c < 0 || p.bias === null ? 0 : p.bias[c])),
    ),
    zeros: binding.allocate('int32', 4 * vectors).byteOffset,
    ...packRequantization(p.requant, place, binding),
    zeroPoint: p.xZeroPoint,
    outside: binding.constant(kind, new Uint8Array(neededBytes).fill(p.xZeroPoint)),
    table: rowTable(
      binding,
      unitTiles,
      (t) => t * depthBytes,
      (t) => (t >> 2) * quadSums(vectors) + (t & 3) * 16 * vectors,
    ),
    blocks: binding.constant('int32', [0, words]),
    strips,
    allStrips,
    unitStrips,
    columns,
    channels: g.outChannels,
    firstRow: -g.padTop,
    inHeight: g.inHeight,
    xRow: g.inWidth * g.inChannels * element,
    xImage: g.inHeight * g.inWidth * g.inChannels * element,
    outHeight: g.outHeight,
    outWidth: g.outWidth,
    rowBytes,
    leftBytes,
    imageBytes,
    rightBytes: neededBytes - leftBytes - imageBytes,
    cellBytes,
    depthBytes,
    pointBytes,
    panelSums,
    blockPanels,
  };
  const work = 2 * g.batch * g.outHeight * g.outWidth * g.outChannels * 9 * g.inChannels;
  const scratch = temporaryBytes(vectors) + TILE * rowBytes + POINTS * pointBytes + blockPanels * panelSums;
  const module = compiled(kind, float ? 'int32' : outputKind(p.requant, p.y as Int32Array));
  return binding.finish(...calls, callProduct(binding, module, fields, work, scratch, context));
}

const forward = (c: number) => [1, 9 * c, c, 0] as const;

const weightsOf = (p: OpParams['qconv2d']): CodeArray => weightCodes(p, p.outChannels * 9 * p.inChannels);

/** Do all sums of products stay where they are recovered exactly? With the real weights, for every possible x. */
function exact(p: OpParams['qconv2d']): boolean {
  const low = (p.x instanceof Int8Array ? -128 : 0) - p.xZeroPoint;
  const high = low + 255;
  const k = 9 * p.inChannels;
  const codes = weightsOf(p);
  for (let o = 0; o < codes.length; o += k) {
    let [positive, negative] = [0, 0];
    for (let i = o; i < o + k; i++) {
      const w = codes[i] - p.wZeroPoint;
      if (w > 0) positive += w;
      else negative += w;
    }
    if (positive * high + negative * low >= EXACT || positive * low + negative * high < -EXACT) return false;
  }
  // and the 16-bit bounds of transforms.ts, were the zero point no code
  return low >= -255 && high <= 255;
}

const SAMPLE: ConvGeometry = {
  batch: 2,
  inHeight: 5,
  inWidth: 7,
  inChannels: 11,
  outHeight: 6,
  outWidth: 6,
  outChannels: 19,
  kernelHeight: 3,
  kernelWidth: 3,
  strideHeight: 1,
  strideWidth: 1,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: 1,
  padLeft: 1,
  groups: 1,
};
const sampleSizes = {
  x: SAMPLE.batch * SAMPLE.inHeight * SAMPLE.inWidth * SAMPLE.inChannels,
  w: SAMPLE.outChannels * 9 * SAMPLE.inChannels,
  y: SAMPLE.batch * SAMPLE.outHeight * SAMPLE.outWidth * SAMPLE.outChannels,
};

const qconv2d: WasmKernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qc8w-conv3x3-winograd4x4-wasmsimd',
  bound: 0,
  supports: (p) => fits(p) && pays(p, 4) && exact(p),
  prepare: (p, memory) => prepare(p, { ...p, w: weightsOf(p), steps: forward(p.inChannels) }, memory),
  kind: (p) => `${outputKind(p.requant, p.y)} of ${p.x.constructor.name}`,
  sample: (like) => {
    const y = like.requant === null ? new Int32Array(sampleSizes.y) : sampleCodes(like.y, sampleSizes.y);
    const params = {
      ...SAMPLE,
      x: sampleCodes(like.x, sampleSizes.x),
      xZeroPoint: like.xZeroPoint,
      w: sampleCodes(like.w, sampleSizes.w),
      wZeroPoint: like.wZeroPoint,
      bias: null,
      requant: sampleRequantization(like.requant, SAMPLE.outChannels, 100000),
      y,
    };
    return { params, output: y };
  },
};

/** Allowed difference relative to the largest output; measured: up to 2e-6. */
const BOUND = 1e-5;
const floatOperands = { xZeroPoint: 0, bias: null, requant: null, wZeroPoint: 0 };

const conv2d: WasmKernel<'conv2d'> = {
  op: 'conv2d',
  name: 'f32-conv3x3-winograd4x4-wasmsimd',
  bound: BOUND,
  supports: (p) => fits(p) && pays(p, 8) && p.x instanceof Float32Array,
  prepare: (p, memory) =>
    prepare(
      p,
      {
        ...floatOperands,
        x: p.x as Float32Array,
        y: p.y as Float32Array,
        bias: p.bias,
        w: p.w as Float32Array,
        steps: forward(p.inChannels),
      },
      memory,
    ),
  kind: () => '',
  sample: () => {
    const y = new Float32Array(sampleSizes.y);
    const params = {
      ...SAMPLE,
      x: sampleFloats(sampleSizes.x),
      w: sampleFloats(sampleSizes.w),
      bias: null,
      y,
    };
    return { params, output: y };
  },
};

/** The convolution over dy that gives dx: the filters turned by 180 degrees, their channels exchanged. */
const backward = (p: ConvGeometry): Geometry => ({
  batch: p.batch,
  inHeight: p.outHeight,
  inWidth: p.outWidth,
  inChannels: p.outChannels,
  outHeight: p.inHeight,
  outWidth: p.inWidth,
  outChannels: p.inChannels,
  padTop: 2 - p.padTop,
  padLeft: 2 - p.padLeft,
});

const conv2dInputGrad: WasmKernel<'conv2dInputGrad'> = {
  op: 'conv2dInputGrad',
  name: 'f32-conv3x3-input-grad-winograd4x4-wasmsimd',
  bound: BOUND,
  supports: (p) =>
    fits(p) && pays(backward(p), 8) && p.dy instanceof Float32Array && p.padTop <= 2 && p.padLeft <= 2,
  prepare: ({ inChannels, ...p }, memory) =>
    prepare(
      backward({ inChannels, ...p }),
      {
        ...floatOperands,
        x: p.dy as Float32Array,
        y: p.dx as Float32Array,
        w: p.w as Float32Array,
        steps: [9 * inChannels, 1, -inChannels, 8 * inChannels],
      },
      memory,
    ),
  kind: () => '',
  sample: () => {
    const dx = new Float32Array(sampleSizes.x);
    const params = { ...SAMPLE, dy: sampleFloats(sampleSizes.y), w: sampleFloats(sampleSizes.w), dx };
    return { params, output: dx };
  },
};

export const winogradKernels = [checked(qconv2d), checked(conv2d), checked(conv2dInputGrad)];
