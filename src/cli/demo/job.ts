/** One model of the demo: float training, every quantized variant, codes compared. Runs in a worker or in place. */
import { Tensor } from '../../autograd/index.js';
import { DataLoader, type ArrayDataset } from '../../data/index.js';
import { encodeModel } from '../../formats/index.js';
import { foldBatchNorm, fuseLayers, type Graph } from '../../graph/index.js';
import { createModel, RECIPES, type ModelName } from '../../models/index.js';
import {
  calibrate,
  compareCodes,
  convert,
  prepare,
  ptqConfig,
  qatConfig,
  type QuantizedModule,
} from '../../quant/index.js';
import { GraphModule, trace } from '../../trace/index.js';
import { countCorrect, evaluate, type EpochEvent, type StepEvent } from '../../train/index.js';
import { predictor } from '../inference.js';
import { fitRun, floatRun, modelInfo, qatRun } from '../training/index.js';
import type { CurvePoint, Exactness, Histogram } from '../report/index.js';
import { modelHistograms } from './histograms.js';
import type { Limits, ModelPlan, QuantizedVariant } from './plan.js';

/** Evaluation and comparison run this many images at a time. */
const EVALUATION_BATCH = 100;

export interface JobInput {
  readonly plan: ModelPlan;
  readonly limits: Limits;
  readonly seed: string;
}

/** A variant without its time, which is measured when nothing else runs. */
export interface VariantResult {
  readonly name: string;
  readonly variant: QuantizedVariant | null;
  readonly top1: number;
  /** The model file. */
  readonly file: Uint8Array;
}

export interface JobResult {
  readonly model: ModelName;
  readonly variants: readonly VariantResult[];
  readonly exactness: readonly Exactness[];
  readonly curve: readonly CurvePoint[];
  readonly histograms: readonly Histogram[];
}

export interface JobEvent {
  readonly model: ModelName;
  readonly text: string;
  /** Share of the job that is done, 0 to 1. */
  readonly done: number;
}

interface Data {
  readonly train: ArrayDataset;
  readonly test: ArrayDataset;
}

export async function runJob(input: JobInput, data: Data, report: (e: JobEvent) => void): Promise<JobResult> {
  return new Job(input, data, report).run();
}

class Job {
  readonly #input: JobInput;
  readonly #train: ArrayDataset;
  readonly #test: DataLoader;
  readonly #validation: DataLoader;
  readonly #calibration: Tensor[];
  readonly #report: (text: string) => void;
  readonly #curve: CurvePoint[] = [];
  readonly #variants: VariantResult[] = [];
  readonly #exactness: Exactness[] = [];
  readonly #histograms: Histogram[] = [];
  #work = 0;
  readonly #totalWork: number;

