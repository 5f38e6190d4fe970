/** Milliseconds per image of the networks of the compression table, when nothing else runs. */
import { loadData } from '../../src/cli/data.js';
import { TIMED_IMAGES, timeVariants } from '../../src/cli/demo/timing.js';
import { encodeModel } from '../../src/formats/index.js';
import { RECIPES } from '../../src/models/index.js';
import { DataLoader } from '../../src/data/index.js';
import { readBytes } from '../../src/node/index.js';
import type { Store } from './store.js';
import { NETWORK } from './suites/compression.js';
import { folded } from './training.js';
import { bitsName, type Bits, type Result } from './types.js';

export interface Latency {
  readonly variant: string;
  readonly bits: Bits | null;
  readonly ms: number;
}

/**
 * The networks of the first seed: their speed does not depend on it. The demo's way: one thread, WebAssembly, batches of
 * {@link TIMED_IMAGES}, networks in interleaved rounds, the median. Float networks run through it as well.
 */
export function timeCompression(results: readonly Result[], store: Store, data: string | null): Latency[] {
  const all = results.map(({ unit }) => unit).filter(({ suite }) => suite === 'compression');
  if (all.length === 0) return [];
  const first = all.filter(({ seed }) => seed === all[0].seed);
  const { mean, std } = RECIPES[NETWORK];
  const images = loadData(data ?? undefined).test.slice(0, TIMED_IMAGES);
  const [{ inputs }] = new DataLoader(images, { batchSize: TIMED_IMAGES, mean, std }).batches();
  const files = first.map((unit) =>
    unit.bits === null ? encodeModel(folded(store.model(unit))) : readBytes(store.modelPath(unit)),
  );
  const times = timeVariants(files, inputs.value);
  return first.map(({ variant, bits }, i) => ({ variant, bits, ms: times[i] }));
}

export const latencyKey = ({ variant, bits }: Pick<Latency, 'variant' | 'bits'>): string =>
  `${variant} ${bitsName(bits)}`;
