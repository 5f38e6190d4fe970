// Boxes in pixels and scores from 0 to 1 in one output tensor: one scale serves both, and no score survives.
// npm run build && node examples/failures/02-boxes-and-scores.js
import assert from 'node:assert/strict';
import {
  calibrate,
  cat,
  convert,
  nn,
  prepare,
  ptqConfig,
  Random,
  relu,
  Session,
  sigmoid,
  tensor,
  trace,
} from 'octograd';

const random = new Random(2);

/** The end of a detector: 32 features of each anchor to 4 corners in pixels and 8 class scores in [0, 1]. */
class Head extends nn.Module {
  constructor(together) {
    super();
    this.together = together;
    this.boxes = new nn.Linear(32, 4, { random: new Random(3) });
    this.scores = new nn.Linear(32, 8, { random: new Random(4) });
    for (let i = 0; i < 128; i++) this.boxes.weight.data[i] *= 150;
    this.boxes.bias.data.fill(320);
  }
  forward(x) {
    const boxes = relu(this.boxes.forward(x));
    const scores = sigmoid(this.scores.forward(x));
    return this.together ? cat([boxes, scores], { axis: -1 }) : [boxes, scores];
  }
}

const anchors = () =>
  tensor(Array.from({ length: 500 }, () => Array.from({ length: 32 }, () => random.normal())));
const calibration = [anchors(), anchors()];
const test = anchors();
const detections = (scores) => scores.filter((score) => score > 0.5).length;
const different = (scores) => new Set(scores).size;
const run = (together) => {
  const graph = trace(new Head(together), test);
  const integers = convert(calibrate(prepare(graph, ptqConfig()), calibration));
  return [...new Session(integers, { batch: 500 }).runAll(new Map([[graph.inputs[0], test.value]])).values()];
};

const float = [...new Head(false).forward(test)[1].data];
const joined = [...run(true)[0].data].filter((_, i) => i % 12 >= 4);
const apart = [...run(false)[1].data];

const summary = (scores) =>
  `${detections(scores)} of ${detections(float)} scores above 0.5, different values: ${different(scores)}`;
console.log(`before: ${summary(joined)}`);
console.log(`after: ${summary(apart)}`);
assert.equal(detections(joined), 0);
assert.ok(Math.abs(detections(apart) / detections(float) - 1) < 0.02);
