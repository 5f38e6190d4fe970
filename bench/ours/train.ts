/** A training step of this library. */
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, Random } from '../../src/core/index.js';
import { crossEntropy, tidy } from '../../src/ops/index.js';
import { SGD } from '../../src/optim/index.js';
import { NETWORKS } from '../suites/train.js';
import type { TrainCase } from '../types.js';

/** Steps whose losses are compared. */
export const CHECKED_STEPS = 3;

/** Does one step and returns the loss before it. The kernels are those of the backend that is set. */
export function trainer(c: TrainCase): () => number {
  const model = new NETWORKS[c.network](new Random(0));
  for (const [name, p] of model.namedParameters()) p.data.set(c.params[name]);
  const optimizer = new SGD(model.parameters(), { lr: c.lr });
  const x = new Tensor(new NDArray(c.x, [c.batch, 28, 28, 1]));
  const targets = new Tensor(new NDArray(c.targets, [c.batch]));
  return () =>
    tidy(() => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(x), targets);
      const value = loss.item();
      loss.backward();
      optimizer.step();
      return value;
    });
}

export function firstLosses(step: () => number): Float32Array {
  return Float32Array.from({ length: CHECKED_STEPS }, step);
}
