/** `octograd verify`: runs the self-test that travels in a model file, and says what the file holds. */
import { audit, bitsIn, openModel, verifyModel } from '../../contract/index.js';
import { defineCommand, EXIT, FailedRun } from '../command.js';
import { differenceLines } from '../contract.js';
import { printResult, readAs } from '../files.js';
import { counted } from '../text.js';

export const verify = defineCommand({
  name: 'verify',
  summary: 'run the self-test that travels in an exported model',
  positionals: [{ name: 'MODEL', help: 'an .onnx or .tflite file that export or quantize wrote' }],
  options: {},
  run({ positionals: [path], options }, io) {
    const model = readAs(path, (bytes) => openModel(bytes, 'keep'));
    const { integer, float, islands, why } = audit(model);
    const bits = bitsIn(model.graph);
    const verdict = verifyModel(model);
    if (verdict === null)
      throw new FailedRun(
        `${path}: carries no self-test; write it with octograd export or quantize --format onnx or tflite`,
      );
    const quantized =
      model.kind === 'float'
        ? []
        : [
            `weights of ${bits.weights} bits, activations of ${bits.activations}; ${counted(integer, 'integer node')}, ${counted(float, 'float node')}, ${counted(islands.length, 'float island')}`,
            ...(why === null ? [] : [why]),
          ];
    const lines = [
      `${path}: ${model.kind} ${model.format} model, ${counted(model.graph.nodes.length, 'node')}`,
      ...quantized,
      ...differenceLines(verdict.differences),
      verdict.passed ? 'self-test passed' : 'self-test FAILED',
    ];
    printResult(io, options, lines, {
      model: path,
      format: model.format,
      kind: model.kind,
      ...bits,
      islands,
      ...verdict,
    });
    return Promise.resolve(verdict.passed ? EXIT.ok : EXIT.failed);
  },
});
