/** Results in a folder: a file for each unit, named by its settings, so that a run goes on where one was interrupted. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '../../src/core/index.js';
import { crc32, decodeModel, formatCrc32 } from '../../src/formats/index.js';
import type { Graph } from '../../src/graph/index.js';
import { readBytes, writeFileAtomic } from '../../src/node/index.js';
import type { Outcome, Result, Unit } from './types.js';

/** 16 hex digits over all settings of a unit and of the units that it needs. */
export function keyOf(unit: Unit): string {
  return createHash('sha256').update(JSON.stringify(unit)).digest('hex').slice(0, 16);
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export class Store {
  /** Makes the folder. */
  constructor(
    readonly folder: string,
    private readonly warn: (line: string) => void,
  ) {
    mkdirSync(folder, { recursive: true });
  }

  resultPath(unit: Unit): string {
    return join(this.folder, `${keyOf(unit)}.json`);
  }

  modelPath(unit: Unit): string {
    return join(this.folder, `${keyOf(unit)}.octo`);
  }

  /** The result last: where it stands, the model does. */
  write(unit: Unit, { measured, model }: Outcome, seconds: number): Result {
    const result: Result = { unit, ...measured, seconds };
    if (model !== null) writeFileAtomic(this.modelPath(unit), model);
    const body = JSON.stringify({ result, model: model === null ? null : formatCrc32(crc32(model)) });
    const sum = formatCrc32(crc32(bytesOf(body)));
    writeFileAtomic(this.resultPath(unit), `{"crc32":"${sum}","body":${body}}\n`);
    return result;
  }

  /** Null where there is none; where it or its model file is damaged, that is said, and there is none. */
  read(unit: Unit): Result | null {
    const path = this.resultPath(unit);
    if (!existsSync(path)) return null;
    try {
      const { result, model } = parse(new TextDecoder().decode(readBytes(path)));
      if (model !== null && formatCrc32(crc32(readBytes(this.modelPath(unit)))) !== model)
        throw new FormatError('the model file beside it is another one');
      return result;
    } catch (error) {
      this.warn(`${path}: damaged, measured again (${(error as Error).message})`);
      return null;
    }
  }

  /** Throws DataError or FormatError. */
  model(unit: Unit): Graph {
    return decodeModel(readBytes(this.modelPath(unit))).graph;
  }
}

function parse(text: string): { result: Result; model: string | null } {
  const { crc32: sum, body } = JSON.parse(text) as {
    crc32: string;
    body: { result: Result; model: string | null };
  };
  const actual = formatCrc32(crc32(bytesOf(JSON.stringify(body))));
  if (sum !== actual) throw new FormatError(`the checksum is ${actual} where the file says ${sum}`);
  return body;
}
