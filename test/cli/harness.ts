/** Runs the command line inside the test, and makes a small data set for it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../src/cli/cli.js';
import { loadData } from '../../src/cli/data.js';
import type { NDArray } from '../../src/core/index.js';

export interface Outcome {
  readonly code: number;
  readonly out: string[];
  readonly err: string[];
}

export interface CliOptions {
  readonly signal?: AbortSignal;
  /** Sees each line of progress as it is printed. */
  readonly onProgress?: (line: string) => void;
}

export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(argv, {
    stdout: (line) => out.push(line),
    stderr(line) {
      err.push(line);
      options.onProgress?.(line);
    },
    isTTY: false,
    signal: options.signal ?? new AbortController().signal,
    endsAtOnce: (f) => f(),
  });
  return { code, out, err };
}

/** A signal that is found aborted when it is looked at for the n-th time: the same step in every run. */
export function abortedAtLook(n: number): AbortSignal {
  const { signal } = new AbortController();
  let looks = 0;
  return new Proxy(signal, {
    get: (target, key) => (key === 'aborted' ? ++looks >= n : (Reflect.get(target, key, target) as unknown)),
  });
}

function idx({ data, shape }: NDArray): Uint8Array {
  const header = new Uint8Array(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  const view = new DataView(header.buffer);
  shape.forEach((size, i) => view.setUint32(4 + 4 * i, size));
  return Buffer.concat([header, Uint8Array.from(data)]);
}

/** The first images of Fashion-MNIST as a folder of idx files. */
export function writeSmallData(folder: string, train: number, test: number): string {
  const data = loadData(undefined);
  mkdirSync(folder, { recursive: true });
  for (const [name, set] of [
    ['train', data.train.slice(0, train)],
    ['t10k', data.test.slice(0, test)],
  ] as const) {
    const images = set.images.reshape(set.images.shape.slice(0, 3));
    writeFileSync(join(folder, `${name}-images-idx3-ubyte`), idx(images));
    writeFileSync(join(folder, `${name}-labels-idx1-ubyte`), idx(set.labels));
  }
  return folder;
}
