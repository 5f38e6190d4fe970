/** Reading and writing whole files, with errors that say what to do. */
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../core/index.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist; check the path',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder; name a file',
  ENOTDIR: 'a part of the path is not a folder; check the path',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
};

/** Why a file operation failed, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || message;
}

/** The bytes of a file. Throws DataError, naming the file, when it cannot be read. */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  try {
    // A copy: small Buffers share one pool, and typed arrays over them may not be aligned.
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new DataError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

/**
 * Writes a file as a whole or not at all: into a temporary file beside it, which then takes its name.
 * Throws DataError, and leaves no temporary file behind, when that fails.
 */
export function writeFileAtomic(path: string, content: Uint8Array | string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    writeFileSync(temporary, content, { flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new DataError(`cannot write ${path}: ${reasonOf(error)}`);
  }
}
