// Gradients: a formula, a check of them, and a network that learns XOR.
// npm run build && node examples/01-autograd.js
import {
  add,
  bceWithLogits,
  gradcheck,
  matmul,
  mul,
  optim,
  Random,
  sigmoid,
  sum,
  tanh,
  tensor,
} from 'octograd';

// y = sum(tanh(a * b) + a); every op remembers what its gradient needs, backward() walks them in reverse.
const a = tensor([0.5, -1, 2], { requiresGrad: true });
const b = tensor([1, 2, -0.5], { requiresGrad: true });
const y = sum(add(tanh(mul(a, b)), a));
y.backward();
console.log('y =', y.item().toFixed(4));
console.log('dy/da =', a.grad.data, ' dy/db =', b.grad.data);

// The same function in float64 against central differences; throws, naming input and element, if a gradient is wrong.
gradcheck(
  (p, q) => sum(add(tanh(mul(p, q)), p)),
  [a, b].map((t) => tensor([...t.data], { dtype: 'float64', requiresGrad: true })),
);
console.log('gradients agree with finite differences');

// Two layers by hand.
const random = new Random(1);
const weights = (rows, columns) =>
  tensor(
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal())),
    { requiresGrad: true },
  );
const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]); // prettier-ignore
const target = tensor([[0], [1], [1], [0]]);
const [w1, b1, w2, b2] = [weights(2, 8), weights(1, 8), weights(8, 1), weights(1, 1)];
const network = (input) => add(matmul(tanh(add(matmul(input, w1), b1)), w2), b2);
const optimizer = new optim.Adam([w1, b1, w2, b2], { lr: 0.05 });
for (let step = 0; step < 300; step++) {
  const loss = bceWithLogits(network(x), target);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  if (step % 100 === 0) console.log(`step ${step}: loss ${loss.item().toFixed(4)}`);
}
console.log('XOR:', [...sigmoid(network(x)).data].map((p) => p.toFixed(2)).join(' '));
