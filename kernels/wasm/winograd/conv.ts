/** 3x3 convolution of stride 1 by Winograd, planned for both types; of integers, exactly. */
import type { CodeArray, ConvGeometry, FloatArray, Memory, OpParams, Requantization } from '../../types.js';
import { weightCodes } from '../../int4.js';
import { Binding } from '../binding.js';
import { compiledOnce } from '../engine.js';
import { callProduct, rowTable } from '../igemm/plan.js';
import { shapeOf } from '../igemm/tile.js';
import { kindOf, SAMPLE_CONV, sampleLayer } from '../int8/layer.js';
import { outputKind, packRequantization } from '../int8/requantize.js';
import { checked, type WasmKernel } from '../selfTest.js';
import { context, emitWinograd, quadSums, temporaryBytes } from './emit.js';
import { EXACT, OUT, POINTS, TILE } from './transforms.js';
import { type Filters, packWeights } from './weights.js';

/** Bytes of the 36 matrices of a unit, and of the sums of a block of panels: most of a second-level cache in all. */
const MATRIX_BYTES = 288 * 1024;
const SUM_BYTES = 64 * 1024;
/** Tiles of a unit, for some tens of microseconds. */
const UNIT_TILES = 32;

export type Geometry = Pick<
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

export const fits = (g: ConvGeometry): boolean =>
  [g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth, g.groups].every((n) => n === 1) &&
  g.kernelHeight === 3 &&
  g.kernelWidth === 3;

const tilesOf = (g: Geometry): number => g.batch * Math.ceil(g.outHeight / OUT) * Math.ceil(g.outWidth / OUT);

/**
 * Faster than the implicit GEMM? Measured in Node 20: at 8 channels of 14x14 1.6 times for codes and 1.3 for float32, at 4
 * channels 0.9 and 1.2; 9 of 16 positions of a tile inside the image 1.2 to 1.6, 6 of them 0.9 and 1.0. A float32 layer
 * transforms its weights at every call, which takes as long as the products of some 4 tiles; codes need a whole quad.
 */
export const pays = (g: Geometry, tiles: number): boolean =>
  g.inChannels >= 8 && tilesOf(g) >= tiles && g.batch * g.outHeight * g.outWidth >= 8 * tilesOf(g);

/** What differs between the types and directions. */
export interface Operands extends Pick<Filters, 'w' | 'wZeroPoint' | 'steps'> {
  readonly x: FloatArray | CodeArray;
  readonly xZeroPoint?: number;
  readonly y: FloatArray | Int32Array | CodeArray;
  readonly bias: FloatArray | Int32Array | null;
  readonly requant?: Requantization | null;
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

export function prepare(g: Geometry, p: Operands, memory: Memory): () => void {
  const { xZeroPoint = 0, requant = null } = p;
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
    // float32 biases are trained
    bias:
      p.bias instanceof Float32Array
        ? binding.read(p.bias)
        : binding.constant(
            'int32',
            place.map((c) => p.bias?.[c] ?? 0),
          ),
    zeros: binding.allocate('int32', 4 * vectors).byteOffset,
    ...packRequantization(requant, place, binding),
    zeroPoint: xZeroPoint,
    outside: binding.constant(kind, new Uint8Array(neededBytes).fill(xZeroPoint)),
    table: rowTable(
      binding,
      unitTiles,
      (t) => t * depthBytes,
      (t) => (t >> 2) * quadSums(vectors) + (t & 3) * 16 * vectors,
    ),
    runs: binding.constant('int32', [0, words]),
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
  const output = outputKind(requant, p.y as Int32Array);
  const module = compiledOnce(`winograd ${kind} ${output}`, (m, target) =>
    emitWinograd(m, target, kind, output),
  );
  return binding.finish(...calls, callProduct(binding, module, fields, work, scratch, context));
}

export const forward = (c: number): Filters['steps'] => [1, 9 * c, c, 0];

/** Do all sums of products stay where they are recovered exactly? With the real weights, for every possible x. */
function exact({ xZeroPoint, wZeroPoint, ...p }: OpParams['qconv2d'], w: CodeArray): boolean {
  const low = (p.x instanceof Int8Array ? -128 : 0) - xZeroPoint;
  const high = low + 255;
  for (let o = 0; o < w.length; o += 9 * p.inChannels) {
    let [positive, negative] = [0, 0];
    for (let i = o; i < o + 9 * p.inChannels; i++) {
      positive += Math.max(0, w[i] - wZeroPoint);
      negative += Math.min(0, w[i] - wZeroPoint);
    }
    if (positive * high + negative * low >= EXACT || positive * low + negative * high < -EXACT) return false;
  }
  // and the 16-bit bounds of transforms.ts, were the zero point no code
  return low >= -255 && high <= 255;
}

const weightsOf = (p: OpParams['qconv2d']): CodeArray => weightCodes(p, p.outChannels * 9 * p.inChannels);

export const SAMPLE = { ...SAMPLE_CONV, inChannels: 11, outWidth: 6, strideWidth: 1 };

const qconv2d: WasmKernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qc8w-conv3x3-winograd4x4-wasmsimd',
  bound: 0,
  supports: (p) => fits(p) && pays(p, 4) && exact(p, weightsOf(p)),
  prepare: (p, memory) => prepare(p, { ...p, w: weightsOf(p), steps: forward(p.inChannels) }, memory),
  kind: kindOf,
  sample: (like) => {
    const { params, output } = sampleLayer(like, SAMPLE);
    return { params: { ...SAMPLE, ...params }, output };
  },
};

export const winogradKernel = checked(qconv2d);
