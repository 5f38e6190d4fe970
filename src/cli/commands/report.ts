/** `octograd report`: what quantization does to a network, layer by layer. */
import { layerReport, type Variant } from '../../analysis/index.js';
import { Tensor } from '../../autograd/index.js';
import { openModel, type OpenedModel } from '../../contract/index.js';
import { bitsOf } from '../../core/index.js';
import type { Graph } from '../../graph/index.js';
import type { GraphInputs, QConfig } from '../../quant/index.js';
import {
  dataOption,
  defineCommand,
  EXIT,
  kernelOptions,
  seedOption,
  UsageError,
  type Io,
  type OptionTable,
  type OptionValues,
} from '../command.js';
import { optionWord } from '../args.js';
import { loadData } from '../data.js';
import { printResult, readAs, withEnding, writeOutput } from '../files.js';
import { checkInput, EVALUATION_BATCH, loaderFor } from '../inference.js';
import {
  calibrationBatches,
  configOf,
  numericsName,
  quantizationOptions,
  quantized,
} from '../quantization.js';
import { splitInputs } from '../quantizationJobs.js';
import { networkLines, renderNetwork, type NetworkReport } from '../report/network.js';

const options = {
  ...dataOption,
  float: {
    kind: 'text',
    placeholder: 'FILE',
    help: 'for a model that is quantized already: the float model to measure against',
  },
  ...quantizationOptions,
  limit: { kind: 'integer', min: 1, default: 256, help: 'test images that are measured' },
  threshold: { kind: 'number', default: 30, help: 'dB that the bits needed are to give' },
  order: {
    kind: 'choice',
    choices: ['network', 'worst'],
    default: 'network',
    help: 'of the table: as the network runs, or most noise first',
  },
  html: { kind: 'text', placeholder: 'FILE', help: 'the page (default MODEL-report.html)' },
  ...seedOption,
  ...kernelOptions,
} as const satisfies OptionTable;

type Options = OptionValues<typeof options>;

/** What is measured, on what, against what. */
interface Measured {
  readonly quantized: Variant;
  readonly batches: Iterable<GraphInputs>;
  readonly float?: Graph;
  /** In words. */
  readonly quantization: string;
}

export const report = defineCommand({
  name: 'report',
  summary: 'what quantization does to a network, layer by layer',
  positionals: [
    {
      name: 'MODEL',
      help: 'a float model, which is quantized for the report, or a quantized one with --float',
    },
  ],
  options,
  async run({ positionals: [path], given, options }, io) {
    const model = open(path);
    const measured =
      model.kind === 'float'
        ? await quantizeFor(path, model, given, options, io)
        : compareWith(path, model, given, options);
    const { quantized: variant, batches, float, quantization } = measured;
    io.stderr('measuring');
    const { threshold } = options;
    const result: NetworkReport = {
      model: path,
      float: options.float ?? null,
      quantization,
      layers: layerReport(variant, batches, { threshold, ...(float && { float }) }),
    };
    const html = options.html ?? withEnding(path, '-report.html');
    writeOutput(html, await renderNetwork(result));
    const lines = [...networkLines(result, options.order), '', `wrote ${html}`];
    printResult(io, options, lines, { ...result, html });
    return EXIT.ok;
  },
});

function open(path: string): OpenedModel {
  return readAs(path, (bytes) => openModel(bytes));
}

async function quantizeFor(
  path: string,
  model: OpenedModel,
  given: ReadonlySet<string>,
  options: Options,
  io: Io,
): Promise<Measured> {
  if (options.float !== undefined)
    throw new UsageError(`--float is for a model that is quantized already; ${path} is a float model`);
  const { graph } = model;
  const config = configOf({ ...options, method: 'ptq' }, given, graph);
  const { calibrate } = options;
  if (calibrate !== undefined) {
    const { used, held } = splitInputs(path, graph, { ...options, calibrate });
    const module = await quantized(
      graph,
      used.map((x) => new Tensor(x)),
      config,
      options,
      io,
    );
    return { quantized: module, batches: held.map((x) => new Tensor(x)), quantization: describe(config) };
  }
  const data = loadData(options.data);
  checkInput(graph, data.test.imageShape);
  const batches = calibrationBatches(model, data.train, options.calibration, io);
  const module = await quantized(graph, batches, config, options, io);
  return { quantized: module, batches: testBatches(model, [graph], options), quantization: describe(config) };
}

/** Say how a network is fed, not how it is quantized. */
const INPUT_OPTIONS = ['calibrate', 'calibration', 'mean', 'std'];

function compareWith(
  path: string,
  model: OpenedModel,
  given: ReadonlySet<string>,
  options: Options,
): Measured {
  const { float: floatPath, calibrate } = options;
  if (floatPath === undefined)
    throw new UsageError(
      `--float FILE is missing: ${path} is quantized already, and does not hold its float network`,
    );
  const extra = Object.keys(quantizationOptions).find(
    (key) => given.has(key) && !INPUT_OPTIONS.includes(key),
  );
  if (extra !== undefined)
    throw new UsageError(`--${optionWord(extra)} is for float models; ${path} is quantized already`);
  const { graph: float, kind, info } = open(floatPath);
  if (kind !== 'float') throw new UsageError(`--float: ${floatPath} is no float model`);
  const batches =
    calibrate === undefined
      ? testBatches({ ...model, info }, [model.graph, float], options)
      : splitInputs(path, float, { ...options, calibrate }).held.map((x) => new Tensor(x));
  return { quantized: model, batches, float, quantization: '' };
}

function* testBatches(
  { info }: Pick<OpenedModel, 'info'>,
  graphs: readonly Graph[],
  { data, limit }: Options,
): Iterable<GraphInputs> {
  const { test } = loadData(data);
  for (const graph of graphs) checkInput(graph, test.imageShape);
  const batch = graphs.some((graph) => graph.batch === 'fixed') ? 1 : EVALUATION_BATCH;
  for (const { inputs } of loaderFor(info, test.slice(0, limit), batch).batches()) yield inputs;
}

function describe({ weights, activations, numerics }: QConfig): string {
  return `W${bitsOf(weights.range)}A${bitsOf(activations.range)}, weights ${weights.granularity}, ${numericsName(numerics)} requantization`;
}
