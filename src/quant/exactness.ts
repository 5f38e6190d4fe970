/** Counts the codes in which a fake-quantized network and the integer runtime differ. The claim is: none. */
import { noGrad } from '../autograd/index.js';
import { QuantizationError, type NDArray } from '../core/index.js';
import type { Graph, ValueId } from '../graph/index.js';
import { quantizeArray, tidy } from '../ops/index.js';
import { Session, type SessionOptions } from '../runtime/index.js';
import { inputCodes } from './convert.js';
import { localInputs, namedInputs, type GraphInputs } from './inputs.js';
import type { QuantizedModule } from './quantizedModule.js';

export interface CodeComparison {
  images: number;
  /** Values (tensors of the graph) compared. */
  tensors: number;
  codesCompared: number;
  codesDifferent: number;
  /** Where they differ: value -> number of codes. */
  byValue: Map<ValueId, number>;
}

export interface CompareOptions extends Pick<SessionOptions, 'backend'> {
  /** Gets what the session returns for each batch, the first output and all, so that one pass also gives the accuracy. */
  onOutput?: (output: NDArray, batch: number, outputs: ReadonlyMap<ValueId, NDArray>) => void;
}

/**
 * Runs `batches` through `module` (in eval mode, phase 'train' or 'frozen') and through a session of its converted
 * graph, and compares every code of every value.
 */
export function compareCodes(
  module: QuantizedModule,
  graph: Graph,
  batches: Iterable<GraphInputs>,
  options: CompareOptions = {},
): CodeComparison {
  if (module.training || (module.phase !== 'train' && module.phase !== 'frozen'))
    throw new QuantizationError(
      "module: compare in eval mode with phase 'frozen'; call eval(), and calibrate or train",
    );
  const { onOutput, ...sessionOptions } = options;
  const ids = [...module.graph.values.keys()].filter((id) => module.valueQParams(id) !== null);
  const result: CodeComparison = {
    images: 0,
    tensors: ids.length,
    codesCompared: 0,
    codesDifferent: 0,
    byValue: new Map(),
  };
  let session: Session | null = null;
  let batch = 0;
  for (const x of batches) {
    const inputs = new Map(Array.from(namedInputs(module.graph, x), ([id, { value }]) => [id, value]));
    const n = graph.batch === 'fixed' ? 1 : ([...inputs.values()][0]?.shape[0] ?? 1);
    if (session === null || session.batch !== n) {
      session?.dispose();
      session = new Session(graph, { ...sessionOptions, batch: n, keep: true });
    }
    const outputs = session.runAll(inputs);
    onOutput?.(outputs.get(graph.outputs[0])!, batch++, outputs);
    result.images += n;
    tidy(() => {
      compareValues(module, session!, x, ids, result);
    });
  }
  session?.dispose();
  return result;
}

function compareValues(
  module: QuantizedModule,
  session: Session,
  x: GraphInputs,
  ids: readonly ValueId[],
  result: CodeComparison,
): void {
  const values = noGrad(() => module.runAll(localInputs(module.graph, x)));
  for (const id of ids) {
    const isInput = module.graph.inputs.includes(id);
    // The input is shown to both as floats; quantizing it is the first thing that could differ.
    const trained = quantizeArray(values.get(id)!.value, module.valueQParams(id)!).data;
    const ran = session.tensor(isInput ? inputCodes(id) : id).data;
    let different = 0;
    for (let i = 0; i < trained.length; i++) if (trained[i] !== ran[i]) different++;
    result.codesCompared += trained.length;
    result.codesDifferent += different;
    if (different > 0) result.byValue.set(id, (result.byValue.get(id) ?? 0) + different);
  }
}
