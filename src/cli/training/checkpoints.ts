/** The files of a run: the newest checkpoint and the one before it, so that one damaged file is no lost run. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { DataError, FormatError, OctogradError } from '../../core/index.js';
import { reasonOf } from '../../node/index.js';
import { readAs, writeOutput } from '../files.js';

export const previousOf = (path: string): string => `${path}.previous`;

/** What the file of the newest checkpoint holds: a state of this run, of another run, or nothing that can be read. */
type Newest = 'ours' | 'foreign' | 'damaged';

export class Checkpoints {
  readonly path: string;
  #newest: Newest;

  /** For a new run: checkpoints of another run at `path` are replaced by the first {@link save}. */
  constructor(path: string, newest: Newest = 'foreign') {
    this.path = path;
    this.#newest = newest;
  }

  /** Writes the newest checkpoint as a whole; what was the newest is the previous one now. Throws DataError. */
  save(bytes: Uint8Array): void {
    const previous = previousOf(this.path);
    try {
      if (this.#newest === 'ours' && existsSync(this.path)) renameSync(this.path, previous);
    } catch (error) {
      throw new DataError(`cannot rename ${this.path}: ${reasonOf(error)}`);
    }
    writeOutput(this.path, bytes);
    if (this.#newest === 'foreign') rmSync(previous, { force: true });
    this.#newest = 'ours';
  }

  /** When the result is written, there is nothing to go on with. */
  remove(): void {
    for (const path of [this.path, previousOf(this.path)]) rmSync(path, { force: true });
  }
}

/**
 * The newest checkpoint at `path` that can be read. `warn` is told about one that is damaged or missing, and the previous one is
 * used. Throws DataError or FormatError where there is none.
 */
export function readCheckpoint<T>(
  path: string,
  decode: (bytes: Uint8Array) => T,
  warn: (line: string) => void,
): T & { readonly files: Checkpoints } {
  try {
    return { ...readAs(path, decode), files: new Checkpoints(path, 'ours') };
  } catch (error) {
    const previous = previousOf(path);
    if (!(error instanceof OctogradError) || !existsSync(previous)) throw error;
    const saved = orBoth(error, () => readAs(previous, decode));
    warn(`${error.message}; going on from ${previous}`);
    return { ...saved, files: new Checkpoints(path, 'damaged') };
  }
}

function orBoth<T>(first: OctogradError, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OctogradError)) throw error;
    throw new FormatError(`${first.message}; ${error.message}; start the run again`);
  }
}
