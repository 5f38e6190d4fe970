/** Prune x distil x QAT: what each is worth alone and with the others, in accuracy, bytes and time. */
import type { Graph } from '../../../src/graph/index.js';
import { CachedTeacher, Distillation, pruneChannels } from '../../../src/compress/index.js';
import { cloneParams, GraphModule } from '../../../src/trace/index.js';
import type { Loss, Trainable } from '../../../src/train/index.js';
import { methodNamed, PTQ, QAT, quantize } from '../methods.js';
import {
  calibrationBatches,
  scoreFloat,
  scoreIntegers,
  trainFloat,
  trainLoader,
  trainQuantized,
} from '../training.js';
import { W4A8, W8A8, type Sizes, type Suite, type Unit } from '../types.js';
import { floatUnit } from './float.js';

export const NETWORK = 'plain';

/** Of channels that go. */
export const FRACTION = 0.5;

/** Labels and teacher have half of the loss each. */
export const DISTILLATION = { temperature: 4, alpha: 0.5 };

/** Top of the second cycle of float training, which begins with trained weights. */
export const FINETUNE_LR = 0.1;

export interface Cell {
  readonly prune: boolean;
  readonly distil: boolean;
  readonly qat: boolean;
}

export const CELLS: readonly Cell[] = [false, true].flatMap((prune) =>
  [false, true].flatMap((distil) => [false, true].map((qat) => ({ prune, distil, qat }))),
);

const nameOf = (cell: Omit<Cell, 'qat'>, last: string): string =>
  [cell.prune ? 'pruned' : 'dense', ...(cell.distil ? ['distilled'] : []), last].join(', ');

/** Every cell gets as many epochs in float, also the one that is neither pruned nor taught. */
export const floatVariant = (cell: Omit<Cell, 'qat'>): string => nameOf(cell, 'float');
export const integerVariant = (cell: Cell): string => nameOf(cell, cell.qat ? 'QAT' : 'PTQ');

/**
 * The network that is compressed, and its own teacher. Half as wide again as by default: in the smallest networks the
 * description in the file outweighs the weights.
 */
export const DENSE = 'float, width 12';

function units(seed: number, sizes: Sizes): Unit[] {
  const dense = floatUnit(NETWORK, seed, sizes, DENSE);
  const common = { suite: 'compression', version: 1, network: NETWORK, seed, sizes } as const;
  return CELLS.flatMap((cell) => {
    const teacher = cell.distil ? [dense] : [];
    const float: Unit = {
      ...common,
      variant: floatVariant(cell),
      bits: null,
      needs: [dense, ...teacher],
    };
    const integers = [W8A8, W4A8].map((bits): Unit => ({
      ...common,
      variant: integerVariant(cell),
      bits,
      needs: [float, ...teacher],
    }));
    return [float, ...integers];
  });
}

/** A student, taught where there is a teacher. */
function taught(
  student: GraphModule,
  teacher: Graph | undefined,
): { model: Trainable; loss: Loss | undefined } {
  if (teacher === undefined) return { model: student, loss: undefined };
  const model = new Distillation({
    student,
    teacher: new CachedTeacher(new GraphModule(teacher)),
    ...DISTILLATION,
  });
  return { model, loss: model.loss };
}

export const compression: Suite = {
  name: 'compression',
  units,
  async run(unit, [graph, teacher], data) {
    const { variant, sizes } = unit;
    if (unit.bits === null) {
      const smaller = variant.startsWith('pruned') ? pruneChannels(graph, { fraction: FRACTION }) : graph;
      const network = new GraphModule(cloneParams(smaller));
      const { model, loss } = taught(network, teacher);
      await trainFloat(unit, model, trainLoader(unit, data.train.slice(0, sizes.train), 'finetune'), {
        epochs: sizes.finetune,
        maxLr: FINETUNE_LR,
        ...(loss === undefined ? {} : { loss }),
      });
      return scoreFloat(unit, network.graph, data);
    }
    const method = variant.endsWith('QAT') ? methodNamed(QAT, 'QAT LSQ') : methodNamed(PTQ, 'per-channel');
    const module = quantize(method, graph, calibrationBatches(unit, data), unit.bits, unit);
    if (method.rates !== null)
      await trainQuantized(unit, module, data, method.rates, taught(module, teacher));
    return scoreIntegers(unit, module, data);
  },
};
