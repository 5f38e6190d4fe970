/** Runs a model, float or integer, through one interface, and measures how well and how fast it classifies. */
import { js, reference, wasm, type Backend } from '../../kernels/index.js';
import { noGrad, type Tensor } from '../autograd/index.js';
import { formatShape, GraphError, sameShape, ShapeError, type NDArray, type Shape } from '../core/index.js';
import { DataLoader, type ArrayDataset } from '../data/index.js';
import type { Model, ModelInfo } from '../formats/index.js';
import { isInteger, type Graph } from '../graph/index.js';
import { local } from '../ops/backend.js';
import { setBackend, tidy } from '../ops/index.js';
import { Session } from '../runtime/index.js';
import { GraphModule } from '../trace/index.js';
import { Pauser } from '../train/pause.js';
import { counted } from './text.js';

export const BACKENDS: Readonly<Record<'wasm' | 'js' | 'reference', Backend>> = { wasm, js, reference };
export type BackendName = keyof typeof BACKENDS;

/** Images per pass where nothing else is asked for. */
export const EVALUATION_BATCH = 64;

export interface InputCheck {
  /** Default 'one'. */
  readonly outputs?: 'one' | 'any';
  /** What to do where the model is another one. */
  readonly instead?: string;
}

/** Throws GraphError or ShapeError unless the graph takes [n, ...shape] and has one input, and one output. */
export function checkInput(
  { inputs, outputs, values }: Graph,
  shape: Shape,
  { outputs: wanted = 'one', instead }: InputCheck = {},
): void {
  const hint = instead === undefined ? '' : `; ${instead}`;
  if (inputs.length !== 1 || (wanted === 'one' && outputs.length !== 1))
    throw new GraphError(
      `the model has ${counted(inputs.length, 'input')} and ${counted(outputs.length, 'output')}, one input${wanted === 'one' ? ' and one output are' : ' is'} taken here${hint}`,
    );
  const want = values.get(inputs[0])!.shape.slice(1);
  if (!sameShape(shape, want))
    throw new ShapeError(
      `the model takes [${['n', ...want].join(', ')}], this is [${['n', ...shape].join(', ')}]${hint}`,
    );
}

/** From inputs [n, ...] to outputs [n, ...]. */
export type Predict = (x: Tensor) => NDArray;

export function predictor(graph: Graph, options: { backend: BackendName; batch: number }): Predict {
  const backend = BACKENDS[options.backend];
  if (isInteger(graph)) {
    const session = new Session(graph, { backend, batch: options.batch });
    return (x) => session.run(x.value);
  }
  const module = new GraphModule(graph).eval();
  return (x) => {
    const restore = setBackend(backend);
    try {
      return tidy(() => noGrad(() => module.forward(local(x)).value));
    } finally {
      restore();
    }
  };
}

/** Batches of a data set as the model wants its images. */
export function loaderFor(info: ModelInfo, dataset: ArrayDataset, batch: number): DataLoader {
  return new DataLoader(dataset, { batchSize: batch, ...info.normalization });
}

export interface ClassResult {
  readonly images: number;
  readonly correct: number;
}

export interface Classification {
  readonly images: number;
  /** Correctly classified fraction. */
  readonly top1: number;
  /** By label. */
  readonly classes: readonly ClassResult[];
  /** In the model alone, without loading images. */
  readonly msPerImage: number;
}

export interface ClassifyOptions {
  readonly backend?: BackendName;
  readonly batch?: number;
  /** The abort is thrown. */
  readonly signal: AbortSignal;
}

/** Runs a classifier over a data set. Throws ShapeError when images or classes do not fit the model. */
export async function classify(
  model: Model,
  dataset: ArrayDataset,
  options: ClassifyOptions,
): Promise<Classification> {
  const { backend = 'wasm', batch = EVALUATION_BATCH, signal } = options;
  checkInput(model.graph, dataset.imageShape);
  const predict = predictor(model.graph, { backend, batch });
  const classes = Array.from({ length: dataset.classes }, () => ({ images: 0, correct: 0 }));
  const pauser = new Pauser();
  let ms = 0;
  for (const { inputs, targets } of loaderFor(model.info, dataset, batch).batches()) {
    const start = performance.now();
    const scores = predict(inputs);
    ms += performance.now() - start;
    count(scores, targets.data, classes);
    await pauser.pause();
    signal.throwIfAborted();
  }
  const correct = classes.reduce((sum, c) => sum + c.correct, 0);
  const images = dataset.length;
  return { images, top1: correct / images, classes, msPerImage: ms / images };
}

function count(
  scores: NDArray,
  targets: ArrayLike<number>,
  classes: { images: number; correct: number }[],
): void {
  const [rows, width] = scores.shape;
  if (scores.rank !== 2 || width < classes.length)
    throw new ShapeError(
      `the model gives ${formatShape(scores.shape)} for ${rows} images; ${classes.length} classes need [n, ${classes.length}]`,
    );
  for (let r = 0; r < rows; r++) {
    let best = 0;
    for (let c = 1; c < width; c++) if (scores.data[r * width + c] > scores.data[r * width + best]) best = c;
    const target = classes[targets[r]];
    target.images++;
    if (best === targets[r]) target.correct++;
  }
}
