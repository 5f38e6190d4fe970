/** A network as a case of the bench. */
import { sizeOf, type NDArray } from '../../src/core/index.js';
import { encodeModel } from '../../src/formats/index.js';
import type { Graph } from '../../src/graph/index.js';
import type { ModelCase, Suite } from '../types.js';

/** Operations of the layers, two for each multiply-add, and bytes of their parameters. */
function layerCosts(graph: Graph): { ops: number; bytes: number } {
  let [ops, bytes] = [0, 0];
  for (const node of graph.nodes) {
    if (node.op !== 'conv2d' && node.op !== 'linear') continue;
    const weight = graph.params.get(node.weight)!.array;
    const outputs = sizeOf(graph.values.get(node.id)!.shape);
    ops += 2 * outputs * (weight.size / weight.shape[0]);
    bytes += weight.data.byteLength;
  }
  return { ops, bytes };
}

/** A case for a graph of one image in and scores out. */
export function modelCase(suite: Suite, shape: string, graph: Graph, x: NDArray): ModelCase {
  const output = graph.nodes.at(-1)!;
  const codes = output.op === 'dequantize' ? graph.values.get(output.inputs[0])!.qparams : null;
  return {
    suite,
    shape,
    dtype: codes === null ? 'f32' : codes.quantMin < 0 ? 's8s8' : 'u8s8',
    ...layerCosts(graph),
    kind: 'model',
    file: encodeModel(graph),
    x: x.data as Float32Array,
    inputShape: x.shape,
    step: codes === null ? 0 : codes.scale[0],
  };
}
