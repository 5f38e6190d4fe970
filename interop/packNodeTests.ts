/**
 * Writes test/golden/onnx_node/tests.bin, the small ones of ONNX's node tests that pass: `node
 * --import=./scripts/typescript/register.mjs interop/packNodeTests.ts`.
 */
import { writeFileSync } from 'node:fs';
import { packTests } from '../test/formats/onnx/nodeTestPack.js';
import { readFiles, runOnnxNodeTests, TESTDATA } from './onnxNodeTests.js';

const MAX_BYTES = 1200;
const small = runOnnxNodeTests()
  .json.filter(({ verdict }) => verdict.kind === 'passed')
  .map(({ name }) => readFiles(TESTDATA, name))
  .filter(
    ({ model, inputs, outputs }) =>
      [model, ...inputs, ...outputs].reduce((n, bytes) => n + bytes.length, 0) <= MAX_BYTES,
  );
const bytes = packTests(small);
writeFileSync(new URL('../test/golden/onnx_node/tests.bin', import.meta.url), bytes);
console.log(`${small.length} tests, ${bytes.length} bytes`);
