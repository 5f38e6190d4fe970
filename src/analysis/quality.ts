/** How much of what a network gives is left: noise at its outputs, the distributions of a classifier, accuracy. */
import { Tensor } from '../autograd/index.js';
import { ArgumentError } from '../core/index.js';
import type { Graph } from '../graph/index.js';
import type { GraphInputs } from '../quant/index.js';
import { Noise } from './noise.js';

/** A batch, or one with labels, such as those of a `DataLoader`. */
export type LabelledInputs = GraphInputs | { readonly inputs: GraphInputs; readonly targets: Tensor };

export interface Quality {
  /** dB of all outputs together; Infinity where nothing is lost. */
  readonly sqnr: number;
  /**
   * Mean over the rows of the Kullback-Leibler divergence of softmax(output) from that of the reference, in nats; null where the
   * first output is not [n, classes].
   */
  readonly kl: number | null;
  /** Share of rows whose largest output is at the label; null without labels. */
  readonly accuracy: number | null;
}

/** The parts of a batch. */
export function partsOf(batch: LabelledInputs): { inputs: GraphInputs; targets: Tensor | null } {
  return 'inputs' in batch && !(batch instanceof Tensor)
    ? batch
    : { inputs: batch as GraphInputs, targets: null };
}

/** Logarithms of probabilities of one row: of softmax, or of what is a softmax already. */
function logProbabilities(row: readonly number[], isSoftmax: boolean): number[] {
  if (isSoftmax) return row.map((p) => Math.log(Math.max(p, Number.MIN_VALUE)));
  const top = Math.max(...row);
  const sum = Math.log(row.reduce((s, v) => s + Math.exp(v - top), 0));
  return row.map((v) => v - top - sum);
}

/** Gathers {@link Quality}, batch by batch. */
export class QualityMeter {
  readonly #isSoftmax: boolean;
  readonly #noise = new Noise();
  #divergence = 0;
  #rows = 0;
  #correct = 0;
  #labelled = 0;

  constructor(graph: Graph) {
    const [first] = graph.outputs;
    this.#isSoftmax = graph.nodes.some(({ id, op }) => id === first && op === 'softmax');
  }

  /** Throws ArgumentError where labels do not fit the rows. */
  add(reference: readonly Tensor[], outputs: readonly Tensor[], targets: Tensor | null): void {
    outputs.forEach((y, i) => this.#noise.add(reference[i].data, y.data));
    const [first] = outputs;
    if (first.rank !== 2) return;
    const [rows, width] = first.shape;
    if (targets !== null && targets.size !== rows)
      throw new ArgumentError(`targets: ${targets.size} labels for ${rows} rows; give one for each`);
    for (let r = 0; r < rows; r++) {
      const rowOf = ({ data }: Tensor): number[] => Array.from(data.subarray(r * width, (r + 1) * width));
      const row = rowOf(first);
      const p = logProbabilities(rowOf(reference[0]), this.#isSoftmax);
      const q = logProbabilities(row, this.#isSoftmax);
      this.#divergence += p.reduce((sum, log, i) => sum + Math.exp(log) * (log - q[i]), 0);
      this.#rows++;
      if (targets === null) continue;
      this.#labelled++;
      if (row.indexOf(Math.max(...row)) === targets.data[r]) this.#correct++;
    }
  }

  get quality(): Quality {
    return {
      sqnr: this.#noise.sqnr,
      kl: this.#rows === 0 ? null : this.#divergence / this.#rows,
      accuracy: this.#labelled === 0 ? null : this.#correct / this.#labelled,
    };
  }
}
