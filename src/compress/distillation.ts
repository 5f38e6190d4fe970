/**
 * Training a student on what a teacher says (Hinton et al. 2015, "Distilling the knowledge in a neural network",
 * arXiv:1503.02531), and on what it sees (Romero et al. 2015, "FitNets: Hints for thin deep nets", arXiv:1412.6550).
 */
import { noGrad, type Tensor } from '../autograd/index.js';
import { ArgumentError, formatShape, sameShape, type NDArray, type Random } from '../core/index.js';
import type { ValueId } from '../graph/index.js';
import { Linear } from '../nn/index.js';
import { add, crossEntropy, distillationLoss, mseLoss, mul } from '../ops/index.js';
import { insideOf } from './inside.js';

/** A model, a graph that trains, or a quantized module. */
export interface Student {
  readonly training: boolean;
  forward(x: Tensor): Tensor;
  parameters(): Iterable<Tensor>;
  train(on?: boolean): unknown;
  stateDict(): ReadonlyMap<string, NDArray>;
  loadStateDict(state: ReadonlyMap<string, NDArray>): unknown;
  extraState?(): object;
  loadExtraState?(state: object): void;
}

export interface Teacher {
  /** Logits [N, classes]. */
  forward(x: Tensor): Tensor;
  train?(on?: boolean): unknown;
}

/** A value of the student that is to be like one of the teacher. */
export interface Hint {
  readonly student: ValueId;
  readonly teacher: ValueId;
  /** Of the mean squared difference in the loss; default 1. */
  readonly weight?: number;
}

export interface DistillationOptions {
  readonly student: Student;
  /** Is put into eval mode. Live, or with its answers kept: {@link CachedTeacher}. */
  readonly teacher: Teacher;
  /** Default 4. */
  readonly temperature?: number;
  /** Share of the teacher in the loss, 0 to 1; the labels have the rest. Default 0.9. */
  readonly alpha?: number;
  /**
   * For graphs. Where the student's value has fewer or more channels, a linear map to those of the teacher is trained with
   * it, and thrown away afterwards.
   */
  readonly hints?: readonly Hint[];
  /** For the maps of hints. */
  readonly random?: Random;
}

interface ActiveHint extends Required<Hint> {
  readonly map: Linear | null;
}

interface Seen {
  readonly logits: Tensor;
  readonly features: readonly (readonly [student: Tensor, teacher: Tensor])[];
}

/**
 * What `fit` needs: `fit({ model: distillation, loss: distillation.loss, optimizer: new Adam(distillation.parameters()),
 * ... })` trains the student. In eval mode the loss is the cross-entropy of the labels, so validation is comparable.
 */
export class Distillation implements Student {
  readonly #student: Student;
  readonly #teacher: Teacher;
  readonly #temperature: number;
  readonly #alpha: number;
  readonly #hints: readonly ActiveHint[];
  #seen: Seen | null = null;

  /** Throws ArgumentError for options out of range, and for hints that do not fit the networks. */
  constructor(options: DistillationOptions) {
    const { student, teacher, temperature = 4, alpha = 0.9, hints = [], random } = options;
    if (!(temperature > 0 && temperature < Infinity))
      throw new ArgumentError(`temperature: ${temperature} must be finite and > 0`);
    if (!(alpha >= 0 && alpha <= 1)) throw new ArgumentError(`alpha: ${alpha} must be 0 to 1`);
    this.#student = student;
    this.#teacher = teacher;
    this.#temperature = temperature;
    this.#alpha = alpha;
    this.#hints = hints.map((hint) => {
      const from = insideOf(student, 'student').shapeOf(hint.student);
      const to = insideOf(teacher, 'teacher').shapeOf(hint.teacher);
      if (!sameShape(from.slice(0, -1), to.slice(0, -1)))
        throw new ArgumentError(
          `hints: ${hint.student} ${formatShape(from)} and ${hint.teacher} ${formatShape(to)} may differ in channels only`,
        );
      const { weight = 1 } = hint;
      if (!(weight >= 0 && weight < Infinity))
        throw new ArgumentError(`hints: the weight of ${hint.student} is ${weight}; give 0 or more`);
      const [inputs, outputs] = [from.at(-1)!, to.at(-1)!];
      const map = inputs === outputs ? null : new Linear(inputs, outputs, { bias: false, random });
      return { ...hint, weight, map };
    });
    teacher.train?.(false);
  }

  get training(): boolean {
    return this.#student.training;
  }

  train(on = true): this {
    this.#student.train(on);
    return this;
  }

  /** Of the student and of the maps of hints. */
  parameters(): Tensor[] {
    return [...this.#student.parameters(), ...this.#hints.flatMap(({ map }) => map?.weight ?? [])];
  }

  stateDict(): Map<string, NDArray> {
    return new Map([
      ...this.#student.stateDict(),
      ...this.#maps().map(([name, map]) => [name, map.weight.value.clone()] as const),
    ]);
  }

  loadStateDict(state: ReadonlyMap<string, NDArray>): void {
    const maps = this.#maps();
    const own = new Set(maps.map(([name]) => name));
    this.#student.loadStateDict(new Map([...state].filter(([name]) => !own.has(name))));
    for (const [name, map] of maps) map.loadStateDict(new Map([['weight', state.get(name)!]]));
  }

  extraState(): object {
    return this.#student.extraState?.() ?? {};
  }

  loadExtraState(state: object): void {
    this.#student.loadExtraState?.(state);
  }

  #maps(): (readonly [string, Linear])[] {
    return this.#hints.flatMap(({ map }, i) => (map === null ? [] : [[`hints.${i}`, map] as const]));
  }

  /** The student's answer; in training the teacher looks at the same batch. */
  forward(x: Tensor): Tensor {
    if (!this.training) return this.#student.forward(x);
    if (this.#hints.length === 0) {
      this.#seen = { logits: noGrad(() => this.#teacher.forward(x)), features: [] };
      return this.#student.forward(x);
    }
    const ids = (of: 'student' | 'teacher'): ValueId[] => this.#hints.map((hint) => hint[of]);
    const student = insideOf(this.#student, 'student').look(x, ids('student'));
    const teacher = noGrad(() => insideOf(this.#teacher, 'teacher').look(x, ids('teacher')));
    this.#seen = {
      logits: teacher.output,
      features: student.values.map((value, i) => [value, teacher.values[i]]),
    };
    return student.output;
  }

  /**
   * `alpha T^2 KL(teacher / T || student / T) + (1 - alpha) crossEntropy + sum of weight * mean((map(student) - teacher)^2)`
   * for what {@link forward} gave last.
   */
  readonly loss = (output: Tensor, targets: Tensor): Tensor => {
    if (!this.training) return crossEntropy(output, targets);
    if (this.#seen === null) throw new ArgumentError('loss: call forward first, once for each loss');
    const { logits, features } = this.#seen;
    this.#seen = null;
    const options = { temperature: this.#temperature, alpha: this.#alpha };
    return features.reduce(
      (loss, [student, teacher], i) => {
        const { map, weight } = this.#hints[i];
        return add(loss, mul(mseLoss(map?.forward(student) ?? student, teacher), weight));
      },
      distillationLoss(output, logits, targets, options),
    );
  };
}
