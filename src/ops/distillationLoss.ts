/** Knowledge distillation (Hinton, Vinyals, Dean 2015, arXiv:1503.02531), composed of ops. */
import { ArgumentError } from '../core/index.js';
import type { Tensor } from '../autograd/index.js';
import { add } from './add.js';
import { crossEntropy } from './crossEntropy.js';
import { klDiv } from './klDiv.js';
import { logSoftmax } from './logSoftmax.js';
import { mul } from './mul.js';
import { softmax } from './softmax.js';

/**
 * alpha T^2 KL(softmax(teacher / T) || softmax(student / T)) + (1 - alpha) crossEntropy(student, target); T^2 keeps the
 * size of the soft gradient independent of the temperature T. No gradient flows into the teacher.
 *
 * @param student logits [N, C]
 * @param teacher logits [N, C]
 * @param target class labels, int32 [N]
 */
export function distillationLoss(
  student: Tensor,
  teacher: Tensor,
  target: Tensor,
  { temperature, alpha }: { temperature: number; alpha: number },
): Tensor {
  if (!(temperature > 0)) throw new ArgumentError(`temperature: ${temperature} must be > 0`);
  const soft = klDiv(
    logSoftmax(mul(student, 1 / temperature)),
    softmax(mul(teacher.detach(), 1 / temperature)),
    { reduction: 'batchmean' },
  );
  return add(mul(soft, alpha * temperature ** 2), mul(crossEntropy(student, target), 1 - alpha));
}
