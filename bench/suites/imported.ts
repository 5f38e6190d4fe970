/**
 * Networks of other makers: BlazeFace, which is carried, and what the folder BENCH_MODELS holds of fr_detect.onnx and
 * posenet.json with posenet.bin. Their outputs are joined into one, so that every network is one input and one output.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, Random, sizeOf } from '../../src/core/index.js';
import { importOnnx } from '../../src/formats/onnx/index.js';
import { importTfjs } from '../../src/formats/tfjs/index.js';
import { GraphBuilder, type Graph } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import type { ModelCase } from '../types.js';
import { modelCase } from './modelCase.js';

const CALIBRATION_IMAGES = 2;

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

function imported(): [name: string, path: string, load: (path: string) => Graph][] {
  const folder = process.env['BENCH_MODELS'] ?? '';
  const onnx = (path: string): Graph => importOnnx(read(path), { layout: 'nhwc' }).graph;
  return [
    ['BlazeFace 128x128', join(process.cwd(), 'data/blazeface/face_detection_front.onnx'), onnx],
    ['UltraFace 320x240', join(folder, 'fr_detect.onnx'), onnx],
    [
      'PoseNet 385x385',
      join(folder, 'posenet.json'),
      (path) => importTfjs(readFileSync(path, 'utf8'), read(join(folder, 'posenet.bin'))),
    ],
  ];
}

/** The same network with all outputs, flattened, in one. */
function joined(graph: Graph): Graph {
  const build = new GraphBuilder(graph.numerics);
  for (const { id, array, qparams } of graph.params.values()) build.param(id, array, qparams);
  for (const id of graph.inputs) build.input(id, graph.values.get(id)!.shape);
  for (const { id, ...node } of graph.nodes) build.node(id, node);
  const flat = graph.outputs.map((id) =>
    build.node(`${id}/flat`, { op: 'reshape', inputs: [id], shape: [1, sizeOf(build.shape(id))] }),
  );
  const output = flat.length === 1 ? flat[0] : build.node('outputs', { op: 'concat', inputs: flat, axis: 1 });
  return build.finish([output], graph.batch);
}

/** Float and integer case of every network that is there. */
export function* importedCases(wanted: (shape: string) => boolean): Generator<ModelCase> {
  for (const [name, path, load] of imported()) {
    if (!existsSync(path) || !wanted(name)) continue;
    const graph = joined(load(path));
    const { shape } = graph.values.get(graph.inputs[0])!;
    const random = new Random(`bench/${name}`);
    const images = Array.from(
      { length: CALIBRATION_IMAGES },
      () =>
        new NDArray(
          Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1)),
          shape,
        ),
    );
    yield modelCase('models', name, graph, images[0]);
    const module = prepare(graph, ptqConfig({ signed: false }));
    const quantized = calibrate(
      module,
      images.map((x) => new Tensor(x)),
    );
    yield modelCase('models', name, convert(quantized), images[0]);
  }
}
