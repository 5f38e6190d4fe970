/** Milliseconds per image of every variant, in interleaved rounds, so that a noisy machine is noisy for all. */
import { noGrad, Tensor } from '../../autograd/index.js';
import type { NDArray } from '../../core/index.js';
import { decodeModel } from '../../formats/index.js';
import { Session } from '../../runtime/index.js';
import { GraphModule } from '../../trace/index.js';

const ROUNDS = 15;

/** Images of a timed pass. */
export const TIMED_IMAGES = 50;

/** Prepares a model file to be run on `x`. */
function runner(file: Uint8Array, x: NDArray): () => void {
  const { graph } = decodeModel(file);
  const isFloat = graph.nodes.every((node) => node.op !== 'quantize');
  if (isFloat) {
    const module = new GraphModule(graph).eval();
    const input = new Tensor(x);
    return () => void noGrad(() => module.forward(input));
  }
  const session = new Session(graph, { batch: x.shape[0] });
  return () => void session.run(x);
}

/** The median over {@link ROUNDS} rounds, after a warm-up of three. */
export function timeVariants(files: readonly Uint8Array[], images: NDArray): number[] {
  const runs = files.map((file) => runner(file, images));
  const times = runs.map(() => new Float64Array(ROUNDS));
  for (let round = -3; round < ROUNDS; round++)
    runs.forEach((run, i) => {
      const start = performance.now();
      run();
      if (round >= 0) times[i][round] = performance.now() - start;
    });
  return times.map((t) => t.sort()[ROUNDS >> 1] / images.shape[0]);
}
