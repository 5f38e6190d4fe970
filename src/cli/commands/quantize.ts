/** `octograd quantize`: a float model in, an integer model out, and what it costs. */
import { basename } from 'node:path';
import { bitsOf } from '../../core/index.js';
import { crc32 } from '../../formats/index.js';
import { isInteger } from '../../graph/index.js';
import { readBytes } from '../../node/index.js';
import { observedRanges } from '../../quant/index.js';
import { lint } from '../../targets/index.js';
import {
  dataOption,
  defineCommand,
  EXIT,
  FailedRun,
  kernelOptions,
  seedOption,
  UsageError,
  type OptionTable,
  type OptionValues,
} from '../command.js';
import { codesData, describeCodes, requireSameCodes } from '../codes.js';
import { contractLines, FORMATS } from '../contract.js';
import { quantizeDynamicJob } from '../dynamicQuantization.js';
import { fileIn, loadModel, printResult, withEnding, writeOutput } from '../files.js';
import { methodsData, quantizerOptions } from '../methods.js';
import { refuseOverwriting } from '../overwrite.js';
import { configOf, numericsName, quantizationOptions } from '../quantization.js';
import { quantizeClassifier, quantizeOnInputs, type Job } from '../quantizationJobs.js';
import { resumeOption, Training, type Job as TrainingJob } from '../training/index.js';
import { verdictLines, violationData, violationLines } from '../violations.js';

const options = {
  ...dataOption,
  method: {
    kind: 'choice',
    choices: ['ptq', 'qat', 'dynamic'],
    default: 'ptq',
    help: 'calibrate only, train on, or 8-bit weights in linear layers alone',
  },
  ...quantizationOptions,
  ...quantizerOptions,
  format: { kind: 'choice', choices: FORMATS, default: 'octo', help: 'of the result' },
  maxDrop: { kind: 'number', min: 0, help: 'points of accuracy that may be lost, or nothing is written' },
  minSqnr: {
    kind: 'number',
    help: 'dB that every output must have with --calibrate, or nothing is written',
  },
  epochs: { kind: 'integer', min: 1, default: 1, help: 'of qat' },
  lr: { kind: 'number', min: 1e-8, default: 0.003, help: 'highest learning rate of qat (AdamW)' },
  quantizeAt: { kind: 'number', min: 0, max: 0.9, default: 0, help: 'share of qat that trains in float' },
  batch: { kind: 'integer', min: 1, default: 64, help: 'images per step of qat' },
  limit: { kind: 'integer', min: 1, help: 'train and evaluate on the first N images only' },
  compare: { kind: 'integer', min: 1, default: 256, help: 'test images of which every code is compared' },
  ...seedOption,
  ...kernelOptions,
  ...resumeOption,
  out: {
    kind: 'text',
    placeholder: 'FILE',
    help: 'the result, or its folder (default MODEL-METHOD-wBITSaBITS.FORMAT)',
  },
} as const satisfies OptionTable;

type Options = OptionValues<typeof options>;

export const quantize = defineCommand({
  name: 'quantize',
  summary: 'make an integer model from a float model, and compare the two',
  positionals: [{ name: 'MODEL', help: 'a float model: .octo as train writes it, .onnx or .tflite' }],
  options,
  async run(args, io) {
    const {
      positionals: [path],
      given,
      options: asked,
    } = args;
    const { method } = asked;
    const source = loadModel(path);
    if (isInteger(source.graph))
      throw new FailedRun(`${path} is an integer model already; give the float model`);
    if (method === 'dynamic') {
      await quantizeDynamicJob(path, source, asked, given, io);
      return EXIT.ok;
    }
    const options = { ...asked, method };
    const config = configOf(options, given, source.graph);
    const { target, calibrate, resume } = options;
    if (method !== 'qat')
      for (const [name, word] of [
        ['resume', 'resume'],
        ['quantizeAt', 'quantize-at'],
      ])
        if (given.has(name)) throw new UsageError(`--${word} is for --method qat`);
    const [weightBits, activationBits] = [config.weights, config.activations].map(({ range }) =>
      bitsOf(range),
    );
    const name = target === undefined ? '' : `-${target}`;
    const weights = options.weightBudget === undefined ? weightBits : 'mixed';
    const ending = `-${method}${name}-w${weights}a${activationBits}.${options.format}`;
    const own = withEnding(path, ending);
    const out = options.out === undefined ? own : fileIn(options.out, basename(own));
    refuseOverwriting(args, [['out', out]]);
    if (target !== undefined) violationLines(lint(source.graph, target)).forEach((line) => io.stderr(line));
    const job: Job = { path, source, config, target: target ?? null, format: options.format };
    const training =
      method === 'ptq' || calibrate !== undefined
        ? null
        : new Training('quantize', args, { out, resume, config: decidesTraining(path, options) }, io);
    const result =
      calibrate === undefined
        ? await quantizeClassifier(job, { ...options, training }, io)
        : await quantizeOnInputs(job, { ...options, calibrate }, io);
    const { module, written, codes } = result;

    const violations =
      target === undefined ? [] : lint(written.graph, target, { ranges: observedRanges(module) });
    writeOutput(out, written.bytes);
    training?.done();
    const contract = options.format === 'octo' ? [] : contractLines(written);
    const verdict = target === undefined ? [] : ['', ...verdictLines(out, target, violations)];
    const lines = [...result.lines(out), describeCodes(codes), ...contract, ...verdict];
    printResult(io, options, lines, {
      method: options.method,
      target: target ?? null,
      format: options.format,
      weight_bits: weightBits,
      activation_bits: activationBits,
      granularity: config.weights.granularity,
      numerics: numericsName(config.numerics),
      observer: options.method === 'ptq' ? options.observer : null,
      methods: methodsData(options),
      layers: module.config.layers,
      violations: violations.map(violationData),
      ...result.data(out),
      audit: written.audit,
      exactness: codesData(codes),
    });
    requireSameCodes(codes);
    return violations.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.ok;
  },
});

/** What a training does not depend on. */
const ASIDE: readonly string[] = [
  ...['data', 'observer', 'adaround', 'reestimateBatchNorm', 'correctBias', 'calibrate', 'mean', 'std'],
  ...['format', 'maxDrop', 'minSqnr', 'compare', 'threads', 'revectorize', 'resume', 'out'],
];

/** All that makes a training what it is, with the data. */
function decidesTraining(path: string, values: Options): TrainingJob['config'] {
  const keys = (Object.keys(options) as (keyof Options)[]).filter((key) => !ASIDE.includes(key));
  return {
    model: crc32(readBytes(path)),
    ...Object.fromEntries(keys.map((key) => [key, values[key] ?? null])),
  };
}