  constructor(input: JobInput, data: Data, report: (e: JobEvent) => void) {
    this.#input = input;
    const { limits, plan } = input;
    const recipe = RECIPES[plan.model];
    this.#train = data.train.slice(0, limits.train);
    const test = data.test.slice(0, limits.test);
    const plain = { mean: recipe.mean, std: recipe.std, batchSize: EVALUATION_BATCH };
    this.#test = new DataLoader(test, plain);
    this.#validation = new DataLoader(test.slice(0, limits.validation), plain);
    this.#calibration = Array.from(
      new DataLoader(this.#train.slice(0, limits.calibration), { ...plain, batchSize: 64 }),
      (b) => b.inputs,
    );
    const epochs = limits.epochs ?? recipe.epochs;
    const qats = plan.variants.filter((v) => v.method === 'QAT').length;
    this.#totalWork = epochs + qats * limits.qatEpochs * 1.6 + plan.variants.length * 0.2 + 1.2;
    this.#report = (text) =>
      report({ model: plan.model, text, done: Math.min(this.#work / this.#totalWork, 1) });
  }

  async run(): Promise<JobResult> {
    const { plan } = this.#input;
    const graph = await this.#trainFloat();
    for (const variant of plan.variants) await this.#quantize(graph, variant);
    return {
      model: plan.model,
      variants: this.#variants,
      exactness: this.#exactness,
      curve: this.#curve,
      histograms: this.#histograms,
    };
  }

  async #trainFloat(): Promise<Graph> {
    const { plan, limits, seed } = this.#input;
    const recipe = RECIPES[plan.model];
    const epochs = limits.epochs ?? recipe.epochs;
    const model = createModel(plan.model, { seed: `${seed}/${plan.model}` });
    const loader = this.#trainLoader('float');
    const run = floatRun(model, loader, { recipe, epochs, lr: recipe.maxLr });
    const outcome = await fitRun(run, {
      validation: this.#validation,
      onStep: (e) => this.#step('float', e, 1),
      onEpoch: (e) => this.#epoch('float', e),
    });
    if (outcome.stopped === 'diverged') throw new Error(`${plan.model}: ${outcome.message}`);
    const graph = foldBatchNorm(fuseLayers(trace(model, this.#calibration[0])));
    const { accuracy } = await evaluate({ model: new GraphModule(graph), loader: this.#test });
    this.#variants.push({ name: 'float', variant: null, top1: accuracy ?? 0, file: this.#encode(graph) });
    return trace(model, this.#calibration[0]);
  }

  /** The names of the classes are those of the data that a reader has. */
  #encode(graph: Graph): Uint8Array {
    return encodeModel(graph, modelInfo(this.#input.plan.model, []));
  }

  #trainLoader(stage: string): DataLoader {
    const { plan, seed } = this.#input;
    const { mean, std, batchSize, augment } = RECIPES[plan.model];
    return new DataLoader(this.#train, {
      mean,
      std,
      batchSize,
      augment,
      shuffle: true,
      dropLast: true,
      seed: `${seed}/${plan.model}/${stage}`,
    });
  }

  async #quantize(graph: Graph, variant: QuantizedVariant): Promise<void> {
    const { method, weightBits, granularity } = variant;
    const name = `W${weightBits}A8 ${method} ${granularity}`;
    this.#report(name);
    const config = method === 'PTQ' ? ptqConfig : qatConfig;
    const module = calibrate(prepare(graph, config({ weightBits, granularity })), this.#calibration);
    if (method === 'QAT') await this.#trainQuantized(module, name);
    module.eval();
    const integers = convert(module);
    const file = this.#encode(integers);
    // Of each width, the last variant is also compared code by code.
    const last = this.#input.plan.variants.findLast((v) => v.weightBits === weightBits) === variant;
    const top1 = last ? this.#compare(module, integers, variant) : this.#accuracy(integers);
    this.#variants.push({ name, variant, top1, file });
    this.#work += last ? 0.6 : 0.2;
  }

  async #trainQuantized(module: QuantizedModule, name: string): Promise<void> {
    const { plan, limits } = this.#input;
    const { qatLr: lr } = RECIPES[plan.model];
    const run = qatRun(module, this.#trainLoader(name), { epochs: limits.qatEpochs, lr });
    const outcome = await fitRun(run, { onStep: (e) => this.#step(name, e, 1.6) });
    if (outcome.stopped === 'diverged') throw new Error(`${plan.model} ${name}: ${outcome.message}`);
  }

  #accuracy(integers: Graph): number {
    const predict = predictor(integers, { backend: 'wasm', batch: EVALUATION_BATCH });
    let correct = 0;
    for (const { inputs, targets } of this.#test.batches())
      correct += countCorrect(new Tensor(predict(inputs)), targets) ?? 0;
    return correct / this.#test.imageCount;
  }

  /** Compares codes over the whole test set and returns the accuracy of the integers. */
  #compare(module: QuantizedModule, integers: Graph, { weightBits }: QuantizedVariant): number {
    const targets: Tensor[] = [];
    const inputs = function* (loader: DataLoader): Generator<Tensor> {
      for (const batch of loader.batches()) {
        targets.push(batch.targets);
        yield batch.inputs;
      }
    };
    let correct = 0;
    const result = compareCodes(module, integers, inputs(this.#test), {
      onOutput: (output, i) => (correct += countCorrect(new Tensor(output), targets[i]) ?? 0),
    });
    this.#exactness.push({
      model: this.#input.plan.model,
      weight_bits: weightBits,
      images: result.images,
      tensors: result.tensors,
      codes_compared: result.codesCompared,
      codes_different: result.codesDifferent,
      backend: 'wasm',
    });
    // The activations hardly depend on the width of the weights: shown once.
    const first = this.#histograms.length === 0;
    const { model } = this.#input.plan;
    this.#histograms.push(...modelHistograms(module, model, weightBits, this.#calibration[0], first));
    return correct / result.images;
  }

  #step(stage: string, e: StepEvent, weight: number): void {
    this.#work += weight / e.batches;
    if (e.batch % 20 !== 19) return;
    this.#report(`${stage} ${e.epoch + 1}/${e.epochs}, loss ${e.loss.toFixed(3)}`);
  }

  #epoch(stage: string, { epoch, epochs, loss, validation }: EpochEvent): void {
    const top1 = validation?.accuracy ?? 0;
    this.#curve.push({ model: this.#input.plan.model, epoch: epoch + 1, loss, top1 });
    this.#report(
      `${stage} ${epoch + 1}/${epochs}, loss ${loss.toFixed(3)}, test ${(100 * top1).toFixed(2)} %`,
    );
  }
}
