/** Integer graphs from codes to codes, and codes for them. */
import { NDArray } from '../../src/core/index.js';
import type { Graph, ValueId } from '../../src/graph/index.js';
import { Session } from '../../src/runtime/index.js';

/** The integer graph without the steps from floats to codes and back at its edges. */
export function codesAtEdges(graph: Graph): Graph {
  const first = graph.inputs.map(
    (id) => graph.nodes.find((node) => node.op === 'quantize' && node.inputs[0] === id)?.id ?? id,
  );
  const last = graph.outputs.map((id) => {
    const node = graph.nodes.find((n) => n.id === id);
    return node?.op === 'dequantize' ? node.inputs[0] : id;
  });
  const gone = new Set<ValueId>([...first, ...graph.outputs.filter((id) => !last.includes(id))]);
  return {
    ...graph,
    inputs: first,
    outputs: last,
    nodes: graph.nodes.filter(({ id }) => !gone.has(id)),
    values: new Map(
      [...graph.values].filter(([id]) => first.includes(id) || !(gone.has(id) || graph.inputs.includes(id))),
    ),
  };
}

/** Codes from all of the range of each input, in a pattern of long period. */
export function codesFor(graph: Graph, batch: number): NDArray[] {
  return graph.inputs.map((id, k) => {
    const { shape, qparams } = graph.values.get(id)!;
    const { quantMin, quantMax } = qparams!;
    const size = batch * shape.reduce((a, b) => a * b, 1);
    const code = (_: unknown, i: number): number =>
      quantMin + (((Math.imul(i + 1 + 977 * k, 2654435761) >>> 9) + i) % (quantMax - quantMin + 1));
    const data =
      quantMin < 0 ? Int8Array.from({ length: size }, code) : Uint8Array.from({ length: size }, code);
    return new NDArray(data, [batch, ...shape.slice(1)]);
  });
}

/** The outputs of a graph for a batch. */
export function runSession(graph: Graph, inputs: readonly NDArray[], batch: number): NDArray[] {
  const session = new Session(graph, { batch });
  try {
    const results = session.runAll(new Map(graph.inputs.map((id, i) => [id, inputs[i]])));
    return graph.outputs.map((id) => results.get(id)!);
  } finally {
    session.dispose();
  }
}
