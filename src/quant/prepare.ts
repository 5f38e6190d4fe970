/** From a float graph to a module with fake quantization. */
import {
  fuseLayers,
  requireFloat,
  rewrite,
  type Graph,
  type OpName,
  type Rule,
  type Site,
  type ValueId,
} from '../graph/index.js';
import { cloneParams } from '../trace/index.js';
import type { QConfig } from './qconfig.js';
import { QuantizedModule } from './quantizedModule.js';

/**
 * Fuses batch norm and clamps into the layers before them and puts quantizers on weights, activations and biases. The
 * weights are copied: the float model stays as it is.
 *
 * @throws QuantizationError for ops that have no integer form, a graph that is quantized already, or unknown names
 */
export function prepare(graph: Graph, config: QConfig): QuantizedModule {
  requireFloat(graph);
  const fused = fuseLayers(cloneParams(graph));
  return new QuantizedModule(config.concat === 'equal' ? rewrite(fused, requantizeFixed) : fused, config);
}

const MOVES: readonly OpName[] = ['reshape', 'transpose', 'slice', 'gather', 'pad', 'resize', 'maxPool2d'];

/** Whether a value has the fixed scale of a sigmoid, tanh or softmax, at once or through ops that only move codes. */
function isFixed(id: ValueId, site: Site): boolean {
  for (let at = id; ;) {
    const move = MOVES.map((op) => site.producer(at, op)).find((node) => node !== null);
    if (move === undefined) {
      const fn = site.producer(at, 'unary')?.fn;
      return fn === 'sigmoid' || fn === 'tanh' || site.producer(at, 'softmax') !== null;
    }
    at = move.inputs[0];
  }
}

/** A concatenation of one scale needs codes of a fixed scale in its own. */
const requantizeFixed: Rule = (node, site) => {
  if (node.op !== 'concat' || !node.inputs.some((id) => isFixed(id, site))) return null;
  const rescaled = (id: ValueId): ValueId =>
    site.build.node(`${id}.rescaled`, { op: 'activation', inputs: [id], activation: 'none' });
  return { ...node, inputs: node.inputs.map((id) => (isFixed(id, site) ? rescaled(id) : id)) };
};
