// A convolutional network on real pictures: layers, data loader, optimizer, schedule, loop. A few seconds.
// npm run build && node examples/02-training.js
import { fileURLToPath } from 'node:url';
import { DataLoader, evaluate, fit, nn, optim, Random } from 'octograd';
import { createProgress, loadIdxFolder } from 'octograd/node';

const folder = loadIdxFolder(fileURLToPath(new URL('../data/fashion-mnist', import.meta.url)));
const normalize = { mean: 0.286, std: 0.353 };
const train = new DataLoader(folder.train.slice(0, 1500), { ...normalize, shuffle: true, seed: 1 });
const test = new DataLoader(folder.test.slice(0, 1000), { ...normalize, batchSize: 100 });

const random = new Random(1); // the same seed gives the same bits, run after run
const model = new nn.Sequential(
  new nn.Conv2d(1, 8, 3, { stride: 2, padding: 1, bias: false, random }),
  new nn.BatchNorm(8),
  new nn.ReLU(),
  new nn.Conv2d(8, 16, 3, { stride: 2, padding: 1, bias: false, random }),
  new nn.BatchNorm(16),
  new nn.ReLU(),
  new nn.Flatten(),
  new nn.Linear(7 * 7 * 16, 10, { random }),
);
console.log(`${model.parameterCount()} parameters`);

const epochs = 3;
const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true });
const schedule = new optim.Schedule(
  optimizer,
  optim.oneCycle({ maxLr: 0.1, totalSteps: epochs * train.length }),
);
const progress = createProgress({ onLine: console.log });
const outcome = await fit({
  model,
  optimizer,
  schedule,
  loader: train,
  validation: test,
  epochs,
  ...progress,
});
progress.stop();

const { accuracy } = await evaluate({ model, loader: test });
console.log(`${outcome.stopped}: ${(100 * accuracy).toFixed(1)} % of the test images`);
