/** Any values of a model for an input, and names of files for them. */
import { noGrad, Tensor } from '../autograd/index.js';
import { ArgumentError, NDArray } from '../core/index.js';
import { isInteger, type Graph, type ValueId } from '../graph/index.js';
import { dequantizeArray } from '../ops/index.js';
import { Session } from '../runtime/index.js';
import { GraphModule } from '../trace/index.js';

export interface RunValuesOptions {
  /** Codes as they are; otherwise the real numbers that they stand for. */
  readonly codes: boolean;
  /** Rows per pass. */
  readonly batch: number;
  readonly signal: AbortSignal;
}

/** The values `ids` of a graph of one input, for x [n, ...]; each of n rows. */
export function runValues(
  graph: Graph,
  x: NDArray,
  ids: readonly ValueId[],
  options: RunValuesOptions,
): Map<ValueId, NDArray> {
  const rows = x.shape[0];
  const { codes, signal } = options;
  if (codes && !isInteger(graph)) throw new ArgumentError('codes: this model is a float model, it has none');
  const batch = graph.batch === 'fixed' ? 1 : Math.min(options.batch, rows);
  const pass = passOf(graph, batch);
  const width = x.size / rows;
  const parts = new Map<ValueId, NDArray[]>(ids.map((id) => [id, []]));
  for (let start = 0; start < rows; start += batch) {
    signal.throwIfAborted();
    const n = Math.min(batch, rows - start);
    const value = pass(
      new NDArray(x.data.subarray(start * width, (start + n) * width), [n, ...x.shape.slice(1)]),
    );
    for (const [id, list] of parts) {
      const qparams = graph.values.get(id)!.qparams;
      const array = value(id);
      const chunk = firstRows(array, graph.batch === 'fixed' ? array.shape[0] : n);
      list.push(qparams === null || codes ? chunk : dequantizeArray(chunk, qparams));
    }
  }
  return new Map([...parts].map(([id, list]) => [id, concatRows(list)]));
}

/** Runs one pass and returns what reads its values; these may be overwritten by the next pass. */
function passOf(graph: Graph, batch: number): (x: NDArray) => (id: ValueId) => NDArray {
  if (isInteger(graph)) {
    const session = new Session(graph, { batch, keep: true });
    return (x) => {
      session.runAll(new Map([[graph.inputs[0], x]]));
      return (id) => session.tensor(id);
    };
  }
  const module = new GraphModule(graph).eval();
  return (x) => {
    const values = noGrad(() => module.runAll(new Map([[graph.inputs[0], new Tensor(x)]])));
    return (id) => values.get(id)!.value;
  };
}

/** A copy of the first n rows. */
function firstRows(array: NDArray, n: number): NDArray {
  const size = (array.size / array.shape[0]) * n;
  return new NDArray(array.data.slice(0, size), [n, ...array.shape.slice(1)]);
}

function concatRows(parts: readonly NDArray[]): NDArray {
  const rows = parts.reduce((sum, p) => sum + p.shape[0], 0);
  const out = NDArray.zeros([rows, ...parts[0].shape.slice(1)], parts[0].dtype);
  let at = 0;
  for (const { data } of parts) {
    out.data.set(data, at);
    at += data.length;
  }
  return out;
}

const MAX_NAME = 100;

/**
 * A .npy file name for each value: letters, digits, dot, dash and underscore, no dot at the start, all different also
 * where the file system ignores case.
 */
export function fileNames(ids: readonly ValueId[]): string[] {
  const taken = new Set<string>();
  return ids.map((id) => {
    const stem =
      id
        .replace(/[^\w.-]/g, '_')
        .replace(/^\.+/, '_')
        .slice(0, MAX_NAME) || '_';
    let name = `${stem}.npy`;
    for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${stem}-${i}.npy`;
    taken.add(name.toLowerCase());
    return name;
  });
}
