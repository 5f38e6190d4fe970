/**
 * What encodeTflite writes, read by LiteRT and native TensorFlow Lite: samples of every operator whose results are known,
 * and models made by other writers (int8 operators, and float16 networks of MediaPipe), which must compute the same after
 * they are decoded and encoded, with the versions of operators that are chosen here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeTflite, encodeTflite, type TfliteModel } from '../../src/formats/tflite/index.js';
import { modelOf, NAMED_SAMPLES, type SampleTensor } from '../../test/formats/tflite/samples.js';
import { packageFile } from '../runtimes/packages.js';
import { ARRAYS, withModel, type Elements, type Runtime, type TensorInfo } from '../runtimes/types.js';

/** Operators younger than a runtime, which it has to refuse. */
const MISSING: Readonly<Record<string, readonly string[]>> = { tflite: ['RELU_0_TO_1'] };
/** LiteRT.js leaves an output as it is that is known before the run or has its shape only then. */
const UNREADABLE: Readonly<Record<string, readonly string[]>> = { litert: ['FILL', 'SHAPE'] };
/** Runtimes compute float functions their own way. */
const TOLERANCE = 2e-6;

const GOLDEN = fileURLToPath(new URL('../../test/golden/int8_ops/models/', import.meta.url));
const FILES: readonly { readonly path: string; readonly customOperators: boolean }[] = [
  ...readdirSync(GOLDEN).map((name) => ({ path: `${GOLDEN}${name}`, customOperators: false })),
  ...['face_detection_short_range', 'face_detection_full_range'].map((name) => ({
    path: packageFile('@mediapipe/face_detection', `${name}.tflite`),
    customOperators: false,
  })),
  {
    path: packageFile('@mediapipe/selfie_segmentation', 'selfie_segmentation.tflite'),
    customOperators: true,
  },
];
/** Those that know MediaPipe's operators. */
const WITH_CUSTOM_OPERATORS = ['litert'];

/** The failures. */
export async function checkTfliteCodec(runtime: Runtime): Promise<string[]> {
  const failures: string[] = [];
  const attempt = async (name: string, check: () => Promise<string | null>): Promise<void> => {
    const failure = await check().catch((error: unknown) => String(error));
    if (failure !== null) failures.push(`${runtime.name}: ${name}: ${failure}`);
  };
  for (const { name, op, sample } of NAMED_SAMPLES)
    await attempt(name, async () => {
      const bytes = encodeTflite(modelOf(op, sample));
      if (MISSING[runtime.name]?.includes(op)) return await refusal(runtime, bytes);
      const inputs = sample.inputs.filter((tensor) => !tensor.constant).map(({ data }) => data as Elements);
      return await withModel(runtime, bytes, async (model) => {
        const outputs = await model.run(inputs);
        return UNREADABLE[runtime.name]?.includes(op)
          ? null
          : differences(sample.outputs, outputs, model.outputs);
      });
    });
  for (const { path, customOperators } of FILES)
    await attempt(basename(path), async () => {
      const original = new Uint8Array(readFileSync(path));
      const encoded = encodeTflite(withoutVersions(decodeTflite(original)));
      if (customOperators && !WITH_CUSTOM_OPERATORS.includes(runtime.name)) return refusal(runtime, encoded);
      const run = (bytes: Uint8Array) =>
        withModel(runtime, bytes, (model) => model.run(model.inputs.map(pattern)));
      const [wanted, got] = [await run(original), await run(encoded)];
      return wanted.every((y, i) => String(y) === String(got[i])) ? null : 'other results once encoded again';
    });
  return failures;
}

function withoutVersions(model: TfliteModel): TfliteModel {
  const subgraphs = model.subgraphs.map((graph) => ({
    ...graph,
    operators: graph.operators.map((o) => (o.op === 'CUSTOM' ? o : { ...o, version: null })),
  }));
  return { ...model, subgraphs };
}

async function refusal(runtime: Runtime, bytes: Uint8Array): Promise<string | null> {
  const loaded = await runtime.load(bytes).catch(() => null);
  loaded?.dispose();
  return loaded === null ? null : 'is taken, against what is written here';
}

function differences(
  wanted: readonly SampleTensor[],
  got: readonly Elements[],
  infos: readonly TensorInfo[],
): string | null {
  const faults = wanted.map(({ data, dtype }, i) => {
    const y = got[i];
    const same =
      infos[i].type === dtype &&
      y.length === data.length &&
      Array.from(data as ArrayLike<number | bigint>).every(
        (v, j) => Math.abs(Number(y[j]) - Number(v)) <= TOLERANCE * Math.max(1, Math.abs(Number(v))),
      );
    return same ? null : `output ${i}: ${infos[i].type} [${String(y)}], not ${dtype} [${String(data)}]`;
  });
  return faults.find((fault) => fault !== null) ?? null;
}

/** Codes all over their range; floats of both signs. */
function pattern({ type, shape }: TensorInfo): Elements {
  const data = new ARRAYS[type](shape.reduce<number>((n, d) => n * Number(d), 1));
  const low = type === 'int8' ? -128 : 0;
  for (let i = 0; i < data.length; i++)
    data[i] = type === 'float32' ? ((i * 37) % 64) / 8 - 4 : low + ((i * 97 + 13) % 256);
  return data;
}
