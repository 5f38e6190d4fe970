/** Milliseconds per image of every variant, in interleaved rounds, so that a noisy machine is noisy for all. */
import { Tensor } from '../../autograd/index.js';
import type { NDArray } from '../../core/index.js';
import { decodeModel } from '../../formats/index.js';
import { predictor } from '../inference.js';

const ROUNDS = 15;

/** Images of a timed pass. */
export const TIMED_IMAGES = 50;

/** The median over {@link ROUNDS} rounds, after a warm-up of three. */
export function timeVariants(files: readonly Uint8Array[], images: NDArray): number[] {
  const x = new Tensor(images);
  const runs = files.map((file) =>
    predictor(decodeModel(file).graph, { backend: 'wasm', batch: images.shape[0] }),
  );
  const times = runs.map(() => new Float64Array(ROUNDS));
  for (let round = -3; round < ROUNDS; round++)
    runs.forEach((run, i) => {
      const start = performance.now();
      run(x);
      if (round >= 0) times[i][round] = performance.now() - start;
    });
  return times.map((t) => t.sort()[ROUNDS >> 1] / images.shape[0]);
}
