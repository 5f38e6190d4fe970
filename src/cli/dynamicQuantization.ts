/** `octograd quantize --method dynamic`: 8-bit weights in linear layers, nothing to calibrate. */
import { basename } from 'node:path';
import { openModel } from '../contract/index.js';
import type { Model } from '../formats/index.js';
import { readBytes } from '../node/index.js';
import type { Granularity } from '../quant/index.js';
import { quantizeDynamic } from '../quant/methods/index.js';
import {
  commonOptions,
  dataOption,
  FailedRun,
  kernelOptions,
  seedOption,
  UsageError,
  type Io,
  type OptionValues,
} from './command.js';
import { contractLines, writeContract, type FORMATS } from './contract.js';
import { loadData } from './data.js';
import { fileIn, printResult, withEnding, writeOutput } from './files.js';
import { classify, loaderFor } from './inference.js';
import { formatBytes, formatMilliseconds, formatPercent, formatPoints } from './report/numbers.js';
import { columns, counted } from './text.js';

export interface DynamicJobOptions extends OptionValues<typeof commonOptions> {
  readonly data: string | undefined;
  readonly limit: number | undefined;
  readonly granularity: Granularity;
  readonly format: (typeof FORMATS)[number];
  readonly maxDrop: number | undefined;
  readonly out: string | undefined;
}

/** Options that mean something here. */
const TAKEN = new Set([
  ...Object.keys({ ...commonOptions, ...kernelOptions, ...seedOption, ...dataOption }),
  ...['method', 'limit', 'granularity', 'format', 'maxDrop', 'out'],
]);

/** Inputs on which the written file is compared with the model. */
const SAMPLES = 8;

/** @throws UsageError for options of the other methods, FailedRun where more accuracy is lost than `maxDrop` allows */
export async function quantizeDynamicJob(
  path: string,
  source: Model,
  options: DynamicJobOptions,
  given: ReadonlySet<string>,
  io: Io,
): Promise<void> {
  for (const name of given)
    if (!TAKEN.has(name)) {
      const word = name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
      throw new UsageError(`--${word} is not for --method dynamic, which calibrates and trains nothing`);
    }
  const { granularity, format, maxDrop } = options;
  const { signal } = io;
  const { info } = source;
  const graph = quantizeDynamic(source.graph, { granularity });
  const layers = graph.nodes.filter(({ op }) => op === 'dynamicLinear').length;
  const test = loadData(options.data).test.slice(0, options.limit);
  io.stderr('evaluating the float model');
  const before = await classify(source, test, { signal });
  const samples = Array.from(loaderFor(info, test.slice(0, SAMPLES), 1).batches(), ({ inputs }) => inputs);
  const written = writeContract(
    graph,
    format,
    info,
    samples.map((x) => new Map([[graph.inputs[0], x.value]])),
  );
  io.stderr('evaluating the quantized model');
  const after = await classify({ graph: openModel(written.bytes).graph, info }, test, { signal });
  const drop = 100 * (before.top1 - after.top1);
  if (maxDrop !== undefined && drop > maxDrop)
    throw new FailedRun(
      `${path}: ${formatPoints(-drop / 100)} points of accuracy, --max-drop allows ${maxDrop}; nothing was written`,
    );
  const own = withEnding(path, `-dynamic-w8.${format}`);
  const out = options.out === undefined ? own : fileIn(options.out, basename(own));
  writeOutput(out, written.bytes);

  const models = [
    { model: path, top1: before.top1, bytes: readBytes(path).length, ms_per_image: before.msPerImage },
    { model: out, top1: after.top1, bytes: written.bytes.length, ms_per_image: after.msPerImage },
  ];
  const rows = models.map(({ model, top1, bytes, ms_per_image: ms }, i) => [
    model,
    formatPercent(top1),
    i === 0 ? '' : formatPoints(-drop / 100),
    formatBytes(bytes),
    formatMilliseconds(ms),
  ]);
  const head = ['', 'top-1', 'vs float', 'file', 'ms/image'];
  const lines = [
    ...columns([head, ...rows], [1, 2, 3, 4]),
    `${counted(layers, 'linear layer')} with 8-bit weights, inputs quantized as they come`,
    ...(format === 'octo' ? [] : contractLines(written)),
  ];
  const [float, dynamic] = models;
  const data = { test_images: test.length, layers, granularity, format, float, dynamic };
  printResult(io, options, lines, { method: 'dynamic', ...data });
}
