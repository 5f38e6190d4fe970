/** Module: the base of layers and models. It finds its parameters, buffers and children by walking its own properties. */
import { Tensor } from '../autograd/index.js';
import { loadStateInto, NDArray, type LoadReport, type Shape, type StateDict } from '../core/index.js';
import { persistent } from '../ops/index.js';

/** A tensor that is trained. It always counts as part of a model, also with `requiresGrad` switched off. */
export class Parameter extends Tensor {
  /** Throws DTypeError for an integer array. */
  constructor(value: NDArray) {
    super(value.keep(), { requiresGrad: true });
  }

  /** float32, in the memory of the kernels. */
  static full(shape: Shape, value: number): Parameter {
    return new Parameter(persistent(() => NDArray.full(shape, value, 'float32')));
  }
}

/** An array that belongs to the state of a model without being trained, such as a running mean. */
export class Buffer {
  readonly value: NDArray;

  constructor(value: NDArray) {
    this.value = value.keep();
  }

  /** float32, in the memory of the kernels. */
  static full(shape: Shape, value: number): Buffer {
    return new Buffer(persistent(() => NDArray.full(shape, value, 'float32')));
  }
}

type Found = Parameter | Buffer | Module<unknown>;

/** @typeParam Output a tensor, or a list of tensors where a model has several outputs */
export abstract class Module<Output = Tensor> {
  /** True while the model is being trained: batch norm and dropout look at it. Set it with {@link train} and {@link eval}. */
  training = true;

  abstract forward(...inputs: Tensor[]): Output;

  /**
   * What to walk: own properties by name. Arrays are walked into, `features.0` naming their elements. Private `#fields`
   * cannot be seen.
   */
  protected properties(): Iterable<readonly [string, unknown]> {
    return Object.entries(this);
  }

  *#walk(prefix: string, seen: Set<Found>): Generator<readonly [string, Found]> {
    for (const [name, value] of this.properties()) yield* Module.#visit(prefix + name, value, seen);
  }

  static *#visit(name: string, value: unknown, seen: Set<Found>): Generator<readonly [string, Found]> {
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) yield* Module.#visit(`${name}.${i}`, value[i], seen);
      return;
    }
    if (!(value instanceof Parameter || value instanceof Buffer || value instanceof Module)) return;
    if (seen.has(value)) return;
    seen.add(value);
    yield [name, value];
    if (value instanceof Module) yield* value.#walk(`${name}.`, seen);
  }

  *#named(): Generator<readonly [string, Found]> {
    yield* this.#walk('', new Set<Found>([this]));
  }

  /** Every parameter with its path, such as 'features.0.weight'. One that is used twice has its first name only. */
  *namedParameters(): Generator<readonly [string, Parameter]> {
    for (const [name, value] of this.#named()) if (value instanceof Parameter) yield [name, value];
  }

  *namedBuffers(): Generator<readonly [string, Buffer]> {
    for (const [name, value] of this.#named()) if (value instanceof Buffer) yield [name, value];
  }

  /** This module under the name '', then all those below it. */
  *namedModules(): Generator<readonly [string, Module<unknown>]> {
    yield ['', this];
    for (const [name, value] of this.#named()) if (value instanceof Module) yield [name, value];
  }

  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, p]) => p);
  }

  /** Switches this module and all below it to training, or with `false` to evaluation. */
  train(on = true): this {
    for (const [, module] of this.namedModules()) module.training = on;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  #state(): Map<string, NDArray> {
    const state = new Map<string, NDArray>();
    for (const [name, value] of this.#named()) if (!(value instanceof Module)) state.set(name, value.value);
    return state;
  }

  /** A copy of all parameters and buffers; training on does not change it. */
  stateDict(): Map<string, NDArray> {
    return new Map(Array.from(this.#state(), ([name, value]) => [name, value.clone()]));
  }

  /**
   * Copies saved values into the parameters and buffers. Nothing is changed unless everything fits.
   *
   * @param options.strict default true: names that are missing or unexpected are errors; otherwise they are reported
   * @throws ArgumentError for missing and unexpected names; ShapeError and DTypeError for values that do not fit
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): LoadReport {
    return loadStateInto(this.#state(), state, options.strict ?? true);
  }

  /** Number of trainable values. */
  parameterCount(): number {
    return this.parameters().reduce((n, p) => n + p.size, 0);
  }
}
