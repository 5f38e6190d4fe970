/**
 * Networks of other makers: BlazeFace, which is carried, and what the folder BENCH_MODELS holds of fr_detect.onnx and
 * posenet.json with posenet.bin.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DetectorName } from '../../src/detection/index.js';
import { importOnnx } from '../../src/formats/onnx/index.js';
import { importTfjs } from '../../src/formats/tfjs/index.js';
import type { Graph } from '../../src/graph/index.js';

export interface ImportedNetwork {
  readonly name: string;
  /** Null where it finds no boxes. */
  readonly detector: DetectorName | null;
  load(): Graph;
}

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** Those whose files are there. */
export function importedNetworks(): ImportedNetwork[] {
  const folder = process.env['BENCH_MODELS'] ?? '';
  const onnx = (path: string) => (): Graph => importOnnx(read(path), { layout: 'nhwc' }).graph;
  const blazeface = join(process.cwd(), 'data/blazeface/face_detection_front.onnx');
  const [ultraface, posenet] = ['fr_detect.onnx', 'posenet.json'].map((file) => join(folder, file));
  const all: [path: string, ImportedNetwork][] = [
    [blazeface, { name: 'BlazeFace 128x128', detector: 'blazeface', load: onnx(blazeface) }],
    [ultraface, { name: 'UltraFace 320x240', detector: 'ultraface', load: onnx(ultraface) }],
    [
      posenet,
      {
        name: 'PoseNet 385x385',
        detector: null,
        load: () => importTfjs(readFileSync(posenet, 'utf8'), read(join(folder, 'posenet.bin'))),
      },
    ],
  ];
  return all.filter(([path]) => existsSync(path)).map(([, network]) => network);
}
