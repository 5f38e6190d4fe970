/** `octograd quantize`: a float model in, an integer model out, with the accuracy of both. */
import { basename } from 'node:path';
import type { Tensor } from '../../autograd/index.js';
import { bitsOf } from '../../core/index.js';
import { encodeModel, type Model } from '../../formats/index.js';
import { isInteger } from '../../graph/index.js';
import { readBytes } from '../../node/index.js';
import { compareCodes, convert, observedRanges, type CodeComparison } from '../../quant/index.js';
import { lint, TARGETS, type TargetName } from '../../targets/index.js';
import type { DataLoader } from '../../data/index.js';
import { dataOption, defineCommand, EXIT, FailedRun, kernelOptions, seedOption } from '../command.js';
import { loadData } from '../data.js';
import { fileIn, loadModel, printResult, withEnding, writeOutput } from '../files.js';
import { classify, EVALUATION_BATCH, loaderFor } from '../inference.js';
import { configOf, NUMERICS, numericsName, quantizeModel, type NumericsName } from '../quantization.js';
import {
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatPercent,
  formatPoints,
} from '../report/numbers.js';
import { columns, counted } from '../text.js';
import { verdictLines, violationData, violationLines } from '../violations.js';

const bits = { kind: 'integer', min: 2, max: 8, default: 8 } as const;

export const quantize = defineCommand({
  name: 'quantize',
  summary: 'make an integer model from a float model, and compare the two',
  positionals: [{ name: 'MODEL', help: 'a float model file (.octo), as train writes it' }],
  options: {
    ...dataOption,
    method: {
      kind: 'choice',
      choices: ['ptq', 'qat'],
      default: 'ptq',
      help: 'calibrate only, or train on',
    },
    target: {
      kind: 'choice',
      choices: Object.keys(TARGETS) as TargetName[],
      help: 'what it is for: sets the options below that are not given',
    },
    weightBits: { ...bits, help: 'of the weights, 2 to 8' },
    activationBits: { ...bits, help: 'of everything between the layers, 2 to 8' },
    granularity: {
      kind: 'choice',
      choices: ['per-channel', 'per-tensor'],
      default: 'per-channel',
      help: 'scales of the weights',
    },
    numerics: {
      kind: 'choice',
      choices: Object.keys(NUMERICS) as NumericsName[],
      default: 'float',
      help: 'how accumulators become codes',
    },
    calibration: { kind: 'integer', min: 1, default: 512, help: 'training images that set the ranges' },
    epochs: { kind: 'integer', min: 1, default: 1, help: 'of qat' },
    lr: { kind: 'number', min: 1e-8, default: 0.003, help: 'highest learning rate of qat (AdamW)' },
    batch: { kind: 'integer', min: 1, default: 64, help: 'images per step of qat' },
    limit: { kind: 'integer', min: 1, help: 'train and evaluate on the first N images only' },
    compare: { kind: 'integer', min: 1, default: 256, help: 'test images of which every code is compared' },
    ...seedOption,
    ...kernelOptions,
    out: {
      kind: 'text',
      placeholder: 'FILE',
      help: 'the result, or its folder (default MODEL-METHOD-wBITSaBITS.octo)',
    },
  },
  async run({ positionals: [path], given, options }, io) {
    const { method, target, signal } = { ...options, signal: io.signal };
    const config = configOf(options, given);
    const source = loadModel(path);
    if (isInteger(source.graph))
      throw new FailedRun(`${path} is an integer model already; give the float model`);
    if (target !== undefined) {
      const early = lint(source.graph, target).filter(({ severity }) => severity !== 'note');
      violationLines(early).forEach((line) => io.stderr(line));
    }
    const data = loadData(options.data);
    const test = data.test.slice(0, options.limit);
    io.stderr('evaluating the float model');
    const before = await classify(source, test, { signal });
    const module = await quantizeModel(source, data.train.slice(0, options.limit), config, options, io);
    const model: Model = { graph: convert(module), info: source.info };
    io.stderr('evaluating the integer model');
    const after = await classify(model, test, { signal });
    const sample = test.slice(0, options.compare);
    const codes = compareCodes(
      module,
      model.graph,
      inputsOf(loaderFor(model.info, sample, EVALUATION_BATCH)),
    );

    const violations =
      target === undefined ? [] : lint(model.graph, target, { ranges: observedRanges(module) });
    const [weightBits, activationBits] = [config.weights, config.activations].map(({ range }) =>
      bitsOf(range),
    );
    const name = target === undefined ? '' : `-${target}`;
    const own = withEnding(path, `-${method}${name}-w${weightBits}a${activationBits}.octo`);
    const out = options.out === undefined ? own : fileIn(options.out, basename(own));
    const floatBytes = readBytes(path).length;
    const bytes = encodeModel(model.graph, model.info);
    writeOutput(out, bytes);
    const variants = [
      { model: path, top1: before.top1, bytes: floatBytes, ms_per_image: before.msPerImage },
      { model: out, top1: after.top1, bytes: bytes.length, ms_per_image: after.msPerImage },
    ];
    const head = ['', 'top-1', 'vs float', 'file', 'ms/image'];
    const rows = variants.map((v, i) => [
      v.model,
      formatPercent(v.top1),
      i === 0 ? '' : formatPoints(v.top1 - before.top1),
      formatBytes(v.bytes),
      formatMilliseconds(v.ms_per_image),
    ]);
    const lines = [...columns([head, ...rows], [1, 2, 3, 4]), describeCodes(codes)];
    const verdict = target === undefined ? [] : ['', ...verdictLines(out, target, violations)];
    printResult(io, options, [...lines, ...verdict], {
      method,
      target: target ?? null,
      weight_bits: weightBits,
      activation_bits: activationBits,
      granularity: config.weights.granularity,
      numerics: numericsName(config.numerics),
      violations: violations.map(violationData),
      test_images: test.length,
      float: variants[0],
      integer: variants[1],
      exactness: {
        images: codes.images,
        tensors: codes.tensors,
        codes_compared: codes.codesCompared,
        codes_different: codes.codesDifferent,
      },
    });
    if (codes.codesDifferent > 0)
      throw new FailedRun(`the codes differ in ${[...codes.byValue.keys()].join(', ')}`);
    return violations.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.ok;
  },
});

function* inputsOf(loader: DataLoader): Generator<Tensor> {
  for (const { inputs } of loader.batches()) yield inputs;
}

function describeCodes({ codesDifferent, codesCompared, tensors, images }: CodeComparison): string {
  return `${formatCount(codesDifferent)} of ${formatCount(codesCompared)} codes differ between fake quantization and the integer runtime (${counted(tensors, 'tensor')}, ${counted(images, 'image')})`;
}
