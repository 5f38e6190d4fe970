/** Writes a model in a format of others, and holds the file to what it promises: opened again, audited, compared. */
import { NDArray } from '../core/index.js';
import {
  audit,
  compareOutputs,
  openModel,
  runnerOf,
  selfTestOf,
  verifyModel,
  type Arrays,
  type Audit,
  type Difference,
  type FileFormat,
} from '../contract/index.js';
import { encodeModel, type ModelInfo } from '../formats/index.js';
import { exportOnnx } from '../formats/onnx/index.js';
import { exportTflite } from '../formats/tflite/index.js';
import { isInteger, type Graph } from '../graph/index.js';
import { FailedRun } from './command.js';
import { formatCount } from './report/numbers.js';
import { counted } from './text.js';

export const FORMATS = ['octo', 'onnx', 'tflite'] as const;

export interface Written {
  readonly bytes: Uint8Array;
  /** What the format cannot say. */
  readonly notes: readonly string[];
  readonly audit: Audit;
  /** The file, read back, against the graph on the samples; the worst of each output. */
  readonly differences: readonly Difference[];
}

function encode(
  graph: Graph,
  format: FileFormat,
  info: ModelInfo,
  sample: Arrays,
): { bytes: Uint8Array; notes: readonly string[] } {
  if (format === 'octo') return { bytes: encodeModel(graph, info), notes: [] };
  const options = { info, selfTest: selfTestOf(graph, sample) };
  // the same codes in every runtime, where FULLY_CONNECTED would give wrong ones in some
  return format === 'onnx'
    ? exportOnnx(graph, options)
    : exportTflite(graph, { ...options, perChannelLinear: 'convolution' });
}

/** The worst of several comparisons of one output. */
function worst(runs: readonly (readonly Difference[])[]): Difference[] {
  return runs[0].map((first, i) => ({
    ...first,
    elements: runs.reduce((n, run) => n + run[i].elements, 0),
    different: runs.reduce((n, run) => n + run[i].different, 0),
    largest: Math.max(...runs.map((run) => run[i].largest)),
  }));
}

/**
 * @param samples inputs of the graph, of batch 1, at least one
 * @throws FailedRun where the file, read back, does not pass its own self-test
 */
export function writeContract(
  graph: Graph,
  format: FileFormat,
  info: ModelInfo,
  samples: readonly Arrays[],
): Written {
  const { bytes, notes } = encode(graph, format, info, samples[0]);
  const kept = openModel(bytes, 'keep');
  const verdict = verifyModel(kept);
  if (verdict !== null && !verdict.passed)
    throw new FailedRun(
      `the file does not pass its self-test: ${differenceLines(verdict.differences).join('; ')}`,
    );
  const opened = openModel(bytes);
  const here = runnerOf(graph);
  const there = runnerOf(opened.graph, opened.kind);
  const runs = samples.map((inputs) => {
    const values = [...inputs.values()];
    const moved = new Map(opened.graph.inputs.map((id, i) => [id, values[i]]));
    const got = [...there(moved).values()];
    const want = here(inputs);
    const named = new Map(Array.from(want.keys(), (id, i) => [id, got[i]] as const));
    return compareOutputs(want, named);
  });
  const report = isInteger(graph) ? audit(opened) : { integer: 0, float: 0, islands: [], why: null };
  return { bytes, notes, audit: report, differences: worst(runs) };
}

export function differenceLines(differences: readonly Difference[]): string[] {
  return differences.map(({ id, elements, different, largest, unit }) => {
    const how =
      unit === 'steps' ? `at most ${largest} steps` : `at most ${largest.toExponential(1)} of the largest`;
    return `${id}: ${formatCount(different)} of ${formatCount(elements)} numbers differ${different > 0 ? `, ${how}` : ''}`;
  });
}

export function contractLines({
  audit: { integer, float, islands, why },
  notes,
  differences,
}: Written): string[] {
  const found =
    islands.length === 0
      ? 'no float islands'
      : `${counted(islands.length, 'float island')}: ${islands
          .slice(0, 5)
          .map(({ id, op }) => `${id} (${op})`)
          .join(', ')}${islands.length > 5 ? ', ...' : ''}`;
  const audited =
    integer + float === 0
      ? []
      : [`${counted(integer, 'integer node')}, ${counted(float, 'float node')}, ${found}`];
  return [
    ...audited,
    ...(why === null ? [] : [why]),
    ...notes,
    'the file, read back and run here, against the model:',
    ...differenceLines(differences).map((line) => `  ${line}`),
  ];
}

/** An input for a self-test where no data is at hand: a fixed pattern in [-1, 1]. */
export function patternInput(shape: readonly number[]): NDArray {
  const size = shape.reduce((a, b) => a * b, 1);
  return new NDArray(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37) * Math.cos(i * 0.011)),
    shape,
  );
}
