import t from 'tap';
import { tensor, zeros } from '../../src/autograd/index.js';
import { ArgumentError, NDArray, Random } from '../../src/core/index.js';
import { createModel, MODEL_NAMES, PlainCnn, RECIPES } from '../../src/models/index.js';
import { oneCycle, Schedule } from '../../src/optim/index.js';
import { crossEntropy, sum } from '../../src/ops/index.js';

const batch = (n: number) =>
  tensor(
    Float32Array.from({ length: n * 784 }, (_, i) => Math.sin(i)),
    { shape: [n, 28, 28, 1] },
  );

for (const name of MODEL_NAMES) {
  t.test(`${name}: from images to class scores, every parameter takes part`, (t) => {
    const model = createModel(name, { seed: 1 });
    const y = model.forward(batch(2));
    t.same(y.shape, [2, 10]);
    // Weighted: the plain sum of normalised values has no gradient.
    y.backward(
      tensor(
        [...Array(20).keys()].map((i) => (i * i) % 7),
        { shape: [2, 10] },
      ),
    );
    for (const [path, p] of model.namedParameters())
      t.ok(
        p.grad?.data.some((v) => v !== 0),
        `${path} has a gradient`,
      );
    t.end();
  });

  t.test(`${name}: the seed decides the weights, width and classes the sizes`, (t) => {
    // As one text each: comparing thousands of elements in the test framework takes minutes.
    const bits = (seed: number) =>
      Array.from(createModel(name, { seed }).stateDict().values(), (a) => a.data.join()).join();
    t.ok(bits(1) === bits(1));
    t.ok(bits(1) !== bits(2));
    const small = createModel(name, { width: 2, classes: 3 });
    t.same(small.eval().forward(zeros([1, 28, 28, 1])).shape, [1, 3]);
    t.ok(small.parameterCount() < createModel(name).parameterCount());
    t.end();
  });
}

t.test('the first steps of each recipe lower the loss of their batch', (t) => {
  const targets = tensor(
    new NDArray(
      Int32Array.from({ length: 8 }, (_, i) => i),
      [8],
    ),
  );
  for (const name of MODEL_NAMES) {
    const model = createModel(name, { seed: 3 });
    const { optimizer: make, maxLr } = RECIPES[name];
    const optimizer = make(model.parameters());
    const schedule = new Schedule(optimizer, oneCycle({ maxLr, totalSteps: 1000 }));
    const lossOf = () => crossEntropy(model.forward(batch(8)), targets);
    const before = lossOf().item();
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      lossOf().backward();
      optimizer.step();
      schedule.step();
    }
    t.ok(lossOf().item() < before, name);
  }
  t.end();
});

t.test('an unknown model is refused', (t) => {
  t.throws(() => createModel('resnet'), {
    name: 'ArgumentError',
    message: /'resnet' is unknown; use one of plain/,
  });
  t.throws(() => createModel('__proto__'), ArgumentError);
  t.end();
});

t.test('a model can be made without a seed', (t) => {
  const model = new PlainCnn({ random: new Random(0), width: 2 });
  sum(model.forward(batch(2))).backward();
  t.equal(
    model.parameters().every((p) => p.grad !== null),
    true,
  );
  t.end();
});
