/** Runs a graph here and in another runtime and counts what differs; tables of the counts. */
import { roundHalfEven } from '../kernels/index.js';
import { NDArray } from '../src/core/index.js';
import type { Graph, ValueId } from '../src/graph/index.js';
import { Session } from '../src/runtime/index.js';
import type { Elements, LoadedModel } from './runtimes/types.js';

export interface Counts {
  readonly compared: number;
  readonly differing: number;
  /** Of codes, the largest difference in steps. */
  readonly largest: number;
}

export const NOTHING: Counts = { compared: 0, differing: 0, largest: 0 };

export function sum(a: Counts, b: Counts): Counts {
  return {
    compared: a.compared + b.compared,
    differing: a.differing + b.differing,
    largest: Math.max(a.largest, b.largest),
  };
}

/** @param step what the elements are multiples of: 1 for codes, their scale for what codes stand for */
export function compareElements(want: ArrayLike<number>, got: ArrayLike<number | bigint>, step = 1): Counts {
  if (got.length !== want.length) throw new Error(`${got.length} elements, not ${want.length}`);
  let [differing, largest] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    const steps = roundHalfEven(Math.abs(Number(got[i]) - want[i]) / step);
    // NaN too
    if (!(steps === 0)) differing++;
    largest = Math.max(largest, steps);
  }
  return { compared: want.length, differing, largest };
}

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
export function runHere(graph: Graph, inputs: readonly NDArray[], batch: number): NDArray[] {
  const session = new Session(graph, { batch });
  try {
    const results = session.runAll(new Map(graph.inputs.map((id, i) => [id, inputs[i]])));
    return graph.outputs.map((id) => results.get(id)!);
  } finally {
    session.dispose();
  }
}

export async function runThere(model: LoadedModel, inputs: readonly NDArray[]): Promise<Elements[]> {
  return model.run(inputs.map(({ data }) => data as Elements));
}

/** A table for documents. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}
