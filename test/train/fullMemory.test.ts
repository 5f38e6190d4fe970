/** Where the linear memory is too small, arrays live on the heap and kernels that find no room step aside. */
import t from 'tap';
import { js, setWasmOptions, wasm, wasmMemory, wasmReport } from '../../kernels/index.js';
import type { WasmMemory } from '../../kernels/wasm/memory.js';
import { tensor } from '../../src/autograd/index.js';
import { NDArray } from '../../src/core/index.js';
import { createModel } from '../../src/models/index.js';
import { crossEntropy, setBackend, tidy } from '../../src/ops/index.js';
import { SGD } from '../../src/optim/index.js';
import { calibrate, compareCodes, convert, prepare, qatConfig } from '../../src/quant/index.js';
import { Session } from '../../src/runtime/index.js';
import { trace } from '../../src/trace/index.js';
import { normal } from '../support/models.js';

// before anything asks for the memory
setWasmOptions({ maximumBytes: 3 * 2 ** 20 });

const x = normal([32, 28, 28, 1]);
const targets = tensor(Int32Array.from({ length: 32 }, (_, i) => i % 10));

/** Losses of a few steps. */
function losses(): number[] {
  const model = createModel('plain', { seed: 1 });
  const optimizer = new SGD(model.parameters(), { lr: 0.01 });
  return Array.from({ length: 4 }, () =>
    tidy(() => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(x), targets);
      loss.backward();
      optimizer.step();
      return loss.item();
    }),
  );
}

t.test('a training step that does not fit gives what it gives on the heap', (t) => {
  const memory = wasmMemory() as WasmMemory;
  const got = losses();
  t.equal(memory.usage.reserved, 3 * 2 ** 20);
  t.ok(
    tidy(() => {
      const large = NDArray.zeros([2 ** 20], 'float32');
      return !memory.owns(large.data) && large.data.every((v) => v === 0);
    }),
    'it did not fit',
  );
  const restore = setBackend(js);
  const want = losses();
  restore();
  got.forEach((loss, i) => t.ok(Math.abs(loss - want[i]) < 1e-4 * want[i], `${loss} is about ${want[i]}`));
  t.end();
});

t.test('integers are the same codes: in training, and in sessions whose arena or weights do not fit', (t) => {
  const module = calibrate(prepare(trace(createModel('plain', { seed: 1 }), x), qatConfig()), [x]).eval();
  const graph = convert(module);
  t.equal(compareCodes(module, graph, [x], { backend: wasm }).codesDifferent, 0);
  const small = new Session(graph);
  const want = new Session(graph, { backend: js, batch: 32 }).run(x.value).data;
  const memory = wasmMemory() as WasmMemory;
  for (let i = 0; i < 12; i++)
    t.same(new Session(graph, { batch: 32 }).run(x.value).data, want, `${memory.usage.used} bytes in use`);
  t.same(small.run(x.value).data, want);
  t.ok(memory.usage.used > 2 ** 21, 'none of them was collected meanwhile');
  t.end();
});

t.test('a kernel that found no room was not judged by that', (t) => {
  t.same(
    wasmReport().filter(({ passed }) => !passed),
    [],
  );
  t.end();
});
