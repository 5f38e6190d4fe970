// x86 before VNNI multiplies uint8 by int8 and adds the products in pairs in 16 bits, saturating: 255 * 127 * 2 is 64770.
// npm run build && node examples/failures/04-saturating-products.js
import assert from 'node:assert/strict';
import { Random } from 'octograd';
import { roundHalfEven, run, wasm } from 'octograd/kernels';

const random = new Random(1);
const [m, n, k] = [64, 64, 256];
const w = Int8Array.from({ length: n * k }, () =>
  Math.max(-127, Math.min(127, roundHalfEven(50 * random.normal()))),
);
const codes = (max) => Uint8Array.from({ length: m * k }, () => Math.floor(random.uniform(0, max + 1)));

const sum = (x, i, j, add) => {
  let acc = 0;
  for (let p = 0; p < k; p += 2)
    acc += add(x[i * k + p] * w[j * k + p] + x[i * k + p + 1] * w[j * k + p + 1]);
  return acc;
};
const saturated = (pair) => Math.max(-32768, Math.min(32767, pair)); // pmaddubsw
const exact = (pair) => pair;

/** Accumulators that differ from the exact ones, and by how much at most. */
const wrong = (x, acc) => {
  let [count, most] = [0, 0];
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      const error = Math.abs(acc(i, j) - sum(x, i, j, exact));
      if (error > 0) count++;
      most = Math.max(most, error);
    }
  return { count, most };
};

const x = codes(255);
const pairs = wrong(x, (i, j) => sum(x, i, j, saturated));
const sevenBits = codes(127); // 127 * 127 * 2 = 32258 fits: target 'w8a7'
const fits = wrong(sevenBits, (i, j) => sum(sevenBits, i, j, saturated));

// The kernels here widen to 16 bits before they multiply, and add in 32.
const y = new Int32Array(m * n);
run(wasm, 'qgemm', { m, n, k, x, xZeroPoint: 0, w, wZeroPoint: 0, bias: null, requant: null, y });
const here = wrong(x, (i, j) => y[i * n + j]);

console.log(`before: ${pairs.count} of ${m * n} sums are wrong, by up to ${pairs.most}`);
console.log(`after: ${here.count} with these kernels, ${fits.count} with 7-bit activations`);
assert.ok(pairs.count > 1000);
assert.equal(here.count, 0);
assert.equal(fits.count, 0);
