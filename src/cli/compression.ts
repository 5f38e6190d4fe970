/** Prune, distil, train with quantization, convert: each step takes what the one before made, and a checkpoint knows where it is. */
import { CachedTeacher, Distillation, gradualSparsity, pruneChannels, Pruner } from '../compress/index.js';
import type { ArrayDataset } from '../data/index.js';
import type { Model } from '../formats/index.js';
import { foldBatchNorm, fuseLayers, isLayer, type Graph } from '../graph/index.js';
import { calibrate, convert, prepare, qatConfig, type QuantizedModule } from '../quant/index.js';
import { cloneParams, GraphModule } from '../trace/index.js';
import { quantizerConfig, type Quantizers } from './methods.js';
import type { Io } from './command.js';
import { EVALUATION_BATCH, loaderFor } from './inference.js';
import { CALIBRATION_BATCH, trainingLoader } from './quantization.js';
import { formatPercent } from './report/numbers.js';
import { counted } from './text.js';
import { qatRun, tuningRun, type Training } from './training/index.js';

export interface CompressionOptions extends Quantizers {
  /** Share of the channels of each layer that goes. */
  readonly channels: number;
  /** Share of the weights left that become 0. */
  readonly sparsity: number;
  readonly weightBits: number;
  readonly activationBits: number;
  readonly epochs: number;
  readonly qatEpochs: number;
  readonly lr: number;
  readonly qatLr: number;
  readonly temperature: number;
  /** Share of the teacher in the loss. */
  readonly alpha: number;
  readonly augment: boolean;
  readonly batch: number;
  readonly calibration: number;
  readonly seed: number;
}

export interface Compressed {
  /** Pruned and distilled, in float. */
  readonly student: Graph;
  readonly module: QuantizedModule;
  readonly integers: Graph;
  /** Share of the weights that were pruned from the layers that are left. */
  readonly sparsity: number;
  readonly pruned: number;
  /** Of them, those that are code 0 in the integers. */
  readonly zeroCodes: number;
}

/** What kernels like. */
const MULTIPLE = 4;
/** Share of the first training after which nothing more is pruned, and the number of prunings until then. */
const PRUNED_AT = 0.6;
const PRUNINGS = 50;

export async function compress(
  { graph, info }: Model,
  images: ArrayDataset,
  test: ArrayDataset,
  options: CompressionOptions,
  training: Training,
  io: Io,
): Promise<Compressed> {
  const { channels, sparsity, temperature, alpha, augment, epochs, lr } = options;
  const network = new GraphModule(foldBatchNorm(fuseLayers(graph))).eval();
  // with augmentation no image comes twice
  const teacher = augment ? network : new CachedTeacher(network);
  const loader = trainingLoader(info, images, options, augment ? { shift: 2, flip: true } : {});
  const validation = loaderFor(info, test, EVALUATION_BATCH);
  const taught = { teacher, temperature, alpha };

  const student = cloneParams(pruneChannels(graph, { fraction: channels, multipleOf: MULTIPLE }));
  const float = new GraphModule(student);
  const done = training.saved?.made.get('student');
  if (done === undefined) {
    const end = Math.max(1, Math.floor(PRUNED_AT * epochs * loader.length));
    const every = Math.max(1, Math.floor(end / PRUNINGS));
    const pruner = new Pruner(float, { schedule: gradualSparsity({ final: sparsity, end, every }) });
    io.stderr(`${describe(graph)} teach ${describe(student)}, of which ${formatPercent(sparsity)} become 0`);
    const model = new Distillation({ ...taught, student: float });
    const run = tuningRun(model, loader, { epochs, lr, loss: model.loss, pruner });
    await training.fit(run, { resumes: true, validation }, io);
  } else float.loadStateDict(done);

  const { weightBits, activationBits, calibration } = options;
  const module = prepare(student, qatConfig({ weightBits, activationBits, ...quantizerConfig(options) }));
  const sample = loaderFor(info, images.slice(0, calibration), CALIBRATION_BATCH);
  calibrate(
    module,
    Array.from(sample, ({ inputs }) => inputs),
  );
  const pruner = Pruner.keepingZeros(module);
  io.stderr(`weights of ${counted(weightBits, 'bit')}, activations of ${counted(activationBits, 'bit')}`);
  const model = new Distillation({ ...taught, student: module });
  const run = qatRun(module, loader, {
    epochs: options.qatEpochs,
    lr: options.qatLr,
    model,
    loss: model.loss,
    pruner,
  });
  const made = new Map([['student', float.stateDict()]]);
  await training.fit(run, { resumes: done !== undefined, made, validation }, io);
  const integers = convert(module.eval());
  return { student, module, integers, sparsity: pruner.sparsity, ...countZeros(pruner, integers) };
}

function countZeros(pruner: Pruner, { params }: Graph): { pruned: number; zeroCodes: number } {
  let [pruned, zeroCodes] = [0, 0];
  for (const [id, mask] of pruner.masks()) {
    const codes = params.get(id)!.array.data;
    mask.forEach((alive, i) => {
      if (alive === 1) return;
      pruned++;
      if (codes[i] === 0) zeroCodes++;
    });
  }
  return { pruned, zeroCodes };
}

function describe({ nodes, params }: Graph): string {
  const ids = new Set(nodes.filter(isLayer).map(({ weight }) => weight));
  return counted(
    [...ids].reduce((sum, id) => sum + params.get(id)!.array.size, 0),
    'weight',
  );
}
