/** `octograd evaluate`: how well a model classifies the test set, and how fast. */
import { isInteger } from '../../graph/index.js';
import { defineCommand, dataOption, EXIT, kernelOptions } from '../command.js';
import { loadData } from '../data.js';
import { loadModel, printResult } from '../files.js';
import { BACKENDS, classify, EVALUATION_BATCH, type BackendName } from '../inference.js';
import { formatMilliseconds, formatPercent } from '../report/numbers.js';
import { columns, counted } from '../text.js';

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'accuracy of a model on the test images, and its time per image',
  positionals: [{ name: 'MODEL', help: 'a model, float or integer: .octo, .onnx or .tflite' }],
  options: {
    ...dataOption,
    limit: { kind: 'integer', min: 1, help: 'use the first N test images only' },
    backend: {
      kind: 'choice',
      choices: Object.keys(BACKENDS) as BackendName[],
      default: 'wasm',
      help: 'kernels; the slow ones of the reference define the results',
    },
    batch: { kind: 'integer', min: 1, default: EVALUATION_BATCH, help: 'images per pass' },
    ...kernelOptions,
  },
  async run({ positionals: [path], options }, io) {
    const { backend, batch } = options;
    const model = loadModel(path);
    const { test, labels: dataLabels } = loadData(options.data);
    const dataset = test.slice(0, options.limit);
    const labels = model.info.labels.length > 0 ? model.info.labels : dataLabels;
    const { images, top1, classes, msPerImage } = await classify(model, dataset, {
      backend,
      batch,
      signal: io.signal,
    });
    const named = classes.map((c, i) => ({ label: labels[i] ?? String(i), ...c }));
    const rows = named.map(({ label, images, correct }) => [
      `  ${label}`,
      images === 0 ? '-' : formatPercent(correct / images),
      counted(images, 'image'),
    ]);
    const kind = isInteger(model.graph) ? 'integer' : 'float';
    printResult(
      io,
      options,
      [
        `${path}: top-1 ${formatPercent(top1)} of ${counted(images, 'image')}, ${formatMilliseconds(msPerImage)} ms per image (${kind}, ${backend} kernels, batch ${batch})`,
        ...columns(rows, [1, 2]),
      ],
      { model: path, kind, backend, batch, images, top1, ms_per_image: msPerImage, classes: named },
    );
    return EXIT.ok;
  },
});
