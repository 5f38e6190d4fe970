/** Runs one of ONNX's backend node tests: a model of one operator, its inputs, and what has to come out. */
import { noGrad, Tensor } from '../../../src/autograd/index.js';
import { NDArray, OctogradError, UnsupportedError, type ArrayOf } from '../../../src/core/index.js';
import {
  decodeOnnx,
  encodeOnnx,
  evaluateOnnx,
  importOnnx,
  ONNX_OPSETS,
  tensorNumbers,
  type OnnxImport,
  type OnnxTensor,
} from '../../../src/formats/onnx/index.js';
import { Session } from '../../../src/runtime/index.js';
import { GraphModule } from '../../../src/trace/index.js';

export interface NodeTest {
  readonly model: Uint8Array;
  readonly inputs: readonly OnnxTensor[];
  readonly outputs: readonly OnnxTensor[];
}

/** How a test ran: as a float graph, an integer graph, or on constants. */
export type Road = 'float' | 'integer' | 'fake-quantized' | 'constants';
export type Verdict =
  | { readonly kind: 'passed'; readonly road: Road }
  | { readonly kind: 'failed' | 'refused'; readonly why: string };

const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

const isReal = ({ dtype }: OnnxTensor): boolean => dtype.startsWith('float') || dtype === 'bfloat16';
const isValue = (tensor: OnnxTensor): boolean =>
  isReal(tensor) || tensor.dtype === 'int8' || tensor.dtype === 'uint8';

/**
 * Inputs of a network are values; weights, shapes and axes are constants, which these tests give as inputs too. Tried are all
 * floats as values, then the first alone, then no value at all.
 */
export function runNodeTest(test: NodeTest): Verdict {
  const model = atLeastOldest(test.model);
  const names = decodeOnnx(model).graph.inputs.map(({ name }) => name);
  const given = new Map(test.inputs.map((tensor, i) => [names[i], tensor]));
  const choices = [
    names.filter((name) => given.has(name) && isValue(given.get(name)!)),
    names.slice(0, 1).filter((name) => given.has(name) && isValue(given.get(name)!)),
  ];
  let why: string | null = null;
  for (const values of choices) {
    if (values.length === 0) continue;
    try {
      return runGraph(model, values, given, test.outputs);
    } catch (error) {
      if (!(error instanceof OctogradError)) throw error;
      if (why === null || values.length === 1) why = error.message;
    }
  }
  try {
    const results = evaluateOnnx(model, given);
    const [got] = [[...results.values()]];
    const difference = firstDifference(
      test.outputs,
      got.map(tensorNumbers),
      got.map(({ dims }) => dims),
    );
    return difference === null ? { kind: 'passed', road: 'constants' } : { kind: 'failed', why: difference };
  } catch (error) {
    if (!(error instanceof OctogradError)) throw error;
    return { kind: 'refused', why: why ?? error.message };
  }
}

/**
 * These files name the operator set in which their operator last changed. It means the same in every later one up to that of
 * the tests, so that tests older than the oldest set supported can say that.
 */
function atLeastOldest(bytes: Uint8Array): Uint8Array {
  const model = decodeOnnx(bytes);
  const version = model.opsets.get('');
  if (version === undefined || version >= ONNX_OPSETS.oldest) return bytes;
  return encodeOnnx({ ...model, opsets: new Map(model.opsets).set('', ONNX_OPSETS.oldest) });
}

function runGraph(
  model: Uint8Array,
  values: readonly string[],
  given: ReadonlyMap<string, OnnxTensor>,
  outputs: readonly OnnxTensor[],
): Verdict {
  const constants = new Map([...given].filter(([name]) => !values.includes(name)));
  const inputShapes = Object.fromEntries(values.map((name) => [name, given.get(name)!.dims]));
  const network = importOnnx(model, { constants, inputShapes });
  const results = runImport(network, new Map(values.map((name) => [name, given.get(name)!])));
  const difference = firstDifference(
    outputs,
    results.map(({ data }) => data),
    results.map(({ shape }) => shape),
  );
  return difference === null
    ? { kind: 'passed', road: network.kind }
    : { kind: 'failed', why: `${network.kind}: ${difference}` };
}

/** The outputs of an imported network for inputs by their names in the file. */
export function runImport(network: OnnxImport, inputs: ReadonlyMap<string, OnnxTensor>): NDArray[] {
  const arrays = new Map(
    network.inputs.map(({ name, id }) => {
      const { dtype, data, dims } = inputs.get(name)!;
      if (!isValue({ dtype, data, dims, name })) throw new UnsupportedError(`${name} is ${dtype}`);
      const elements = data instanceof Float64Array ? Float32Array.from(data) : data;
      return [id, new NDArray(elements as ArrayOf[keyof ArrayOf], dims)];
    }),
  );
  if (network.kind === 'integer') {
    const session = new Session(network.graph);
    const results = session.runAll(arrays);
    session.dispose();
    return network.outputs.map(({ id }) => results.get(id)!);
  }
  const module = new GraphModule(network.graph).eval();
  const results = noGrad(() => module.runAll(new Map(Array.from(arrays, ([id, a]) => [id, new Tensor(a)]))));
  return network.outputs.map(({ id }) => results.get(id)!.value);
}

function firstDifference(
  wanted: readonly OnnxTensor[],
  got: readonly ArrayLike<number>[],
  shapes: readonly (readonly number[])[],
): string | null {
  for (const [i, tensor] of wanted.entries()) {
    const want = tensorNumbers(tensor);
    if (shapes[i].join() !== tensor.dims.join())
      return `output ${i} has shape [${shapes[i].join(', ')}], not [${tensor.dims.join(', ')}]`;
    for (let j = 0; j < want.length; j++) {
      const [a, b] = [got[i][j], want[j]];
      const bound = isReal(tensor) ? ABSOLUTE + RELATIVE * Math.abs(b) : 0;
      if (!(Math.abs(a - b) <= bound) && a !== b && !(a !== a && b !== b))
        return `output ${i}, element ${j} is ${a}, not ${b}`;
    }
  }
  return null;
}
