/** State dicts of PyTorch: names, layouts, and the same outputs. The fixture was written by PyTorch 1.13. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { NDArray, permuteArray } from '../../src/core/index.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  fromTorchState,
  toTorchState,
} from '../../src/formats/index.js';
import * as nn from '../../src/nn/index.js';
import { trace } from '../../src/trace/index.js';
import { normal } from '../support/models.js';

const path = fileURLToPath(new URL('../golden/torch/sequential.safetensors', import.meta.url));
const { tensors } = decodeSafetensors(readFileSync(path));
const [input, output] = ['input', 'output'].map((name) => tensors.get(name)!);
tensors.delete('input');
tensors.delete('output');

const build = (): nn.Module =>
  new nn.Sequential(
    new nn.Conv2d(2, 4, 3, { padding: 1, bias: false }),
    new nn.BatchNorm(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.DepthwiseConv2d(4, 3, { padding: 1 }),
    new nn.BatchNorm(4),
    new nn.ReLU6(),
    new nn.Flatten(),
    new nn.Linear(48, 5),
  );
const graphOf = (model: nn.Module) => trace(model, normal([1, 6, 8, 2]));

t.test('a state dict of PyTorch loads, and the network computes what PyTorch computes', (t) => {
  const model = build();
  model.loadStateDict(fromTorchState(graphOf(model), tensors));
  model.eval();
  const x = new Tensor(permuteArray(input, [0, 2, 3, 1]));
  const got = noGrad(() => model.forward(x)).data;
  t.ok(got.length > 0 && got.every((v, i) => Math.abs(v - output.data[i]) < 1e-5), `${[...got]}`);
  t.end();
});

t.test('what goes out is what came in, bit for bit', (t) => {
  const model = build();
  const graph = graphOf(model);
  const back = toTorchState(graph, fromTorchState(graph, tensors));
  const counted = new Map([...tensors].filter(([name]) => !name.endsWith('num_batches_tracked')));
  t.same(encodeSafetensors(back), encodeSafetensors(counted));
  t.end();
});

t.test('weights of another shape are refused by name', (t) => {
  const graph = graphOf(build());
  const wrong = new Map(tensors).set('8.weight', NDArray.zeros([5, 47], 'float32'));
  t.throws(() => fromTorchState(graph, wrong), {
    code: 'format',
    message: /8\.weight.*\[5, 47\].*takes \[5, 48\]/,
  });
  const turned = new Map(tensors).set('0.weight', NDArray.zeros([4, 3, 3, 2], 'float32'));
  t.throws(() => fromTorchState(graph, turned), { message: /0\.weight.*takes \[4, 2, 3, 3\]/ });
  t.end();
});
