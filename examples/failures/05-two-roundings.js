// Fixed-point requantization rounds once or twice, by the build of the runtime: trained for one, run on the other.
// npm run build && node examples/failures/05-two-roundings.js
import assert from 'node:assert/strict';
import {
  calibrate,
  compareCodes,
  convert,
  models,
  prepare,
  ptqConfig,
  Random,
  tensor,
  trace,
} from 'octograd';

const random = new Random(1);
const image = () =>
  tensor(
    Float32Array.from({ length: 8 * 28 * 28 }, () => random.normal()),
    { shape: [8, 28, 28, 1] },
  );
const calibration = [image(), image()];
const test = [image(), image()];
const graph = trace(new models.PlainCnn({ random }), calibration[0]);
const quantized = (rounding) =>
  calibrate(prepare(graph, ptqConfig({ numerics: { numerics: 'fixed', rounding } })), calibration);

// Same weights, same scales, same inputs; the simulation rounds once, the runtime twice.
const simulated = quantized('single');
const mixed = compareCodes(simulated, convert(quantized('double')), test);
const same = compareCodes(simulated, convert(simulated), test);

console.log(`before: ${mixed.codesDifferent} of ${mixed.codesCompared} codes differ`);
console.log(`after: ${same.codesDifferent} differ`);
assert.ok(mixed.codesDifferent > 100);
assert.equal(same.codesDifferent, 0);
