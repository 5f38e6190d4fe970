/** Inputs of a graph: one tensor, or one by each name. */
import type { Tensor } from '../autograd/index.js';
import { ArgumentError } from '../core/index.js';
import type { Graph, ValueId } from '../graph/index.js';
import { local } from '../ops/backend.js';

/** A batch for a graph of one input, or of any number by their names. */
export type GraphInputs = Tensor | ReadonlyMap<ValueId, Tensor>;

/** By name. */
export function namedInputs(graph: Graph, batch: GraphInputs): ReadonlyMap<ValueId, Tensor> {
  if (!('value' in batch)) return batch;
  if (graph.inputs.length !== 1)
    throw new ArgumentError(
      `batches: one tensor for the inputs ${graph.inputs.join(', ')}; give a Map of tensors by name`,
    );
  return new Map([[graph.inputs[0], batch]]);
}

/** By name, in the memory of the kernels. */
export function localInputs(graph: Graph, batch: GraphInputs): ReadonlyMap<ValueId, Tensor> {
  return new Map(Array.from(namedInputs(graph, batch), ([id, x]) => [id, local(x)]));
}
