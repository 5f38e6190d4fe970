/** What a quantized file really holds: how much of it computes on codes, and where floats are left. */
import type { Graph, ValueId } from '../graph/index.js';
import type { OpenedModel } from './open.js';

export interface Island {
  readonly id: ValueId;
  readonly op: string;
}

export interface Audit {
  /** Nodes that make codes. */
  readonly integer: number;
  /** Nodes that make floats. */
  readonly float: number;
  /** Nodes in between that compute on floats; conversions at inputs and outputs are none. */
  readonly islands: readonly Island[];
  /** Why, where the reader of the file knows. */
  readonly why: string | null;
}

const isConversion = (op: string): boolean => op === 'quantize' || op === 'dequantize';

/** Of a quantized model; in a float one every node is an island. */
export function audit({ graph, kind, why }: Pick<OpenedModel, 'graph' | 'kind' | 'why'>): Audit {
  const coded = (id: ValueId): boolean => graph.values.get(id)!.qparams !== null;
  const nodes = graph.nodes.filter(({ op }) => op !== 'constant');
  const codes = kind === 'fake-quantized' ? [] : nodes.filter(({ id }) => coded(id));
  const islands = nodes.filter(
    (node) => !isConversion(node.op) && (kind === 'fake-quantized' || !coded(node.id)),
  );
  return {
    integer: codes.length,
    float: nodes.length - codes.length,
    islands: islands.map(({ id, op }) => ({ id, op })),
    why,
  };
}

/** Bits of weights and of activations of a graph's codes; null where it has none. */
export function bitsIn(graph: Graph): { weights: number | null; activations: number | null } {
  const bits = (ranges: readonly { quantMin: number; quantMax: number }[]): number | null =>
    ranges.length === 0
      ? null
      : Math.max(...ranges.map(({ quantMin, quantMax }) => Math.ceil(Math.log2(quantMax - quantMin + 1))));
  const weights = [...graph.params.values()].flatMap(({ qparams }) =>
    qparams === null || qparams.dtype === 'int32' ? [] : [qparams],
  );
  const values = [...graph.values.values()].flatMap(({ qparams }) => (qparams === null ? [] : [qparams]));
  return { weights: bits(weights), activations: bits(values) };
}
