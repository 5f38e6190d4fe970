/** A float network from a file trains on with fake quantization, and its integers are what was trained. */
import t from 'tap';
import { tensor } from '../../src/autograd/index.js';
import { openModel } from '../../src/contract/index.js';
import { exportOnnx } from '../../src/formats/onnx/index.js';
import { exportTflite } from '../../src/formats/tflite/index.js';
import { crossEntropy } from '../../src/ops/index.js';
import { Adam } from '../../src/optim/index.js';
import { calibrate, compareCodes, convert, prepare, qatConfig, qatSchedule } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [8, 8, 8, 2];
const STEPS = 12;

for (const format of ['onnx', 'tflite'] as const)
  t.test(`QAT after import from ${format}`, (t) => {
    const model = new TinyCnn();
    roughen(model);
    const graph = trace(model, normal(SHAPE));
    const { bytes } = format === 'onnx' ? exportOnnx(graph) : exportTflite(graph);
    const module = prepare(openModel(bytes).graph, qatConfig({ weightBits: 4 }));
    calibrate(module, batches(1, SHAPE)).train();
    const schedule = qatSchedule(module, { totalSteps: STEPS });
    const optimizer = new Adam(module.parameters(), { lr: 0.01 });
    const x = normal(SHAPE, 5);
    const target = tensor([0, 1, 2, 0, 1, 2, 0, 1], { dtype: 'int32' });
    const losses = Array.from({ length: STEPS }, (_, step) => {
      schedule(step);
      optimizer.zeroGrad();
      const loss = crossEntropy(module.forward(x), target);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
    t.ok(losses[STEPS - 1] < 0.8 * losses[0], `${losses[0]} -> ${losses[STEPS - 1]}`);
    module.eval();
    t.equal(compareCodes(module, convert(module), batches(2, SHAPE, 60)).codesDifferent, 0);
    t.end();
  });
