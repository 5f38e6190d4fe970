/** `octograd explain`: how one value of an integer model comes about, as arithmetic. */
import { Explainer, explanationText } from '../../analysis/index.js';
import { Tensor } from '../../autograd/index.js';
import { ArgumentError, DataError, NDArray } from '../../core/index.js';
import { type Model } from '../../formats/index.js';
import type { Graph } from '../../graph/index.js';
import { dataOption, defineCommand, EXIT, FailedRun, UsageError } from '../command.js';
import { loadData } from '../data.js';
import { loadFloat, loadModel, printResult, requireStatic } from '../files.js';
import { checkInput, loaderFor } from '../inference.js';
import { readInput, requireNumbers } from '../inputs.js';

export const explainCommand = defineCommand({
  name: 'explain',
  summary: 'how one value of an integer model comes about, step by step',
  positionals: [{ name: 'MODEL', help: 'an integer model, as quantize writes it' }],
  options: {
    layer: { kind: 'text', required: true, help: 'name of a node, as inspect shows it' },
    channel: { kind: 'integer', min: 0, default: 0, help: 'index of the last axis' },
    position: { kind: 'text', placeholder: 'Y,X', help: 'place in an image (default: the first)' },
    ...dataOption,
    input: {
      kind: 'text',
      placeholder: 'FILE.npy',
      help: 'inputs instead of test images, as run takes them',
    },
    image: { kind: 'integer', min: 0, default: 0, help: 'which test image, or row of the input' },
    float: {
      kind: 'text',
      placeholder: 'FILE',
      help: 'the float model that it was made from, to compare with',
    },
    terms: { kind: 'integer', min: 0, default: 64, help: 'products that are shown' },
  },
  run({ positionals: [path], given, options }, io) {
    if (options.input !== undefined && given.has('data'))
      throw new UsageError('--input and --data: the input comes from one of the two, leave one out');
    const model = loadModel(path);
    requireStatic(path, model.graph);
    if (model.kind === 'float')
      throw new FailedRun(
        `${path} is a float model, which has no codes; octograd quantize makes an integer model`,
      );
    if (model.kind === 'fake-quantized')
      throw new FailedRun(`${path} is quantized in a form that runs in float only: ${model.why}`);
    const input = inputOf(model, options);
    const { layer, channel, position, float, terms } = options;
    const explainer = explainerOf(model.graph, input, path, float);
    const explanation = explainer.at({
      layer,
      channel,
      ...(position !== undefined && { position: indices(position) }),
    });
    const lines = explanationText(explanation, { terms }).split('\n');
    if (float !== undefined && explanation.float === null)
      lines.push('', `${float} has no value in the place of ${explanation.layer}`);
    printResult(io, options, lines, { model: path, ...explanation });
    return Promise.resolve(EXIT.ok);
  },
});

function explainerOf(graph: Graph, input: Tensor, path: string, float: string | undefined): Explainer {
  if (float === undefined) return new Explainer(graph, input);
  const network = loadFloat(float, { path, graph }).graph;
  try {
    return new Explainer(graph, input, { float: network });
  } catch (error) {
    if (!(error instanceof ArgumentError && error.message.startsWith('float: '))) throw error;
    throw new UsageError(`--${error.message.replace('this network', float)}`);
  }
}

function indices(text: string): number[] {
  const list = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : NaN));
  if (list.some(Number.isNaN)) throw new UsageError(`--position: '${text}' must be whole numbers, as in 3,5`);
  return list;
}

interface InputOptions {
  readonly data: string | undefined;
  readonly input: string | undefined;
  readonly image: number;
}

/** One image of the test set, or one row of a file. */
function inputOf({ graph, info }: Model, { data, input, image }: InputOptions): Tensor {
  const outOf = (count: number): DataError =>
    new DataError(`--image: ${image} is not one of 0 to ${count - 1}`);
  if (input !== undefined) {
    const array = readInput(input, info);
    requireNumbers(input, array);
    const { shape, data: all } = array;
    checkInput(graph, shape.slice(1), { outputs: 'any' });
    if (image >= shape[0]) throw outOf(shape[0]);
    const size = all.length / shape[0];
    return new Tensor(
      new NDArray(all.slice(image * size, (image + 1) * size) as Float32Array, [1, ...shape.slice(1)]),
    );
  }
  const { test } = loadData(data);
  checkInput(graph, test.imageShape, {
    outputs: 'any',
    instead: 'give an input of its own: --input FILE.npy',
  });
  if (image >= test.length) throw outOf(test.length);
  return [...loaderFor(info, test.slice(image, image + 1), 1).batches()][0].inputs;
}
