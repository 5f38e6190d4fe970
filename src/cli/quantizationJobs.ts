/** The two ways of quantizing a model file: a classifier with labelled images, and any network with inputs alone. */
import { layerReport, Noise } from '../analysis/index.js';
import { Tensor } from '../autograd/index.js';
import { openModel, runnerOf, type Arrays, type FileFormat } from '../contract/index.js';
import { UnsupportedError, type NDArray } from '../core/index.js';
import type { Model } from '../formats/index.js';
import type { Graph } from '../graph/index.js';
import { readBytes } from '../node/index.js';
import {
  compareCodes,
  convert,
  type CodeComparison,
  type QConfig,
  type QuantizedModule,
} from '../quant/index.js';
import type { TargetName } from '../targets/index.js';
import { FailedRun, UsageError, type Io } from './command.js';
import { writeContract, type Written } from './contract.js';
import { loadData } from './data.js';
import { classify, EVALUATION_BATCH, loaderFor } from './inference.js';
import { loadInputs, type Normalization } from './inputs.js';
import { quantized, quantizeModel, type QuantizeOptions } from './quantization.js';
import { formatBytes, formatMilliseconds, formatPercent, formatPoints } from './report/numbers.js';
import { columns, counted } from './text.js';
import type { Training } from './training/index.js';

export interface Job {
  readonly path: string;
  readonly source: Model;
  readonly config: QConfig;
  readonly target: TargetName | null;
  readonly format: FileFormat;
}

export interface JobResult {
  readonly module: QuantizedModule;
  readonly written: Written & { readonly graph: Graph };
  readonly codes: CodeComparison;
  /** For a reader, and for a program, once it is known where the file goes. */
  lines(out: string): string[];
  data(out: string): object;
}

/** Inputs on which the written file is compared with the model. */
const SAMPLES = 8;
/** Nodes that are named when too much was lost. */
const BLAMED = 3;

function blame(module: QuantizedModule, input: Tensor): string {
  const worst = [...layerReport(module, [input]).values]
    .sort((a, b) => b.added! - a.added!)
    .slice(0, BLAMED)
    .map(({ id, op, sqnr }) => `${id} (${op}, left with ${sqnr!.toFixed(1)} dB)`);
  return `most is lost in ${worst.join(', ')}; nothing was written`;
}

export interface ClassifierOptions extends QuantizeOptions {
  readonly data: string | undefined;
  readonly limit: number | undefined;
  readonly compare: number;
  readonly maxDrop: number | undefined;
  /** Of qat; null for ptq. */
  readonly training: Training | null;
}

export async function quantizeClassifier(
  { path, source, config, format }: Job,
  options: ClassifierOptions,
  io: Io,
): Promise<JobResult> {
  const { signal } = io;
  const data = loadData(options.data);
  const test = data.test.slice(0, options.limit);
  io.stderr('evaluating the float model');
  const before = await classify(source, test, { signal });
  const module = await quantizeModel(source, data.train.slice(0, options.limit), config, options, io);
  const { info } = source;
  const graph = convert(module);
  const samples = Array.from(loaderFor(info, test.slice(0, SAMPLES), 1).batches(), ({ inputs }) => inputs);
  const [id] = graph.inputs;
  const written = writeContract(
    graph,
    format,
    info,
    samples.map((x) => new Map([[id, x.value]])),
  );
  io.stderr('evaluating the integer model');
  const after = await classify({ graph: openModel(written.bytes).graph, info }, test, { signal });
  const { maxDrop } = options;
  if (maxDrop !== undefined && 100 * (before.top1 - after.top1) > maxDrop)
    throw new FailedRun(
      `${path}: ${formatPoints(after.top1 - before.top1)} points of accuracy, --max-drop allows ${maxDrop}; ${blame(module, samples[0])}`,
    );
  const images = loaderFor(info, test.slice(0, options.compare), EVALUATION_BATCH).batches();
  const codes = compareCodes(
    module,
    graph,
    Array.from(images, ({ inputs }) => inputs),
  );
  const variants = (out: string) => [
    { model: path, top1: before.top1, bytes: readBytes(path).length, ms_per_image: before.msPerImage },
    { model: out, top1: after.top1, bytes: written.bytes.length, ms_per_image: after.msPerImage },
  ];
  return {
    module,
    written: { ...written, graph },
    codes,
    lines(out) {
      const head = ['', 'top-1', 'vs float', 'file', 'ms/image'];
      const rows = variants(out).map((v, i) => [
        v.model,
        formatPercent(v.top1),
        i === 0 ? '' : formatPoints(v.top1 - before.top1),
        formatBytes(v.bytes),
        formatMilliseconds(v.ms_per_image),
      ]);
      return columns([head, ...rows], [1, 2, 3, 4]);
    },
    data(out) {
      const [float, integer] = variants(out);
      return { test_images: test.length, float, integer };
    },
  };
}

