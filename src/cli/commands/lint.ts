/** `octograd lint`: which documented rules of a target a model breaks, and what to do. */
import { isInteger } from '../../graph/index.js';
import { lint as check, TARGETS, type TargetName } from '../../targets/index.js';
import { defineCommand, EXIT } from '../command.js';
import { loadModel, printResult } from '../files.js';
import { verdictLines, violationData } from '../violations.js';

export const lint = defineCommand({
  name: 'lint',
  summary: 'check a model against the documented rules of a runtime or chip',
  positionals: [{ name: 'MODEL', help: 'a model, float or integer: .octo, .onnx or .tflite' }],
  options: {
    target: {
      kind: 'choice',
      choices: Object.keys(TARGETS) as TargetName[],
      required: true,
      help: 'what it is for',
    },
  },
  run({ positionals: [path], options }, io) {
    const { target } = options;
    const { graph } = loadModel(path);
    const violations = check(graph, target);
    const { title, format, notes } = TARGETS[target];
    const remarks = notes.map((note) => `of ${title}: ${note}`);
    printResult(io, options, [...verdictLines(path, target, violations, isInteger(graph)), ...remarks], {
      model: path,
      target,
      title,
      format,
      violations: violations.map(violationData),
      notes,
    });
    const failed = violations.some(({ severity }) => severity === 'error');
    return Promise.resolve(failed ? EXIT.failed : EXIT.ok);
  },
});
