/** Loss and accuracy of a model on a data set. */
import { noGrad, type Tensor } from '../autograd/index.js';
import { local } from '../ops/backend.js';
import { crossEntropy, tidy } from '../ops/index.js';
import { countCorrect, Totals } from './metrics.js';
import { Pauser } from './pause.js';
import type { BatchSource, Evaluation, Loss, StopSignal, Trainable } from './types.js';

export interface EvaluateOptions<Output = Tensor> {
  readonly model: Pick<Trainable<Output>, 'forward' | 'train' | 'training'>;
  readonly loader: BatchSource;
  /** Default: cross-entropy. */
  readonly loss?: Loss<Output> | undefined;
  /** Stops after the current batch; the result then covers the images seen. */
  readonly signal?: StopSignal | undefined;
}

/** Runs the model in evaluation mode over epoch 0 of the loader, and puts its mode back. */
export async function evaluate<Output = Tensor>(options: EvaluateOptions<Output>): Promise<Evaluation> {
  const { model, loader, loss = crossEntropy as Loss<Output>, signal } = options;
  const { training } = model;
  const totals = new Totals();
  const pauser = new Pauser();
  model.train(false);
  try {
    for (const { inputs, targets, size } of loader.batches()) {
      tidy(() =>
        noGrad(() => {
          const output = model.forward(local(inputs));
          totals.add(loss(output, targets).item(), countCorrect(output, targets), size);
        }),
      );
      await pauser.pause();
      if (signal?.aborted) break;
    }
  } finally {
    model.train(training);
  }
  return { loss: totals.loss, accuracy: totals.accuracy, images: totals.images };
}
