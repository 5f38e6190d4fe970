/** The formats that are fuzzed: `npm run fuzz:formats` in full, fuzz.test.ts a sample. A new reader joins with one entry. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NDArray } from '../../src/core/ndarray.js';
import type { Random } from '../../src/core/random.js';
import { parseIdx } from '../../src/data/idx.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/formats/checkpoint.js';
import { crc32, formatCrc32 } from '../../src/formats/crc32.js';
import { decodeModel, encodeModel } from '../../src/formats/model.js';
import { decodeNpy, encodeNpy } from '../../src/formats/npy.js';
import { decodeOnnx, importOnnx } from '../../src/formats/onnx/index.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { importTfjs } from '../../src/formats/tfjs/index.js';
import { decodeTflite, encodeTflite, exportTflite, importTflite } from '../../src/formats/tflite/index.js';
import type { Graph } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, EveryOp, normal } from '../support/models.js';
import { latin1 } from './common.js';
import type { Format } from './fuzzing.js';
import { hostileSafetensors } from './hostileSafetensors.js';
import { hostileOnnx } from './onnx/hostile.js';
import { hostileImports } from './onnx/hostileImport.js';
import { mutateOnnx } from './onnx/mutate.js';
import { unpackTests } from './onnx/nodeTestPack.js';
import { mutateTree } from './protobufTree.js';
import { hostileNetworks, hostileTflite, mutateWords } from './tflite/hostile.js';
import { mutateModel } from './tflite/mutate.js';
import { modelOf, NAMED_SAMPLES } from './tflite/samples.js';

const arrays: readonly NDArray[] = [
  new NDArray(Float32Array.of(1, 2.5, NaN, -3), [2, 2]),
  new NDArray(Int8Array.of(-128, 127, 5), [3]),
  new NDArray(Float64Array.of(0.1), []),
  new NDArray(new Uint8Array(0), [0, 4]),
];

/** One in float, one in integers. */
function graphs(): Graph[] {
  const shape = [2, 8, 8, 2];
  const graph = trace(new EveryOp(), normal(shape));
  return [graph, convert(calibrate(prepare(graph, ptqConfig({ weightBits: 4 })), batches(1, shape)))];
}

function models(): Uint8Array[] {
  const info = { labels: ['a', 'b'], normalization: { mean: [0.5], std: [0.25] } };
  return graphs().map((graph) => encodeModel(graph, info));
}

const checkpoint = {
  epoch: 3,
  step: 120,
  model: new Map([['conv.weight', arrays[0]]]),
  optimizer: { kind: 'adam', groups: [{ lr: 0.001, state: [{ m: Float32Array.of(0.5) }, null] }] },
  random: { list: [1, 2, [3, [4]]] },
  extra: { nested: { map: new Map([['__proto__', 1]]) } },
};

/** Gives a safetensors file, half of the time, the header length that its header has now. */
function repairHeader(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length < 9 || random.int(2) === 0) return bytes;
  let [depth, quoted, at] = [0, false, 8];
  for (; at < bytes.length; at++) {
    const sign = String.fromCharCode(bytes[at]);
    if (sign === '"') quoted = !quoted;
    else if (quoted && sign === '\\') at++;
    else if (!quoted && sign === '{') depth++;
    else if (!quoted && sign === '}' && --depth === 0) break;
  }
  while (bytes[at + 1] === 0x20) at++;
  const out = bytes.slice();
  new DataView(out.buffer).setBigUint64(0, BigInt(at - 7), true);
  return out;
}

/** The checksum of our own files stands at a fixed place; the sum is over all else. */
function repairChecksum(bytes: Uint8Array, random: Random): Uint8Array {
  const start = 8 + '{"__metadata__":{"crc32":"'.length;
  const end = start + 8;
  if (bytes.length < end) return bytes;
  const out = repairHeader(bytes, random).slice();
  out.set(latin1(formatCrc32(crc32(out.subarray(end), crc32(out.subarray(0, start))))), start);
  return out;
}

/** The text of a TensorFlow.js model, a line break, and its weights: two files as one. */
function tfjsModel(): Uint8Array {
  const path = join(process.cwd(), 'test/golden/tfjs/ops.json');
  const { model, weights } = JSON.parse(readFileSync(path, 'utf8')) as { model: object; weights: string };
  return Uint8Array.from([...Buffer.from(`${JSON.stringify(model)}\n`), ...Buffer.from(weights, 'base64')]);
}

