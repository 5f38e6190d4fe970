/** Builds a graph node by node: shapes follow from the nodes, names are made unique. Importers and passes write with it. */
import type { NDArray, QParams, Shape } from '../core/index.js';
import type { Graph, Node, Numerics, Param, ParamId, Value, ValueId } from './ir.js';
import { inferShape } from './shapes.js';
import { validate } from './validate.js';

/** A node without its name, which the builder gives it. */
export type NodeDraft = Node extends infer N ? (N extends Node ? Omit<N, 'id'> : never) : never;

export class GraphBuilder {
  readonly #inputs: ValueId[] = [];
  readonly #nodes: Node[] = [];
  readonly #values = new Map<ValueId, Value>();
  readonly #params = new Map<ParamId, Param>();
  readonly #reshaped = new Map<ValueId, ValueId>();
  /** How often a name was asked for that was taken. */
  readonly #copies = new Map<string, number>();
  readonly #numerics: Numerics;

  constructor(numerics: Numerics = { numerics: 'float' }) {
    this.#numerics = numerics;
  }

  /** A name that neither a value nor a parameter has. */
  fresh(name: string): string {
    if (!this.has(name)) return name;
    for (let i = this.#copies.get(name) ?? 2; ; i++) {
      this.#copies.set(name, i + 1);
      if (!this.has(`${name}_${i}`)) return `${name}_${i}`;
    }
  }

  /** Whether a value or a parameter has this name. */
  has(name: string): boolean {
    return this.#values.has(name) || this.#params.has(name);
  }

  input(name: string, shape: Shape, qparams: QParams | null = null): ValueId {
    const id = this.fresh(name);
    this.#inputs.push(id);
    this.#values.set(id, { id, shape, qparams });
    return id;
  }

  param(name: string, array: NDArray, qparams: QParams | null = null): ParamId {
    const id = this.fresh(name);
    this.#params.set(id, { id, array, qparams });
    return id;
  }

  /**
   * Adds a node; its name, made unique, is that of its value.
   * @throws GraphError where inputs, parameters and attributes do not fit
   */
  node(name: string, draft: NodeDraft, qparams: QParams | null = null): ValueId {
    const id = this.fresh(name);
    const node = { ...draft, id } as Node;
    const shape = inferShape(this.#graph('fixed', []), node);
    this.#nodes.push(node);
    if (node.op === 'reshape') this.#reshaped.set(id, node.inputs[0]);
    this.#values.set(id, { id, shape, qparams });
    return id;
  }

  /** A parameter as a value. */
  constant(name: string, array: NDArray, qparams: QParams | null = null): ValueId {
    return this.node(name, { op: 'constant', inputs: [], param: this.param(name, array, qparams) }, qparams);
  }

  /** What the reshape `id` reshapes; `id` where it is no reshape. */
  reshapeOf(id: ValueId): ValueId {
    return this.#reshaped.get(id) ?? id;
  }

  shape(id: ValueId): Shape {
    return this.#values.get(id)!.shape;
  }

  qparams(id: ValueId): QParams | null {
    return this.#values.get(id)!.qparams;
  }

  array(id: ParamId): NDArray {
    return this.#params.get(id)!.array;
  }

  /** Throws GraphError where the graph breaks a rule of its kind of batch. */
  finish(outputs: readonly ValueId[], batch: Graph['batch']): Graph {
    return validate(this.#graph(batch, outputs));
  }

  #graph(batch: Graph['batch'], outputs: readonly ValueId[]): Graph {
    return {
      batch,
      inputs: this.#inputs,
      outputs,
      nodes: this.#nodes,
      values: this.#values,
      params: this.#params,
      numerics: this.#numerics,
    };
  }
}
