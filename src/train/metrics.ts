/** What is counted while training and evaluating. */
import { Tensor } from '../autograd/index.js';

/** Number of rows of `output` [N, C] whose largest value is at their target; null where the two are no scores and classes. */
export function countCorrect(output: unknown, targets: Tensor): number | null {
  if (!(output instanceof Tensor) || output.rank !== 2 || targets.rank !== 1 || targets.dtype !== 'int32')
    return null;
  const [rows, classes] = output.shape;
  const { data } = output;
  let correct = 0;
  for (let r = 0; r < rows; r++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (data[r * classes + c] > data[r * classes + best]) best = c;
    if (best === targets.data[r]) correct++;
  }
  return correct;
}

/** Means of loss and accuracy over batches of different sizes. */
export class Totals {
  images = 0;
  #loss = 0;
  #correct: number | null = 0;

  add(loss: number, correct: number | null, size: number): void {
    this.images += size;
    this.#loss += loss * size;
    this.#correct = correct === null || this.#correct === null ? null : this.#correct + correct;
  }

  get loss(): number {
    return this.#loss / this.images;
  }

  get accuracy(): number | null {
    return this.#correct === null ? null : this.#correct / this.images;
  }
}