function parseTfjs(bytes: Uint8Array): unknown {
  const end = bytes.indexOf(0x0a);
  return importTfjs(new TextDecoder().decode(bytes.subarray(0, end)), bytes.subarray(end + 1));
}

const ODD = [0, -1, 1, 3, 1e9, 2 ** 53, 0.5, null, true, '', 'x:0', '__proto__', '-1', [], {}];

/** Changes some values of the JSON, so that it stays JSON. */
function mutateTfjs(bytes: Uint8Array, random: Random): Uint8Array {
  const end = bytes.indexOf(0x0a);
  let model: { modelTopology?: { node?: object } };
  try {
    model = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as typeof model;
  } catch {
    return bytes; // other damage came first
  }
  for (let edits = 1 + random.int(4); edits > 0; edits--) {
    const start = random.int(8) > 0 ? (model.modelTopology?.node ?? model) : model;
    let at = start as Record<string, unknown>;
    for (;;) {
      const keys = Object.keys(at);
      if (keys.length === 0) break;
      const key = keys[random.int(keys.length)];
      const value = at[key];
      if (typeof value === 'object' && value !== null && random.int(8) > 0) {
        at = value as Record<string, unknown>;
        continue;
      }
      const other = at[keys[random.int(keys.length)]];
      if (random.int(4) === 0) Reflect.deleteProperty(at, key);
      else at[key] = random.int(2) === 0 ? structuredClone(other) : ODD[random.int(ODD.length)];
      break;
    }
  }
  return Uint8Array.from([...Buffer.from(JSON.stringify(model)), ...bytes.subarray(end)]);
}

/** All files of a folder of test that end in `end`. */
function files(folder: string, end: string): Uint8Array[] {
  const path = join(process.cwd(), 'test', folder);
  return readdirSync(path)
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(path, name))));
}

export const FORMATS: readonly Format[] = [
  { name: 'npy', seeds: () => arrays.map(encodeNpy), parse: (bytes) => decodeNpy(bytes) },
  {
    name: 'safetensors',
    seeds: () => [
      encodeSafetensors(new Map(arrays.map((array, i) => [`tensor ${i}`, array])), { note: 'é' }),
      encodeSafetensors(new Map([['x', arrays[0]]])),
      ...hostileSafetensors(2000).map(([, file]) => file),
    ],
    hostile: hostileSafetensors,
    parse: decodeSafetensors,
    repair: repairHeader,
  },
  { name: 'model', seeds: models, parse: decodeModel, repair: repairChecksum },
  {
    name: 'checkpoint',
    seeds: () => [encodeCheckpoint(checkpoint)],
    parse: decodeCheckpoint,
    repair: repairChecksum,
  },
  { name: 'tfjs', seeds: () => [tfjsModel()], parse: parseTfjs, mutate: mutateTfjs },
  {
    name: 'idx',
    seeds: () => [Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6)],
    parse: (bytes) => parseIdx(bytes),
  },
  {
    name: 'onnx',
    seeds: () => [
      ...files('golden/onnx_q/models', '.onnx'),
      ...files('formats/onnx/fixtures', '.onnx'),
      ...hostileOnnx(2000).map(([, file]) => file),
    ],
    hostile: hostileOnnx,
    parse: decodeOnnx,
    mutate: mutateTree,
  },
  {
    name: 'onnx import',
    seeds: () => [
      ...files('golden/onnx_q/models', '.onnx'),
      ...files('formats/onnx/fixtures', '.onnx'),
      ...[...unpackTests(files('golden/onnx_node', '.bin')[0]).values()].map(({ model }) => model),
    ],
    hostile: hostileImports,
    parse: importOnnx,
    mutate: mutateOnnx,
  },
  {
    name: 'tflite',
    seeds: () => [
      ...files('golden/int8_ops/models', '.tflite'),
      ...NAMED_SAMPLES.map(({ op, sample }) => encodeTflite(modelOf(op, sample))),
      ...hostileTflite(),
    ],
    parse: decodeTflite,
    mutate: mutateWords,
  },
  {
    name: 'tflite import',
    seeds: () => [
      ...files('golden/int8_ops/models', '.tflite'),
      ...NAMED_SAMPLES.map(({ op, sample }) => encodeTflite(modelOf(op, sample))),
      ...graphs().map((graph) => exportTflite(graph, { perChannelLinear: 'fullyConnected' }).bytes),
    ],
    hostile: hostileNetworks,
    parse: importTflite,
    mutate: mutateModel,
  },
];
