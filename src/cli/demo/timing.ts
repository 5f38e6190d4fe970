/** Milliseconds per image of every variant, in interleaved rounds, so that a noisy machine is noisy for all. */
import { Tensor } from '../../autograd/index.js';
import { Random, type NDArray } from '../../core/index.js';
import { decodeModel } from '../../formats/index.js';
import { predictor } from '../inference.js';

const ROUNDS = 15;

/** Images of a timed pass. */
export const TIMED_IMAGES = 50;

/**
 * The median over {@link ROUNDS} rounds, after a warm-up of three. Every round has an order of its own: in a fixed one, what
 * returns with each round, a garbage collection or a cold cache, hits the same variant every time. It doubled the time of a
 * float network once.
 */
export function timeVariants(files: readonly Uint8Array[], images: NDArray): number[] {
  const x = new Tensor(images);
  const runs = files.map((file) =>
    predictor(decodeModel(file).graph, { backend: 'wasm', batch: images.shape[0] }),
  );
  const times = runs.map(() => new Float64Array(ROUNDS));
  const random = new Random('order of timed variants');
  for (let round = -3; round < ROUNDS; round++)
    for (const i of random.permutation(runs.length)) {
      const start = performance.now();
      runs[i](x);
      if (round >= 0) times[i][round] = performance.now() - start;
    }
  return times.map((t) => t.sort()[ROUNDS >> 1] / images.shape[0]);
}
