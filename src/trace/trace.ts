/**
 * Runs a model once in eval mode, watches its ops, and writes them down as a Graph. Parameters and buffers keep their
 * names and their arrays: the graph refers to the same numbers the model trains.
 */
import { noGrad, Tensor, withTracer, type OpDef } from '../autograd/index.js';
import { GraphError, type NDArray } from '../core/index.js';
import {
  validate,
  type Graph,
  type Node,
  type Param,
  type ParamId,
  type Value,
  type ValueId,
} from '../graph/index.js';
import { lowerings, type Call } from './lowerings.js';

/** What can be traced; every nn.Module can. */
export interface Traceable {
  readonly training: boolean;
  train(on?: boolean): unknown;
  /** One output, or a list of them. */
  forward(x: Tensor): Tensor | readonly Tensor[];
  namedParameters(): Iterable<readonly [string, Tensor]>;
  namedBuffers(): Iterable<readonly [string, { readonly value: NDArray }]>;
}

/**
 * @param example an input of the shape the model takes, [n, ...]; its values do not matter
 * @throws GraphError when forward uses an op that has no node, computes with a tensor that is neither the input nor a
 *   parameter, or changes the batch axis
 */
export function trace(model: Traceable, example: Tensor): Graph {
  const builder = new Builder(model, example);
  const wasTraining = model.training;
  model.train(false);
  try {
    const output = noGrad(() => withTracer(builder, () => model.forward(example)));
    return builder.finish(output instanceof Tensor ? [output] : output);
  } finally {
    model.train(wasTraining);
  }
}

class Builder {
  readonly #batch: number;
  readonly #parameters: Map<Tensor, ParamId>;
  readonly #buffers: Map<NDArray, ParamId>;
  /** Of all parameters and buffers. */
  readonly #names: ReadonlySet<string>;
  readonly #ids = new Map<Tensor, ValueId>();
  readonly #values = new Map<ValueId, Value>();
  readonly #params = new Map<ParamId, Param>();
  readonly #nodes: Node[] = [];

  constructor(model: Traceable, example: Tensor) {
    if (example.rank < 2)
      throw new GraphError(`example: shape [${example.shape.join(', ')}] has no batch axis; give [n, ...]`);
    this.#batch = example.shape[0];
    this.#parameters = new Map([...model.namedParameters()].map(([name, t]) => [t, name]));
    this.#buffers = new Map([...model.namedBuffers()].map(([name, b]) => [b.value, name]));
    this.#names = new Set([...this.#parameters.values(), ...this.#buffers.values()]);
    this.#define('input', example);
  }

  record(op: OpDef<unknown>, inputs: readonly Tensor[], attrs: unknown, output: Tensor): void {
    const lowering = Object.hasOwn(lowerings, op.name) ? lowerings[op.name] : undefined;
    if (lowering === undefined)
      throw new GraphError(
        `forward uses ${op.name}, which has no graph node; a traced model may use ${Object.keys(lowerings).join(', ')}`,
      );
    const call: Call = {
      op: op.name,
      inputs,
      attrs,
      outputShape: output.shape,
      value: (t) => this.#value(op.name, t),
      param: (t) => this.#param(op.name, t),
      buffer: (a) => this.#buffer(op.name, a),
      fresh: (name) => this.#fresh(name),
    };
    const node = lowering(call);
    this.#nodes.push(node);
    this.#define(node.id, output);
  }

  finish(outputs: readonly Tensor[]): Graph {
    const ids = outputs.map((output) => {
      const id = this.#ids.get(output);
      if (id === undefined || this.#nodes.length === 0)
        throw new GraphError(
          'forward: its result is not computed from the input by ops; return the last op result',
        );
      return id;
    });
    return validate({
      batch: 'free',
      inputs: ['input'],
      outputs: ids,
      nodes: this.#nodes,
      values: this.#values,
      params: this.#params,
      numerics: { numerics: 'float' },
    });
  }

  #define(id: ValueId, tensor: Tensor): void {
    if (tensor.shape[0] !== this.#batch)
      throw new GraphError(
        `value ${id} has shape [${tensor.shape.join(', ')}]; axis 0 must stay the batch of ${this.#batch}`,
      );
    this.#ids.set(tensor, id);
    this.#values.set(id, { id, shape: [1, ...tensor.shape.slice(1)], qparams: null });
  }

  #value(op: string, t: Tensor): ValueId {
    const id = this.#ids.get(t);
    if (id === undefined)
      throw new GraphError(
        `${op}: an operand is neither the input nor the result of an op; constants in forward cannot be traced`,
      );
    return id;
  }

  #param(op: string, t: Tensor): ParamId {
    const id = this.#parameters.get(t);
    if (id === undefined)
      throw new GraphError(`${op}: its weight is not a parameter of the model; register it as one`);
    this.#params.set(id, { id, array: t.value, qparams: null });
    return id;
  }

  #buffer(op: string, array: NDArray): ParamId {
    const id = this.#buffers.get(array);
    if (id === undefined)
      throw new GraphError(`${op}: its running statistics are not buffers of the model; register them`);
    this.#params.set(id, { id, array, qparams: null });
    return id;
  }

  /** Values and parameters share one space of names: quantization keeps what it knows of both in one map. */
  #fresh(name: string): ValueId {
    const taken = (id: string): boolean => this.#values.has(id) || this.#names.has(id);
    if (!taken(name)) return name;
    for (let i = 2; ; i++) if (!taken(`${name}_${i}`)) return `${name}_${i}`;
  }
}
