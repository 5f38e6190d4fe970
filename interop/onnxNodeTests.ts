/**
 * ONNX's backend node tests (Debian package libonnx-testdata) of the operators that the importer claims, through importOnnx:
 * counts, and what was refused or failed and why. The variable
 * ONNX_TESTDATA says where they are, if not where the package puts them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeOnnx, decodeOnnxTensor, ONNX_OPERATORS } from '../src/formats/onnx/index.js';
import type { PartResult } from './parts/part.js';
import { OctogradError } from '../src/core/index.js';
import { runNodeTest, type Verdict } from '../test/formats/onnx/nodeTest.js';
import type { PackedTest } from '../test/formats/onnx/nodeTestPack.js';

export const TESTDATA = process.env['ONNX_TESTDATA'] ?? '/usr/share/libonnx-testdata/data/node';
const QUANTIZED =
  /^test_(basic_)?(quantizelinear|dequantizelinear|qlinear|convinteger|matmulinteger|dynamicquantize)/;
/** Tests whose files are at odds with ONNX, and why. */
const FAULTY: ReadonlyMap<string, string> = new Map([
  ...['cast_BFLOAT16_to_FLOAT', 'cast_FLOAT_to_BFLOAT16'].map(
    (name) => [`test_${name}`, 'bfloat16 stored as uint16'] as const,
  ),
  ...['BFLOAT16_to_FLOAT', 'FLOAT_to_BFLOAT16'].map(
    (name) => [`test_castlike_${name}_expanded`, 'bfloat16 stored as uint16'] as const,
  ),
  [
    'test_resize_downsample_scales_linear_align_corners',
    'takes a fraction of a pixel for the size of the result; ONNX Runtime differs in the same way',
  ],
]);
/** What has to pass. */
const REQUIRED = { quantized: 17, float: 250 };

interface Found {
  readonly name: string;
  readonly ops: readonly string[];
  readonly quantized: boolean;
  readonly verdict: Verdict;
}

function readParts(folder: string, prefix: string): Uint8Array[] {
  const data = join(folder, 'test_data_set_0');
  const count = readdirSync(data).filter((file) => file.startsWith(prefix)).length;
  return Array.from(
    { length: count },
    (_, i) => new Uint8Array(readFileSync(join(data, `${prefix}_${i}.pb`))),
  );
}

/** The files of a test. */
export function readFiles(root: string, name: string): PackedTest {
  const folder = join(root, name);
  const model = new Uint8Array(readFileSync(join(folder, 'model.onnx')));
  return { name, model, inputs: readParts(folder, 'input'), outputs: readParts(folder, 'output') };
}

/** Null for tests of operators that are not claimed, and of element types that are no tensors of numbers. */
function runTest(root: string, name: string): Found | null {
  const { model, inputs, outputs } = readFiles(root, name);
  let ops: string[];
  try {
    ops = [...new Set(decodeOnnx(model).graph.nodes.map(({ opType }) => opType))];
  } catch (error) {
    if (error instanceof OctogradError) return null;
    throw error;
  }
  if (!ops.every((op) => ONNX_OPERATORS.includes(op))) return null;
  const quantized = QUANTIZED.test(name);
  try {
    const test = { model, inputs: inputs.map(decodeOnnxTensor), outputs: outputs.map(decodeOnnxTensor) };
    return { name, ops, quantized, verdict: runNodeTest(test) };
  } catch (error) {
    if (!(error instanceof OctogradError)) throw error;
    return { name, ops, quantized, verdict: { kind: 'refused', why: error.message } };
  }
}

export interface NodeTestResult extends PartResult {
  readonly json: readonly Found[];
}

export function runOnnxNodeTests(root = TESTDATA): NodeTestResult {
  if (!existsSync(root))
    return {
      failures: [`${root}: not found; apt-get install libonnx-testdata, or set ONNX_TESTDATA to the folder`],
      text: '',
      json: [],
    };
  const found = readdirSync(root)
    .sort()
    .map((name) => runTest(root, name))
    .filter((test) => test !== null);
  const passed = found.filter(({ verdict }) => verdict.kind === 'passed');
  const of = (kind: Verdict['kind']): Found[] => found.filter(({ verdict }) => verdict.kind === kind);
  const faulty = of('failed').filter(({ name }) => FAULTY.has(name));
  const quantized = passed.filter((test) => test.quantized);
  const floats = passed.filter(
    (test) => !test.quantized && 'road' in test.verdict && test.verdict.road !== 'constants',
  );
  const why = ({ name, verdict }: Found): string => `${name}: ${'why' in verdict ? verdict.why : ''}`;
  const failures = of('failed')
    .filter(({ name }) => !FAULTY.has(name))
    .map(why);
  const failed = failures.length;
  if (quantized.length < REQUIRED.quantized)
    failures.push(`${quantized.length} quantization tests passed, not ${REQUIRED.quantized}`);
  if (floats.length < REQUIRED.float)
    failures.push(`${floats.length} float tests passed, not ${REQUIRED.float}`);
  const text = [
    `${found.length} tests of ${ONNX_OPERATORS.length} operators: ${passed.length} passed (${floats.length} as float networks, ` +
      `${quantized.length} of quantized operators, ${passed.length - floats.length - quantized.length} on constants), ` +
      `${failed} failed, ${faulty.length} differ because of their files, ${of('refused').length} refused`,
    ...faulty.map((test) => `  differs ${why(test)} (${FAULTY.get(test.name)})`),
    ...of('refused').map((test) => `  refused ${why(test)}`),
  ].join('\n');
  return { failures, text, json: found };
}
