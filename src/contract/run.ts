/** One interface over the two ways in which a graph runs: integers through a session, floats through the ops. */
import { noGrad, Tensor } from '../autograd/index.js';
import type { NDArray } from '../core/index.js';
import { isInteger, type Graph, type ValueId } from '../graph/index.js';
import { tidy } from '../ops/index.js';
import { Session } from '../runtime/index.js';
import { GraphModule } from '../trace/index.js';

export type Arrays = ReadonlyMap<ValueId, NDArray>;

/** Outputs by value for inputs by value. */
export type Runner = (inputs: Arrays) => Map<ValueId, NDArray>;

/**
 * @param kind 'float' and 'fake-quantized' graphs run through the ops, others in a session; default: what the graph is
 */
export function runnerOf(
  graph: Graph,
  kind: 'float' | 'integer' | 'mixed' | 'fake-quantized' = isInteger(graph) ? 'integer' : 'float',
): Runner {
  if (kind === 'integer' || kind === 'mixed') {
    const session = new Session(graph);
    return (inputs) => session.runAll(inputs);
  }
  const module = new GraphModule(graph).eval();
  return (inputs) => {
    const tensors = new Map(Array.from(inputs, ([id, array]) => [id, new Tensor(array)]));
    return tidy(() => {
      const values = noGrad(() => module.runAll(tensors));
      return new Map(graph.outputs.map((id) => [id, values.get(id)!.value.clone()]));
    });
  };
}
