/** Self-tests: inputs and outputs that travel in a file, and the check that a reader of the file computes the same. */
import { ArgumentError, type NDArray } from '../core/index.js';
import type { SelfTest } from '../formats/onnx/index.js';
import { storageOf, type Graph, type ValueId } from '../graph/index.js';
import type { OpenedModel } from './open.js';
import { runnerOf, type Arrays } from './run.js';

/** How one output differs from what is expected. */
export interface Difference {
  readonly id: ValueId;
  readonly elements: number;
  /** Elements that are not the same number. */
  readonly different: number;
  /** As a share of the largest expected magnitude; of codes, in steps. */
  readonly largest: number;
  readonly unit: 'of the largest' | 'steps';
}

/** Compares what came out with what was expected, output by output. Throws ArgumentError where one is missing. */
export function compareOutputs(expected: Arrays, got: Arrays): Difference[] {
  return Array.from(expected, ([id, want]) => {
    const have = got.get(id);
    if (have?.size !== want.size)
      throw new ArgumentError(`outputs: ${id} has ${have?.size ?? 0} elements, ${want.size} are expected`);
    const codes = want.dtype !== 'float32';
    let [different, largest, magnitude] = [0, 0, 0];
    for (let i = 0; i < want.size; i++) {
      const apart = Math.abs(want.data[i] - have.data[i]);
      if (apart !== 0) different++;
      // NaN counts
      if (!(apart <= largest)) largest = apart;
      magnitude = Math.max(magnitude, Math.abs(want.data[i]));
    }
    const unit = codes ? 'steps' : 'of the largest';
    return {
      id,
      elements: want.size,
      different,
      largest: codes ? largest : largest / (magnitude || 1),
      unit,
    };
  });
}

/** The self-test of a graph for one set of inputs, of batch 1. */
export function selfTestOf(graph: Graph, inputs: Arrays): SelfTest {
  return { inputs: new Map(inputs), outputs: runnerOf(graph)(inputs) };
}

export interface Verdict {
  readonly differences: readonly Difference[];
  readonly passed: boolean;
}

/**
 * Float results may differ by the order of their sums, quantized ones, in an arithmetic that rounds otherwise than the one of
 * the export (TFLite's, for a model with float numerics), by a few steps.
 */
export const TOLERANCE = { float: 1e-4, quantized: 0.05, steps: 4 } as const;

/**
 * Runs the self-test of a file in the runtime here.
 * @returns null where the file has none
 */
export function verifyModel({ graph, kind, selfTest }: OpenedModel): Verdict | null {
  if (selfTest === null) return null;
  const inputs = new Map(
    Array.from(selfTest.inputs, ([id, array]): [ValueId, NDArray] => {
      const value = graph.values.get(id);
      const dtype = value === undefined || kind === 'fake-quantized' ? array.dtype : storageOf(value);
      return [id, array.astype(dtype)];
    }),
  );
  const differences = compareOutputs(selfTest.outputs, runnerOf(graph, kind)(inputs));
  const limit = kind === 'float' ? TOLERANCE.float : TOLERANCE.quantized;
  const passed = differences.every(
    ({ largest, unit }) => largest <= (unit === 'steps' ? TOLERANCE.steps : limit),
  );
  return { differences, passed };
}
