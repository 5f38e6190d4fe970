/** Values inside networks, which hints compare. */
import type { Tensor } from '../autograd/index.js';
import { ArgumentError, type Shape } from '../core/index.js';
import type { Graph, ValueId } from '../graph/index.js';

export interface Inside {
  /** Of a value for some number of inputs. Throws ArgumentError for one that there is not. */
  shapeOf(id: ValueId): Shape;
  look(x: Tensor, ids: readonly ValueId[]): { readonly output: Tensor; readonly values: readonly Tensor[] };
}

/** A GraphModule or a QuantizedModule. */
interface Run {
  readonly graph: Graph;
  runAll(inputs: ReadonlyMap<ValueId, Tensor>): ReadonlyMap<ValueId, Tensor>;
}

/** Throws ArgumentError for a network, the `role`, whose values have no names. */
export function insideOf(network: object, role: string): Inside {
  if ('look' in network && 'shapeOf' in network) return network as Inside;
  if (!('runAll' in network && 'graph' in network))
    throw new ArgumentError(
      `hints: the ${role} has no values to look at; give a GraphModule or a QuantizedModule (see trace)`,
    );
  const module = network as Run;
  const { values, inputs, outputs } = module.graph;
  return {
    shapeOf(id) {
      const value = values.get(id);
      if (value === undefined) throw new ArgumentError(`hints: ${id} is not a value of the ${role}`);
      return value.shape;
    },
    look(x, ids) {
      const all = module.runAll(new Map([[inputs[0], x]]));
      return { output: all.get(outputs[0])!, values: ids.map((id) => all.get(id)!) };
    },
  };
}
