/** What commands read and write: models and results. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { DataError, FormatError, formatShape, OctogradError } from '../core/index.js';
import { openModel, type OpenedModel } from '../contract/index.js';
import type { Graph } from '../graph/index.js';
import { readBytes, reasonOf, writeFileAtomic } from '../node/index.js';
import { FailedRun, UsageError, type commonOptions, type Io, type OptionValues } from './command.js';

/** Reads a file with `decode`; its errors then name the file. */
export function readAs<T>(path: string, decode: (bytes: Uint8Array) => T): T {
  const bytes = readBytes(path);
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof OctogradError)
      throw new FormatError(`${path}: ${error.message.replace(/^bytes: /, '')}`);
    throw error;
  }
}

/** What every command reads its models with: .octo, ONNX and TFLite files. */
export function loadModel(path: string): OpenedModel {
  return readAs(path, (bytes) => decodeAnyModel(path, bytes));
}

/** By the first bytes; where these are of no format, the ending of the name says what was expected. */
function decodeAnyModel(path: string, bytes: Uint8Array): OpenedModel {
  if (bytes.length === 0) throw new FormatError('is empty; a model was expected');
  try {
    return openModel(bytes);
  } catch (error) {
    if (!(error instanceof OctogradError) || isContainer(bytes)) throw error;
    const wanted = NATIVE.find(([ending]) => path.toLowerCase().endsWith(ending));
    if (wanted === undefined || isTflite(bytes)) throw error;
    throw new FormatError(`holds no ${wanted[1]} model, though its name ends so; check the file`);
  }
}

const NATIVE = [
  ['.octo', 'octograd'],
  ['.tflite', 'TFLite'],
] as const;

/** Its mark, as the reader looks for it. */
function isTflite(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(4, 7)) === 'TFL';
}

/** A file in the form of safetensors, as models, checkpoints and tensors are stored here. */
export function isContainer(bytes: Uint8Array): boolean {
  return bytes[8] === '{'.charCodeAt(0);
}

/** Throws FailedRun, saying what to do, where codes of activations are made anew for each input. */
export function requireStatic(path: string, { nodes }: Graph): void {
  if (nodes.some(({ op }) => op === 'dynamicLinear'))
    throw new FailedRun(
      `${path} is quantized dynamically, with codes of activations that are other ones for each input; give the float model, or what quantize --method ptq makes of it`,
    );
}

/** A float network that the model is measured against. Throws UsageError, naming `--float`, where it is none of it. */
export function loadFloat(
  path: string,
  model: { readonly path: string; readonly graph: Graph },
): OpenedModel {
  const float = loadModel(path);
  if (float.kind !== 'float') throw new UsageError(`--float: ${path} is no float model`);
  const takes = ({ inputs, values }: Graph): string =>
    inputs.map((id) => formatShape(values.get(id)!.shape.slice(1))).join(', ');
  const [there, here] = [takes(float.graph), takes(model.graph)];
  if (there !== here)
    throw new UsageError(
      `--float: ${path} takes ${there}, and ${model.path} takes ${here}; give the network that it was made from`,
    );
  return float;
}

/** `path`, or the file `name` in it where it is a folder. */
export function fileIn(path: string, name: string): string {
  const isFolder = /[/\\]$/.test(path) || (existsSync(path) && statSync(path).isDirectory());
  return isFolder ? join(path, name) : path;
}

/** `out/plain.octo` and `-w8a8.octo` make `out/plain-w8a8.octo`. */
export function withEnding(path: string, ending: string): string {
  return path.slice(0, path.length - extname(path).length) + ending;
}

/** Makes the folder that a file will be written to. Throws DataError when that fails. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new DataError(`cannot make the folder ${folder}: ${reasonOf(error)}`);
  }
}

export function writeOutput(path: string, content: Uint8Array | string): void {
  makeFolder(dirname(path));
  writeFileAtomic(path, content);
}

/** The result of a command: the lines for a reader, and with `--json` the same for a program. */
export function printResult(
  io: Io,
  options: OptionValues<typeof commonOptions>,
  lines: readonly string[],
  result: object,
): void {
  const json = JSON.stringify(result, null, 2);
  if (options.json === '-') io.stdout(json);
  else lines.forEach((line) => io.stdout(line));
  if (options.json !== undefined && options.json !== '-') writeOutput(options.json, `${json}\n`);
}
