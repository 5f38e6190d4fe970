/** `octograd report`: what quantization does to a network, layer by layer. */
import {
  attribute,
  layerReport,
  sensitivity,
  type Attribution,
  type LabelledInputs,
  type Sensitivity,
  type Variant,
} from '../../analysis/index.js';
import { Tensor } from '../../autograd/index.js';
import type { OpenedModel } from '../../contract/index.js';
import { bitsOf, type NDArray } from '../../core/index.js';
import type { Graph } from '../../graph/index.js';
import type { GraphInputs, QConfig, QuantizedModule } from '../../quant/index.js';
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
  type ParsedArgs,
} from '../command.js';
import { optionWord } from '../args.js';
import { loadData } from '../data.js';
import { loadFloat, loadModel, printResult, requireStatic, withEnding, writeOutput } from '../files.js';
import { checkInput, EVALUATION_BATCH, loaderFor } from '../inference.js';
import { improveGraph } from '../methods.js';
import { refuseOverwriting } from '../overwrite.js';
import {
  calibrationBatches,
  configOf,
  numericsName,
  quantizationOptions,
  quantized,
} from '../quantization.js';
import { splitInputs } from '../quantizationJobs.js';
import { networkLines, renderNetwork, type NetworkReport } from '../report/network.js';

const analysisOptions = {
  attribute: {
    kind: 'flag',
    help: 'for a float model: why each layer loses, and what each fix gains, measured',
  },
  attributeAdaround: {
    kind: 'flag',
    help: '--attribute with AdaRound among the fixes, which trains and takes long',
  },
  sensitivity: {
    kind: 'flag',
    help: 'for a float model: what each tensor loses alone at 2 to 8 bits',
  },
} as const satisfies OptionTable;

const reportOptions = {
  ...dataOption,
  float: {
    kind: 'text',
    placeholder: 'FILE',
    help: 'for a model that is quantized already: the float model to measure against',
  },
  ...quantizationOptions,
  ...analysisOptions,
  limit: { kind: 'integer', min: 1, default: 256, help: 'test images that are measured' },
  threshold: { kind: 'number', default: 30, help: 'dB that the bits needed are to give' },
  order: {
    kind: 'choice',
    choices: ['network', 'worst'],
    default: 'network',
    help: 'of tables and distributions: as the network runs, or most noise first',
  },
  html: { kind: 'text', placeholder: 'FILE', help: 'the page (default MODEL-report.html)' },
  ...seedOption,
  ...kernelOptions,
} as const satisfies OptionTable;

type Options = OptionValues<typeof reportOptions>;

/** What is measured, on what, against what. */
interface Measured {
  readonly quantized: Variant;
  readonly batches: readonly GraphInputs[];
  /** The same, with labels where there are some. */
  readonly labelled: readonly LabelledInputs[];
  /** Not that of the module, whose weights AdaRound and others change. */
  readonly float: Graph;
  /** Null where it came quantized from a file. */
  readonly module: QuantizedModule | null;
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
  options: reportOptions,
  async run(args, io) {
    const { positionals, options } = args;
    const { order } = options;
    const html = options.html ?? withEnding(positionals[0], '-report.html');
    refuseOverwriting(args, [['html', html]]);
    const { result, page } = await io.endsAtOnce(async () => {
      const result = await measure(args, io);
      return { result, page: await renderNetwork(result, { order }) };
    });
    writeOutput(html, page);
    const lines = [...networkLines(result, order), '', `wrote ${html}`];
    printResult(io, options, lines, { ...result, html });
    return EXIT.ok;
  },
});

async function measure(
  { positionals: [path], given, options }: ParsedArgs<typeof reportOptions>,
  io: Io,
): Promise<NetworkReport> {
  const model = loadModel(path);
  requireStatic(path, model.graph);
  const measured =
    model.kind === 'float'
      ? await quantizeFor(path, model, given, options, io)
      : compareWith(path, model, given, options);
  const { quantized: variant, batches, float, quantization } = measured;
  io.stderr('measuring');
  const { threshold } = options;
  const layers = layerReport(variant, batches, { threshold, float });
  if (layers.values.every((value) => value.op === 'input' || value.float === null))
    throw new UsageError(
      `--float: ${options.float} shares no value with ${path}; give the network that it was made from`,
    );
  return {
    model: path,
    float: options.float ?? null,
    quantization,
    layers,
    ...furtherAnalyses(measured, options, io),
  };
}

