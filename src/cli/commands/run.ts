/** `octograd run`: feeds an array to a model and writes what comes out. */
import { join } from 'node:path';
import { formatShape } from '../../core/index.js';
import { encodeNpy } from '../../formats/index.js';
import type { Graph, ValueId } from '../../graph/index.js';
import { defineCommand, EXIT, kernelOptions } from '../command.js';
import { loadModel, printResult, writeOutput } from '../files.js';
import { checkInput, EVALUATION_BATCH } from '../inference.js';
import { readInput } from '../inputs.js';
import { refuseOverwriting } from '../overwrite.js';
import { fileNames, runValues } from '../values.js';
import { columns } from '../text.js';

export const run = defineCommand({
  name: 'run',
  summary: 'run a model on an array and write its outputs as .npy',
  positionals: [{ name: 'MODEL', help: 'a model, float or integer: .octo, .onnx or .tflite' }],
  options: {
    input: {
      kind: 'text',
      placeholder: 'FILE.npy',
      required: true,
      help: 'float [n, ...], or uint8 pixels, which are normalised as for training',
    },
    output: { kind: 'text', placeholder: 'DIR', required: true, help: 'folder of the results' },
    all: { kind: 'flag', help: 'also every value inside the model' },
    codes: { kind: 'flag', help: 'integer models: the codes themselves, not the numbers they stand for' },
    ...kernelOptions,
  },
  run(args, io) {
    const {
      positionals: [path],
      options,
    } = args;
    const { graph, info } = loadModel(path);
    const ids = wantedValues(graph, options.all, options.codes);
    const paths = fileNames(ids).map((name) => join(options.output, name));
    refuseOverwriting(
      args,
      paths.map((file) => ['output', file]),
    );
    const x = readInput(options.input, info);
    checkInput(graph, x.shape.slice(1), { outputs: 'any' });
    const values = runValues(graph, x, ids, {
      codes: options.codes,
      batch: EVALUATION_BATCH,
      signal: io.signal,
    });
    const files = ids.map((id, i) => {
      const { dtype, shape } = values.get(id)!;
      const file = paths[i];
      writeOutput(file, encodeNpy(values.get(id)!));
      return { value: id, file, dtype, shape };
    });
    const rows = files.map(({ file, dtype, shape }) => [file, dtype, formatShape(shape)]);
    printResult(io, options, columns(rows), { model: path, input: options.input, files });
    return Promise.resolve(EXIT.ok);
  },
});

/** Outputs, or all values but the inputs. Codes of a value that is only dequantized are those before. */
function wantedValues(graph: Graph, all: boolean, codes: boolean): ValueId[] {
  const sources = new Map(
    graph.nodes.flatMap((n) => (n.op === 'dequantize' ? [[n.id, n.inputs[0]] as const] : [])),
  );
  const ids = all ? graph.nodes.map((n) => n.id) : graph.outputs;
  return [...new Set(ids.map((id) => (codes ? (sources.get(id) ?? id) : id)))];
}
