/** What units do with a network: batches, float training, calibration, quantization-aware training, the score. */
import { gzipSync } from 'node:zlib';
import { Tensor } from '../../src/autograd/index.js';
import type { Pruner } from '../../src/compress/index.js';
import { DataLoader, type ArrayDataset, type Batch } from '../../src/data/index.js';
import { encodeModel } from '../../src/formats/index.js';
import { foldBatchNorm, fuseLayers, type Graph } from '../../src/graph/index.js';
import { RECIPES, type ModelName } from '../../src/models/index.js';
import { AdamW, oneCycle, Schedule, type Optimizer } from '../../src/optim/index.js';
import {
  compareCodes,
  convert,
  qatSchedule,
  type QatSchedule,
  type GraphInputs,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { GraphModule } from '../../src/trace/index.js';
import { countCorrect, evaluate, fit, type Loss, type Trainable } from '../../src/train/index.js';
import type { Data, Measured, Outcome, Unit } from './types.js';

/** Images per pass of evaluation and comparison. */
const EVALUATION_BATCH = 100;

const recipeOf = ({ network }: Pick<Unit, 'network'>) => RECIPES[network as ModelName];

/** Shuffled by seed, network and `stage`. */
export function trainLoader(unit: Unit, images: ArrayDataset, stage: string): DataLoader {
  const { network, seed } = unit;
  const { mean, std, batchSize, augment } = recipeOf(unit);
  return new DataLoader(images, {
    mean,
    std,
    batchSize,
    augment,
    shuffle: true,
    dropLast: true,
    seed: `${seed}/${network}/${stage}`,
  });
}

export function testLoader(unit: Unit, data: Data): DataLoader {
  const { mean, std } = recipeOf(unit);
  return new DataLoader(data.test.slice(0, unit.sizes.test), { mean, std, batchSize: EVALUATION_BATCH });
}

/** Other images for each seed, the same for all methods. */
export function calibrationSample(unit: Unit, data: Data): Batch[] {
  const loader = trainLoader(unit, data.train, 'calibration');
  const sample: Batch[] = [];
  for (const batch of loader.batches()) {
    if (sample.length * loader.batchSize >= unit.sizes.calibration) break;
    sample.push(batch);
  }
  return sample;
}

/** The same without labels. */
export const calibrationBatches = (unit: Unit, data: Data): Tensor[] =>
  calibrationSample(unit, data).map(({ inputs }) => inputs);

/** One pass of `fit` over the epochs. Throws Error where the loss is no longer finite. */
async function train(
  unit: Unit,
  options: {
    readonly model: Trainable;
    readonly loss: Loss | undefined;
    readonly optimizer: Optimizer;
    readonly schedule: Schedule;
    readonly loader: DataLoader;
    readonly epochs: number;
    readonly onStep?: () => void;
  },
): Promise<void> {
  const outcome = await fit(options);
  if (outcome.stopped === 'diverged')
    throw new Error(`${unit.network} ${unit.variant}, seed ${unit.seed}: ${outcome.message}`);
}

/** By the recipe of the network, for `epochs`. */
export async function trainFloat(
  unit: Unit,
  model: Trainable,
  loader: DataLoader,
  options: { epochs: number; maxLr?: number; loss?: Loss; parameters?: Iterable<Tensor>; pruner?: Pruner },
): Promise<void> {
  const recipe = recipeOf(unit);
  const { epochs, maxLr = recipe.maxLr, loss, parameters = model.parameters(), pruner } = options;
  const optimizer = recipe.optimizer(parameters);
  const totalSteps = epochs * loader.length;
  const schedule = new Schedule(optimizer, oneCycle({ maxLr, totalSteps, pctStart: recipe.pctStart }));
  await train(unit, { model, loss, optimizer, schedule, loader, epochs, onStep: () => pruner?.step() });
}

/** Rates of AdamW at the top of a one-cycle schedule. */
export interface Rates {
  readonly weights: number;
  /** Of scales, zero points and bounds, which get no weight decay. */
  readonly quantizers: number;
}

/**
 * One epoch over `unit.sizes.qat` images from a calibrated module on.
 *
 * @param options what is trained where it is not the module alone, and its loss: a distillation; what keeps weights at 0; when
 *   quantization begins and what is frozen when
 */
export async function trainQuantized(
  unit: Unit,
  module: QuantizedModule,
  data: Data,
  rates: Rates,
  {
    model = module,
    loss,
    pruner,
    schedule: freezing = {},
  }: {
    readonly model?: Trainable;
    readonly loss?: Loss | undefined;
    readonly pruner?: Pruner;
    readonly schedule?: Omit<QatSchedule, 'totalSteps'> | undefined;
  } = {},
): Promise<void> {
  const loader = trainLoader(unit, data.train.slice(0, unit.sizes.qat), 'quantized');
  const quantizers = module.quantizerParameters();
  const weights = module.parameters().filter((p) => !quantizers.includes(p));
  const groups = [
    { params: weights, lr: rates.weights },
    { params: quantizers, lr: rates.quantizers, weightDecay: 0 },
  ];
  const optimizer = new AdamW(
    groups.filter(({ params }) => params.length > 0),
    { lr: rates.weights },
  );
  const cycle = oneCycle({ maxLr: 1, totalSteps: loader.length, pctStart: 0.1 });
  const schedule = new Schedule(optimizer, (step, lr) => lr * cycle(step, lr));
  const freeze = qatSchedule(module, { ...freezing, totalSteps: loader.length });
  let step = 0;
  freeze(step);
  const onStep = (): void => {
    pruner?.step();
    freeze(++step);
  };
  await train(unit, { model, loss, optimizer, schedule, loader, epochs: 1, onStep });
  module.phase = 'frozen';
}

/** The graph as it runs and as it is stored: without batch norm. */
export const folded = (graph: Graph): Graph => foldBatchNorm(fuseLayers(graph));

/** The model of the outcome still has its batch norm, to be trained on; its size is that of the folded one. */
export async function scoreFloat(unit: Unit, graph: Graph, data: Data): Promise<Outcome> {
  const { accuracy } = await evaluate({ model: new GraphModule(graph), loader: testLoader(unit, data) });
  const score = { top1: accuracy ?? 0, codesCompared: 0, codesDifferent: 0 };
  return { ...outcome(score, encodeModel(folded(graph))), model: encodeModel(graph) };
}

/** Top-1 of the integer runtime, and its codes compared with those of the module, over all test images in one pass. */
export function scoreIntegers(unit: Unit, module: QuantizedModule, data: Data): Outcome {
  const integers = convert(module.eval());
  const loader = testLoader(unit, data);
  const targets: Tensor[] = [];
  const inputs = function* (): Generator<GraphInputs> {
    for (const batch of loader.batches()) {
      targets.push(batch.targets);
      yield batch.inputs;
    }
  };
  let correct = 0;
  const { codesCompared, codesDifferent } = compareCodes(module, integers, inputs(), {
    onOutput: (output, i) => (correct += countCorrect(new Tensor(output), targets[i]) ?? 0),
  });
  const top1 = correct / loader.imageCount;
  return outcome({ top1, codesCompared, codesDifferent }, encodeModel(integers));
}

function outcome(score: Pick<Measured, 'top1' | 'codesCompared' | 'codesDifferent'>, model: Uint8Array) {
  const [bytes, gzip] = [model.length, gzipSync(model).length];
  return { measured: { ...score, bytes, gzip, figures: {} }, model };
}
