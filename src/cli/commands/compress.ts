/** `octograd compress`: prunes a trained model, lets it teach what is left, trains that with quantization, converts it. */
import { basename } from 'node:path';
import { compressedSize } from '../../compress/index.js';
import { crc32, encodeModel } from '../../formats/index.js';
import { isInteger } from '../../graph/index.js';
import { readBytes } from '../../node/index.js';
import { compareCodes } from '../../quant/index.js';
import {
  dataOption,
  defineCommand,
  EXIT,
  FailedRun,
  kernelOptions,
  seedOption,
  type OptionTable,
} from '../command.js';
import { codesData, describeCodes, requireSameCodes } from '../codes.js';
import { compress as compressModel } from '../compression.js';
import { loadData } from '../data.js';
import { fileIn, loadModel, printResult, withEnding, writeOutput } from '../files.js';
import { classify, EVALUATION_BATCH, loaderFor } from '../inference.js';
import { quantizerOptions } from '../methods.js';
import { refuseOverwriting } from '../overwrite.js';
import {
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatPercent,
  formatPoints,
} from '../report/numbers.js';
import { columns } from '../text.js';
import { resumeOption, Training } from '../training/index.js';

const share = { kind: 'number', min: 0, max: 0.95 } as const;
const bits = { kind: 'integer', min: 2, max: 8, default: 8 } as const;
const rate = { kind: 'number', min: 1e-8 } as const;

/** Decide what is trained. */
const trainingOptions = {
  channels: { ...share, default: 0.5, help: 'share of the channels of each layer that goes' },
  sparsity: { ...share, default: 0.5, help: 'share of the weights left that become 0' },
  weightBits: { ...bits, help: 'of the weights, 2 to 8' },
  activationBits: { ...bits, help: 'of everything between the layers, 2 to 8' },
  ...quantizerOptions,
  epochs: { kind: 'integer', min: 1, default: 4, help: 'of the float training while it is pruned' },
  lr: { ...rate, default: 0.01, help: 'its highest learning rate (AdamW)' },
  qatEpochs: { kind: 'integer', min: 1, default: 2, help: 'with quantization' },
  qatLr: { ...rate, default: 0.003, help: 'its highest learning rate (AdamW)' },
  alpha: { kind: 'number', min: 0, max: 1, default: 0.9, help: 'share of the teacher in the loss' },
  temperature: { kind: 'number', min: 0.1, default: 4, help: 'of its answers' },
  augment: { kind: 'flag', help: 'move and mirror the images at random; takes longer' },
  batch: { kind: 'integer', min: 1, default: 64, help: 'images per step' },
  calibration: { kind: 'integer', min: 1, default: 512, help: 'images that set the first ranges' },
  limit: { kind: 'integer', min: 1, help: 'train and evaluate on the first N images only' },
  ...seedOption,
} as const satisfies OptionTable;

export const compress = defineCommand({
  name: 'compress',
  summary: 'make a small integer model: prune, distil, train with quantization',
  positionals: [{ name: 'MODEL', help: 'a trained float model, which teaches: .octo, .onnx or .tflite' }],
  options: {
    ...dataOption,
    ...trainingOptions,
    compare: { kind: 'integer', min: 1, default: 256, help: 'test images of which every code is compared' },
    ...kernelOptions,
    ...resumeOption,
    out: {
      kind: 'text',
      placeholder: 'FILE',
      help: 'the result, or its folder (default MODEL-compressed-wBITSaBITS.octo)',
    },
  },
  async run(args, io) {
    const {
      positionals: [path],
      options,
    } = args;
    const { signal } = io;
    const { resume, weightBits, activationBits } = options;
    const own = withEnding(path, `-compressed-w${weightBits}a${activationBits}.octo`);
    const out = options.out === undefined ? own : fileIn(options.out, basename(own));
    const floatOut = withEnding(out, '-float.octo');
    refuseOverwriting(args, [
      ['out', out],
      ['out', floatOut],
    ]);
    const source = loadModel(path);
    if (isInteger(source.graph))
      throw new FailedRun(`${path} is an integer model already; give the float model`);
    const keys = Object.keys(trainingOptions) as (keyof typeof trainingOptions)[];
    const config = {
      model: crc32(readBytes(path)),
      ...Object.fromEntries(keys.map((key) => [key, options[key] ?? null])),
    };
    const training = new Training('compress', args, { out, resume, config }, io);
    const data = loadData(options.data);
    const test = data.test.slice(0, options.limit);
    io.stderr('evaluating the dense model');
    const dense = await classify(source, test, { signal });
    const images = data.train.slice(0, options.limit);
    const result = await compressModel(source, images, test, options, training, io);

    io.stderr('evaluating what came out');
    const { info } = source;
    const files = [
      { name: 'dense float', path, bytes: readBytes(path), measured: dense },
      ...(await Promise.all(
        [
          { name: 'pruned float', path: floatOut, graph: result.student },
          { name: 'integer', path: out, graph: result.integers },
        ].map(async ({ graph, ...file }) => ({
          ...file,
          bytes: encodeModel(graph, info),
          measured: await classify({ graph, info }, test, { signal }),
        })),
      )),
    ];
    const compared = loaderFor(info, test.slice(0, options.compare), EVALUATION_BATCH).batches();
    const codes = compareCodes(
      result.module,
      result.integers,
      Array.from(compared, ({ inputs }) => inputs),
    );
    for (const file of files.slice(1)) writeOutput(file.path, file.bytes);
    training.done();
    const variants = await Promise.all(
      files.map(async ({ name, path, bytes, measured }) => ({
        name,
        file: path,
        top1: measured.top1,
        bytes: bytes.length,
        gzip_bytes: (await compressedSize(bytes)).gzip,
        ms_per_image: measured.msPerImage,
      })),
    );
    const { sparsity, pruned, zeroCodes } = result;
    const rows = variants.map((v, i) => [
      v.name,
      formatPercent(v.top1),
      i === 0 ? '' : formatPoints(v.top1 - dense.top1),
      formatBytes(v.bytes),
      formatBytes(v.gzip_bytes),
      formatMilliseconds(v.ms_per_image),
      v.file,
    ]);
    const lines = [
      ...columns([['', 'top-1', 'vs float', 'file', 'gzip', 'ms/image'], ...rows], [1, 2, 3, 4, 5]),
      `${formatPercent(sparsity)} of the weights left were pruned, ${formatCount(zeroCodes)} of these ${formatCount(pruned)} are code 0 in the integers`,
      describeCodes(codes),
    ];
    printResult(io, options, lines, {
      test_images: test.length,
      variants,
      sparsity,
      pruned_weights: pruned,
      pruned_zero_codes: zeroCodes,
      exactness: codesData(codes),
    });
    requireSameCodes(codes);
    if (zeroCodes < pruned) throw new FailedRun('pruned weights came back in the integers');
    return EXIT.ok;
  },
});