export interface InputsOptions extends QuantizeOptions, Normalization {
  readonly calibrate: string;
  readonly minSqnr: number | undefined;
}

/** Of the inputs, this share is kept apart for measuring, where there are enough. */
const HELD_OUT = 4;

/** Inputs of `--calibrate`: those that set the ranges, and those that are kept apart; the same where there are too few. */
export function splitInputs(
  path: string,
  { inputs, values }: Graph,
  options: { readonly calibrate: string; readonly calibration: number } & Normalization,
): { used: NDArray[]; held: NDArray[]; apart: boolean } {
  if (inputs.length !== 1)
    throw new UnsupportedError(`${path}: has ${inputs.length} inputs; --calibrate gives one`);
  const all = loadInputs(options.calibrate, values.get(inputs[0])!.shape, options.calibration, options);
  const count = Math.floor(all.length / HELD_OUT);
  if (count === 0) return { used: all, held: all, apart: false };
  return { used: all.slice(0, -count), held: all.slice(-count), apart: true };
}

export async function quantizeOnInputs(
  { path, source: { graph: float, info }, config, format }: Job,
  options: InputsOptions,
  io: Io,
): Promise<JobResult> {
  if (options.method === 'qat')
    throw new UsageError('--method qat needs labelled images; use --data, or ptq');
  const { used, held, apart } = splitInputs(path, float, options);
  const [id] = float.inputs;
  io.stderr(`calibrating on ${counted(used.length, 'input')}`);
  const batches = used.map((x) => new Tensor(x));
  const module = await quantized(float, batches, config, options, io);
  const graph = convert(module);
  const samples: Arrays[] = held.slice(0, SAMPLES).map((x) => new Map([[id, x]]));
  const written = writeContract(graph, format, info, samples);
  const [before, after] = [runnerOf(float), runnerOf(graph)].map((run) =>
    samples.map((x) => [...run(x).values()]),
  );
  const noise = float.outputs.map((output, i) => {
    const total = new Noise();
    before.forEach((outputs, n) => total.add(outputs[i].data, after[n][i].data));
    return { output, sqnr: total.sqnr };
  });
  const { minSqnr } = options;
  const worst = noise.reduce((a, b) => (b.sqnr < a.sqnr ? b : a));
  if (minSqnr !== undefined && worst.sqnr < minSqnr)
    throw new FailedRun(
      `${path}: ${worst.output} has ${worst.sqnr.toFixed(1)} dB, --min-sqnr asks for ${minSqnr}; ${blame(module, new Tensor(held[0]))}`,
    );
  const codes = compareCodes(
    module,
    graph,
    held.slice(0, SAMPLES).map((x) => new Tensor(x)),
  );
  const sizes = { float_bytes: readBytes(path).length, integer_bytes: written.bytes.length };
  return {
    module,
    written: { ...written, graph },
    codes,
    lines: (out) => [
      ...columns([['', 'SQNR'], ...noise.map((n) => [n.output, `${n.sqnr.toFixed(1)} dB`])], [1]),
      `on ${counted(samples.length, 'input')} ${apart ? 'that set no ranges' : 'that also set the ranges'}`,
      `${path} ${formatBytes(sizes.float_bytes)}, ${out} ${formatBytes(sizes.integer_bytes)}`,
    ],
    data: (out) => ({ out, ...sizes, held_out: apart ? held.length : 0, sqnr: noise }),
  };
}