const attributes = ({ attribute, attributeAdaround }: Options): boolean => attribute || attributeAdaround;

/** What takes time, and is to be asked for. */
function furtherAnalyses(
  { module, float, batches, labelled }: Measured,
  options: Options,
  io: Io,
): Partial<NetworkReport> {
  const results: { attribution?: Attribution; sensitivity?: readonly Sensitivity[] } = {};
  if (module === null) return results;
  if (attributes(options)) {
    const { attributeAdaround, seed } = options;
    io.stderr('measuring sources of the error, and fixes');
    results.attribution = attribute(module, batches, { adaround: attributeAdaround && { seed } });
  }
  if (options.sensitivity) {
    io.stderr('measuring each tensor alone at 2 to 8 bits');
    results.sensitivity = sensitivity(float, labelled, { config: module.config });
  }
  return results;
}

/** Methods that change parameters after the calibration. */
const REWRITING = ['adaround', 'reestimateBatchNorm', 'correctBias'] as const;

async function quantizeFor(
  path: string,
  model: OpenedModel,
  given: ReadonlySet<string>,
  options: Options,
  io: Io,
): Promise<Measured> {
  if (options.float !== undefined)
    throw new UsageError(`--float is for a model that is quantized already; ${path} is a float model`);
  const rewrites = REWRITING.find((key) => options[key]);
  if (attributes(options) && rewrites !== undefined)
    throw new UsageError(
      `--attribute finds the float weights in the quantized network, and --${optionWord(rewrites)} changes them; leave one out`,
    );
  const { graph } = model;
  const config = configOf({ ...options, method: 'ptq' }, given, graph);
  const made = (module: QuantizedModule): Omit<Measured, keyof Batches> => ({
    quantized: module,
    module,
    float: improveGraph(graph, options),
    quantization: describe(config),
  });
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
    return { ...made(module), ...unlabelled(held) };
  }
  const data = loadData(options.data);
  checkInput(graph, data.test.imageShape, OTHER_INPUTS);
  const batches = calibrationBatches(model, data.train, options.calibration, io);
  const module = await quantized(graph, batches, config, options, io);
  return { ...made(module), ...testBatches(model, [graph], options) };
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
  const extra = Object.keys({ ...quantizationOptions, ...analysisOptions }).find(
    (key) => given.has(key) && !INPUT_OPTIONS.includes(key),
  );
  if (extra !== undefined)
    throw new UsageError(
      `--${optionWord(extra)} is for float models; ${path} is quantized already: report ${floatPath} instead`,
    );
  const { graph: float, info } = loadFloat(floatPath, { path, graph: model.graph });
  const data =
    calibrate === undefined
      ? testBatches({ ...model, info }, [model.graph, float], options)
      : unlabelled(splitInputs(path, float, { ...options, calibrate }).held);
  return { quantized: model, module: null, ...data, float, quantization: '' };
}

/** Where the test images do not fit. */
const OTHER_INPUTS = { instead: 'measure it on inputs of its own: --calibrate with pictures or a .npy file' };

type Batches = Pick<Measured, 'batches' | 'labelled'>;

function unlabelled(inputs: readonly NDArray[]): Batches {
  const batches = inputs.map((x) => new Tensor(x));
  return { batches, labelled: batches };
}

function testBatches(
  { info }: Pick<OpenedModel, 'info'>,
  graphs: readonly Graph[],
  { data, limit }: Options,
): Batches {
  const { test } = loadData(data);
  for (const graph of graphs) checkInput(graph, test.imageShape, OTHER_INPUTS);
  const batch = graphs.some((graph) => graph.batch === 'fixed') ? 1 : EVALUATION_BATCH;
  const labelled = [...loaderFor(info, test.slice(0, limit), batch).batches()];
  return { batches: labelled.map(({ inputs }) => inputs), labelled };
}

function describe({ weights, activations, numerics }: QConfig): string {
  return `W${bitsOf(weights.range)}A${bitsOf(activations.range)}, weights ${weights.granularity}, ${numericsName(numerics)} requantization`;
}
