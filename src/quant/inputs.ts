/** Inputs of a graph: one tensor, or one by each name. */
import { Tensor } from '../autograd/index.js';
import { ArgumentError } from '../core/index.js';
import { rowsOf, type Graph, type ValueId } from '../graph/index.js';
import { local } from '../ops/backend.js';

/** A batch for a graph of one input, or of any number by their names. */
export type GraphInputs = Tensor | ReadonlyMap<ValueId, Tensor>;

/**
 * By name.
 *
 * @param what the argument, for the message
 */
export function namedInputs(
  graph: Graph,
  batch: GraphInputs,
  what = 'batches',
): ReadonlyMap<ValueId, Tensor> {
  if (batch instanceof Map) return batch;
  if (batch instanceof Tensor && graph.inputs.length === 1) return new Map([[graph.inputs[0], batch]]);
  throw new ArgumentError(
    `${what}: ${(batch as object | null)?.constructor.name} for ${graph.inputs.join(', ')}; give a Map of tensors by name, or for one input a tensor`,
  );
}

/** By name, in the memory of the kernels. Throws ShapeError for a shape that is not the graph's. */
export function localInputs(graph: Graph, batch: GraphInputs, what?: string): ReadonlyMap<ValueId, Tensor> {
  const inputs = namedInputs(graph, batch, what);
  for (const id of graph.inputs) if (inputs.has(id)) rowsOf(graph, id, inputs.get(id)!.shape, what);
  return new Map(Array.from(inputs, ([id, x]) => [id, local(x)]));
}
