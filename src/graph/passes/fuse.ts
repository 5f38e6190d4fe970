/**
 * Fusion: batch norm and then the clamp that follows move onto the layer before them, so that a quantized layer is one
 * node. A node is fused only when nobody else reads what it consumes.
 */
import { countUses, isLayer, type Graph, type Node, type ValueId } from '../ir.js';

/** Tries to merge `node` into its producer; null leaves it alone. */
type Merge = (producer: Node, node: Node) => Node | null;

const mergeBatchNorm: Merge = (producer, node) => {
  if (node.op !== 'batchNorm' || !isLayer(producer)) return null;
  if (producer.batchNorm !== null || producer.activation !== 'none') return null;
  const { gamma, beta, mean, variance, eps, momentum } = node;
  return { ...producer, batchNorm: { gamma, beta, mean, variance, eps, momentum } };
};

const mergeActivation: Merge = (producer, node) => {
  if (node.op !== 'activation' || node.activation === 'none') return null;
  if (!isLayer(producer) && producer.op !== 'add' && producer.op !== 'sub' && producer.op !== 'mul')
    return null;
  return producer.activation === 'none' ? { ...producer, activation: node.activation } : null;
};

function fuse(graph: Graph, merge: Merge): Graph {
  const uses = countUses(graph);
  const renamed = new Map<ValueId, ValueId>();
  const resolve = (id: ValueId): ValueId => renamed.get(id) ?? id;
  const index = new Map<ValueId, number>();
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const node = { ...original, inputs: original.inputs.map(resolve) } as Node;
    const at = index.get(node.inputs[0]);
    const merged =
      at !== undefined && uses.get(original.inputs[0]) === 1 && node.inputs.length === 1
        ? merge(nodes[at], node)
        : null;
    if (merged === null || at === undefined) {
      index.set(node.id, nodes.length);
      nodes.push(node);
    } else {
      nodes[at] = merged;
      renamed.set(node.id, merged.id);
      uses.set(merged.id, uses.get(original.id) ?? 0);
    }
  }
  const values = new Map([...graph.values].filter(([id]) => !renamed.has(id)));
  return { ...graph, nodes, values, outputs: graph.outputs.map(resolve) };
}

export function fuseBatchNorm(graph: Graph): Graph {
  return fuse(graph, mergeBatchNorm);
}

export function fuseActivation(graph: Graph): Graph {
  return fuse(graph, mergeActivation);
}

/** The form that quantization works on: batch norm first, since the clamp comes after it. */
export function fuseLayers(graph: Graph): Graph {
  return fuseActivation(fuseBatchNorm(graph));
}
