/** `octograd export`: a model file in another format, opened again and compared before it is trusted. */
import { basename } from 'node:path';
import { defineCommand, EXIT } from '../command.js';
import { contractLines, FORMATS, patternInput, writeContract } from '../contract.js';
import { fileIn, loadModel, printResult, withEnding, writeOutput } from '../files.js';
import { loadInputs, normalizationOptions } from '../inputs.js';
import { refuseOverwriting } from '../overwrite.js';
import { formatBytes } from '../report/numbers.js';

/** Inputs on which the file is compared with the model. */
const SAMPLES = 8;

export const exportModel = defineCommand({
  name: 'export',
  summary: 'write a model, float or integer, in another format',
  positionals: [{ name: 'MODEL', help: 'an .octo, .onnx or .tflite file' }],
  options: {
    format: { kind: 'choice', choices: FORMATS, required: true, help: 'of the file that is written' },
    inputs: {
      kind: 'text',
      placeholder: 'PATH',
      help: 'pictures or a .npy file to compare on (default: a fixed pattern)',
    },
    ...normalizationOptions,
    out: { kind: 'text', placeholder: 'FILE', help: 'the file, or its folder (default MODEL.FORMAT)' },
  },
  run(args, io) {
    const {
      positionals: [path],
      options,
    } = args;
    const own = withEnding(path, `.${options.format}`);
    const out = options.out === undefined ? own : fileIn(options.out, basename(own));
    refuseOverwriting(args, [['out', out]]);
    const { graph, info } = loadModel(path);
    const shapes = graph.inputs.map((id) => graph.values.get(id)!.shape);
    const rows =
      options.inputs === undefined
        ? [patternInput(shapes[0])]
        : loadInputs(options.inputs, shapes[0], SAMPLES, options);
    const samples = rows.map(
      (row) => new Map(graph.inputs.map((id, i) => [id, i === 0 ? row : patternInput(shapes[i])])),
    );
    const written = writeContract(graph, options.format, info, samples);
    writeOutput(out, written.bytes);
    const lines = [`wrote ${out}, ${formatBytes(written.bytes.length)}`, ...contractLines(written)];
    const { audit, notes, differences } = written;
    printResult(io, options, lines, { out, bytes: written.bytes.length, audit, notes, differences });
    return Promise.resolve(EXIT.ok);
  },
});
