/** Collects the nodes and constants of an ONNX graph and gives each tensor a name of its own. */
import type {
  OnnxArrayOf,
  OnnxAttribute,
  OnnxDType,
  OnnxGraph,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
} from '../types.js';

/** Attributes as they are mostly written: whole numbers, lists of them, strings; other kinds in full. */
export type Attributes = Readonly<Record<string, number | readonly number[] | string | OnnxAttribute>>;

function attribute(value: Attributes[string]): OnnxAttribute {
  if (typeof value === 'number') return { type: 'int', value };
  if (typeof value === 'string') return { type: 'string', value };
  return 'type' in value ? value : { type: 'ints', value };
}

export const float = (value: number): OnnxAttribute => ({ type: 'float', value });

export class OnnxBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #outputs: OnnxValueInfo[] = [];
  readonly #names: Set<string>;
  readonly #settled = new Set<string>();

  /** @param reserved names that only {@link label} and {@link input} give */
  constructor(reserved: Iterable<string> = []) {
    this.#names = new Set(reserved);
  }

  /** A name that no other tensor has. */
  fresh(name: string): string {
    let free = name;
    for (let i = 2; this.#names.has(free); i++) free = `${name}_${i}`;
    this.#names.add(free);
    return free;
  }

  input(name: string, dtype: OnnxDType, dims: OnnxValueInfo['dims']): string {
    this.#inputs.push({ name, dtype, dims });
    return name;
  }

  output(name: string, dtype: OnnxDType, dims: OnnxValueInfo['dims']): void {
    this.#outputs.push({ name, dtype, dims });
  }

  /** A constant; returns its name, `name` made unique. */
  constant<D extends OnnxDType>(
    name: string,
    dtype: D,
    dims: readonly number[],
    data: OnnxArrayOf[D],
  ): string {
    const free = this.fresh(name);
    this.#initializers.set(free, { name: free, dtype, dims, data });
    return free;
  }

  floats(name: string, values: Iterable<number>, dims: readonly number[]): string {
    return this.constant(name, 'float32', dims, Float32Array.from(values));
  }

  /** A list of whole numbers, as shapes and axes are given. */
  int64s(name: string, values: readonly number[]): string {
    return this.constant(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Adds a node of one output; returns the output's name, `name` made unique. '' among the inputs: not given. */
  node(opType: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.nodeOf(opType, [name], inputs, attributes)[0];
  }

  /** As {@link node}, with an output for each name. */
  nodeOf(
    opType: string,
    names: readonly string[],
    inputs: readonly string[],
    attributes: Attributes = {},
  ): string[] {
    const outputs = names.map((name) => this.fresh(name));
    this.#nodes.push({
      name: outputs[0],
      opType,
      domain: '',
      inputs,
      outputs,
      attributes: new Map(Object.entries(attributes).map(([key, value]) => [key, attribute(value)])),
    });
    return outputs;
  }

  /** Says that others know a tensor by its name. */
  settle(tensor: string): string {
    this.#settled.add(tensor);
    return tensor;
  }

  /** Gives a tensor a reserved name: the output of the last node, unless it is settled; a copy of all others. */
  label(tensor: string, name: string): string {
    if (this.#settled.has(tensor) || this.#nodes.at(-1)?.outputs[0] !== tensor)
      this.node('Identity', name, [tensor]);
    this.#nodes.push({ ...this.#nodes.pop()!, name, outputs: [name] });
    return this.settle(name);
  }

  finish(name: string): OnnxGraph {
    return {
      name,
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
      valueInfo: new Map(),
    };
  }
}
