/** Ten thousand training steps take no more memory than a hundred. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { wasmMemory } from '../../kernels/index.js';
import type { WasmMemory } from '../../kernels/wasm/memory.js';
import { tensor } from '../../src/autograd/index.js';
import { BatchNorm, Conv2d, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.js';
import { crossEntropy, tidy } from '../../src/ops/index.js';
import { AdamW } from '../../src/optim/index.js';
import { normal } from '../support/models.js';

const STEPS = 10_000;

t.test(`${STEPS} steps`, (t) => {
  const memory = wasmMemory() as WasmMemory;
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const heap = (): number => {
    gc();
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  };
  const model = new Sequential(
    new Conv2d(1, 2, 3, { stride: 2 }),
    new BatchNorm(2),
    new ReLU(),
    new Flatten(),
    new Linear(8, 2),
  );
  const optimizer = new AdamW(model.parameters(), { lr: 1e-3 });
  const x = normal([2, 5, 5, 1]);
  const targets = tensor(Int32Array.of(0, 1));
  const step = (): number =>
    tidy(() => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(x), targets);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
  const first = step();
  for (let i = 0; i < 2000; i++) step(); // until nothing is compiled any more
  const linear = memory.usage;
  const before = heap();
  let last = first;
  for (let i = 0; i < STEPS; i++) last = step();
  t.ok(last < first / 2, `the loss falls, from ${first} to ${last}`);
  t.same(memory.usage, linear, 'not a byte of the linear memory');
  const grown = heap() - before;
  t.ok(grown < 1_000_000, `the heap: ${grown} bytes`);
  t.end();
});
