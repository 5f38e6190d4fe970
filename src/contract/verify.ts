/** Self-tests: inputs and outputs that travel in a file, and the check that a reader of the file computes the same. */
import { ArgumentError, NDArray } from '../core/index.js';
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

/** Numbers of an image that travel in a file. */
const INPUT_NUMBERS = 4096;

/** A large image in blocks of one colour, so that it takes little room in a file; anything else as it is. */
function coarse(x: NDArray): NDArray {
  const [, height, width, channels] = x.shape;
  if (x.rank !== 4 || x.size <= INPUT_NUMBERS) return x;
  let step = 1;
  while (Math.ceil(height / step) * Math.ceil(width / step) * channels > INPUT_NUMBERS) step *= 2;
  const out = NDArray.emptyLike(x);
  const row = width * channels;
  for (let i = 0; i < x.size; i++) {
    const [y, at] = [Math.floor(i / row), i % row];
    const column = Math.floor(at / channels);
    const from = (y - ((y % height) % step)) * row + (column - (column % step)) * channels + (at % channels);
    out.data[i] = x.data[from];
  }
  return out;
}

/** The self-test of a graph for one set of inputs, of batch 1; of large images a coarse version. */
export function selfTestOf(graph: Graph, inputs: Arrays): SelfTest {
  const small = new Map(Array.from(inputs, ([id, x]) => [id, coarse(x)]));
  return { inputs: small, outputs: runnerOf(graph)(small) };
}

/** Of each output, the numbers that a self-test holds. */
function picked(outputs: Arrays, every: SelfTest['every']): Arrays {
  return new Map(
    Array.from(outputs, ([id, array]) => {
      const n = every?.get(id) ?? 1;
      if (n === 1) return [id, array];
      const data = array.data.filter((_: number, i: number) => i % n === 0);
      return [id, new NDArray(data, [data.length])];
    }),
  );
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
  const got = picked(runnerOf(graph, kind)(inputs), selfTest.every);
  const differences = compareOutputs(selfTest.outputs, got);
  const limit = kind === 'float' ? TOLERANCE.float : TOLERANCE.quantized;
  const passed = differences.every(
    ({ largest, unit }) => largest <= (unit === 'steps' ? TOLERANCE.steps : limit),
  );
  return { differences, passed };
}
