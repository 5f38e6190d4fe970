/** What commands read and write: models and results. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { DataError, FormatError, OctogradError } from '../core/index.js';
import { openModel } from '../contract/index.js';
import type { Model } from '../formats/index.js';
import { readBytes, reasonOf, writeFileAtomic } from '../node/index.js';
import type { commonOptions, Io, OptionValues } from './command.js';

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
export function loadModel(path: string): Model {
  return readAs(path, (bytes) => openModel(bytes));
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
