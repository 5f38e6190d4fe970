// A channel with tiny weights and an ordinary bias: with the scale sx * sw the bias leaves int32 and is cut off.
// npm run build && node examples/failures/03-bias-overflow.js
import assert from 'node:assert/strict';
import { calibrate, convert, nn, prepare, ptqConfig, Random, Session, tensor, trace } from 'octograd';
import { roundHalfEven } from 'octograd/kernels';

const random = new Random(1);
const layer = new nn.Linear(8, 3, { random });
layer.weight.data.fill(1e-9, 8, 16); // training, or a folded batch norm, has switched channel 1 off
layer.bias.data.set([0.5, 5, -0.5]);
const x = tensor(Array.from({ length: 32 }, () => Array.from({ length: 8 }, () => random.normal())));

// The scales of the textbook: input by its range, weights of each channel by their largest.
const inputScale = (Math.max(...x.data) - Math.min(...x.data)) / 255;
const weightScale = 1e-9 / 127;
const code = roundHalfEven(5 / (inputScale * weightScale));
const stored = Math.min(code, 2 ** 31 - 1);
const cut = stored * inputScale * weightScale;

// Here the scale of that channel is raised until bias and products fit; its weights round to 0, as they should.
const integers = convert(calibrate(prepare(trace(layer, x), ptqConfig()), [x]));
const outputs = new Session(integers, { batch: 32 }).run(x.value);
const kept = outputs.data[1];

console.log(`before: bias 5 has code ${code}, stored as ${stored}: ${cut.toPrecision(2)}`);
console.log(`after: the channel gives ${kept.toFixed(2)}`);
assert.ok(cut < 0.01);
assert.ok(Math.abs(kept - 5) < 0.05);
