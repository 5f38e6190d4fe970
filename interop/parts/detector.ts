/**
 * The detector of examples/detector, as it left it in out/detector, on semi-synthetic test scenes: what its files find in other
 * runtimes, and how many of their codes are other than ours.
 */
import { join } from 'node:path';
import { packageRoot } from '../../src/cli/paths.js';
import { NDArray, Random } from '../../src/core/index.js';
import {
  decodeDetections,
  decodeTargets,
  meanAveragePrecision,
  SceneLoader,
  SceneSource,
} from '../../src/detection/index.js';
import { decodeModel } from '../../src/formats/index.js';
import type { Graph } from '../../src/graph/index.js';
import { runnerOf } from '../../src/contract/index.js';
import { Detector, DETECTOR_STRIDES } from '../../src/models/index.js';
import { loadIdxFolder, readBytes } from '../../src/node/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { compareElements, markdown, NOTHING, runThere, sum, type Counts } from '../comparison.js';
import { EXPORTERS, type Exporter } from '../exporters.js';
import type { PartResult } from './part.js';

const BATCH = 20;
const SCENES = 200;
/** In points of mean average precision. */
const LARGEST_DROP = 1;

interface Row {
  readonly exporter: string;
  readonly runtime: string;
  readonly bytes: number;
  readonly ourMap: number;
  readonly theirMap: number;
  /** Of what the outputs stand for; null in float. */
  readonly codes: Counts | null;
}

const clothes = loadIdxFolder(join(packageRoot(), 'data', 'fashion-mnist'));
const loaderOf = (set: 'train' | 'test', scenes: number): SceneLoader =>
  new SceneLoader(new SceneSource(clothes[set]), { scenes, batchSize: BATCH, seed: 'interop', fresh: false });
const test = [...loaderOf('test', SCENES)];
const calibration = Array.from(loaderOf('train', 128), ({ inputs }) => inputs);
const truth = test.flatMap(({ targets }) => decodeTargets(targets));

/** What `npm run build && node examples/detector/run.js` left behind, else a network that was not trained. */
function floatDetector(): Graph {
  const file = join(packageRoot(), 'out', 'detector', 'detector-float.octo');
  try {
    return decodeModel(readBytes(file)).graph;
  } catch (error) {
    console.log(`detector: not trained, because of ${file}: ${String(error)}`);
    return trace(new Detector({ random: new Random(1) }), test[0].inputs);
  }
}

type Outputs = readonly NDArray[];

const mapOf = (batches: readonly Outputs[]): number => {
  const options = { strides: DETECTOR_STRIDES, threshold: 0.01 };
  const found = batches.flatMap((outputs) => decodeDetections(outputs, options));
  return 100 * meanAveragePrecision(found, truth).meanAveragePrecision;
};

/** The steps of the outputs; null where they are no codes. */
function stepsOf(graph: Graph): readonly number[] | null {
  const steps = graph.outputs.map((id) => {
    const node = graph.nodes.find((n) => n.id === id)!;
    return node.op === 'dequantize' ? graph.values.get(node.inputs[0])!.qparams!.scale[0] : null;
  });
  return steps.every((step) => step !== null) ? steps : null;
}

async function* compare(float: Graph, exporter: Exporter): AsyncGenerator<Row> {
  const { config, name } = exporter;
  const graph = config === null ? float : convert(calibrate(prepare(float, ptqConfig(config)), calibration));
  const run = runnerOf(graph);
  const ours = test.map(({ inputs }) => [...run(new Map([[graph.inputs[0], inputs.value]])).values()]);
  const bytes = exporter.export(graph, BATCH);
  const steps = stepsOf(graph);
  for (const { start } of exporter.runtimes) {
    const runtime = await start();
    const model = await runtime.load(bytes);
    let codes = NOTHING;
    const theirs: Outputs[] = [];
    for (const [i, { inputs }] of test.entries()) {
      const got = await runThere(model, [inputs.value]);
      theirs.push(ours[i].map(({ shape }, k) => new NDArray(Float32Array.from(got[k], Number), shape)));
      if (steps !== null)
        codes = ours[i].reduce(
          (all, { data }, k) => sum(all, compareElements(data, got[k], steps[k])),
          codes,
        );
    }
    model.dispose();
    yield {
      exporter: name,
      runtime: `${runtime.name} ${runtime.version}`,
      bytes: bytes.length,
      ourMap: mapOf(ours),
      theirMap: mapOf(theirs),
      codes: steps === null ? null : codes,
    };
  }
}

export async function compareDetector(): Promise<PartResult> {
  const float = floatDetector();
  const rows: Row[] = [];
  for (const exporter of EXPORTERS) for await (const row of compare(float, exporter)) rows.push(row);
  const failures = rows
    .filter(({ ourMap, theirMap }) => !(Math.abs(ourMap - theirMap) <= LARGEST_DROP))
    .map(
      ({ exporter, runtime, ourMap, theirMap }) => `${exporter}, ${runtime}: mAP ${theirMap}, here ${ourMap}`,
    );
  const cells = (row: Row): string[] => [
    row.exporter,
    row.runtime,
    `${(row.bytes / 1024).toFixed(1)} KiB`,
    row.ourMap.toFixed(1),
    row.theirMap.toFixed(1),
    row.codes === null ? '' : `${row.codes.differing} of ${row.codes.compared} (${row.codes.largest})`,
  ];
  const head = ['file', 'runtime', 'size', 'mAP@0.5 here', 'there', 'codes that differ'];
  return { failures, json: rows, text: markdown(head, rows.map(cells)) };
}
