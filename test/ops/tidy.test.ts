/** What lives how long: tidy(), persistent state, errors after the end, and memory that is full. */
import t from 'tap';
import { js, wasm, wasmMemory } from '../../kernels/index.js';
import type { WasmMemory } from '../../kernels/wasm/memory.js';
import { full, Tensor, tensor } from '../../src/autograd/index.js';
import { DTypeError, NDArray } from '../../src/core/index.js';
import { Buffer, Linear, Parameter } from '../../src/nn/index.js';
import { add, backend, mul, persistent, relu, reshape, setBackend, sum, tidy } from '../../src/ops/index.js';
import { SGD } from '../../src/optim/index.js';
import { samples } from './samples.js';

const memory = wasmMemory() as WasmMemory;
const lives = (a: { readonly data: ArrayBufferView }): string => (memory.owns(a.data) ? 'linear' : 'heap');
const FREED = { code: 'disposed', message: /tidy\(\).*clone\(\)/ };

t.test('WebAssembly is the default', (t) => {
  t.equal(backend(), wasm);
  t.end();
});

for (const [name, kernels] of Object.entries({ wasm, js }))
  t.test(`${name}: all but the result is freed, and says so when it is used`, (t) => {
    const restore = setBackend(kernels);
    const before = memory.usage.used;
    let a: Tensor | null = null;
    let b: Tensor | null = null;
    const y = tidy(() => {
      a = tensor([1, 2, 3, 4]);
      b = reshape(a, [2, 2]);
      t.equal(lives(a), name === 'wasm' ? 'linear' : 'heap');
      return mul(b, 2);
    });
    t.same(y.toArray(), [[2, 4], [6, 8]]); // prettier-ignore
    t.equal(lives(y), 'heap', 'out of reach of the next one');
    t.throws(() => a!.data, FREED);
    t.throws(() => b!.toArray(), FREED, 'also an array that shares the elements');
    t.throws(() => relu(a!), FREED);
    t.same([a!.shape, a!.dtype, a!.size], [[4], 'float32', 4], 'what it was can still be told');
    t.equal(memory.usage.used, before);
    restore();
    t.end();
  });

t.test('results are found in lists, maps and plain objects; other objects are not walked', (t) => {
  class Holder {
    constructor(readonly inside: Tensor) {}
  }
  const one = (v: number): Tensor => full([2], v);
  const r = tidy(() => {
    const same = one(1);
    const object: Record<string, unknown> = { t: same, list: [one(2), { array: one(3).value }], again: same };
    object.self = object;
    return {
      object,
      map: new Map([['x', one(4)]]),
      set: new Set([one(5)]),
      holder: new Holder(one(6)),
      no: null,
    };
  });
  const { t: first, list } = r.object as { t: Tensor; list: [Tensor, { array: NDArray }] };
  t.same([first.data[1], list[0].data[1], list[1].array.data[1]], [1, 2, 3]);
  t.equal(r.map.get('x')!.data[0], 4);
  t.equal([...r.set][0].data[0], 5);
  t.throws(() => r.holder.inside.data, FREED);
  t.end();
});

t.test('an inner result belongs to the outer tidy; an error frees too; a promise is refused', (t) => {
  const before = memory.usage.used;
  let inner: Tensor | null = null;
  tidy(() => {
    inner = tidy(() => add(tensor([1]), 1));
    t.equal(inner.item(), 2);
    t.equal(lives(inner), 'linear', 'moved without a copy');
  });
  t.throws(() => inner!.item(), FREED);
  t.throws(() => tidy(() => { throw new Error(`on purpose ${tensor([1]).item()}`); }), /on purpose/); // prettier-ignore
  t.throws(() => tidy(() => Promise.resolve(tensor([1]))), { code: 'argument', message: /between awaits/ });
  t.equal(memory.usage.used, before);
  t.end();
});

t.test('parameters, gradients of leaves and optimizer state outlive the tidy that makes them', (t) => {
  const before = memory.usage.used;
  const [layer, wrapped, opt, kept, buffer] = tidy(() => {
    const layer = new Linear(3, 2);
    const wrapped = new Parameter(NDArray.full([2], 3, 'float32'));
    const opt = new SGD([...layer.parameters(), wrapped], { lr: 0.1, momentum: 0.9 });
    const kept = persistent(() => tensor([7]));
    return [layer, wrapped, opt, kept, new Buffer(NDArray.full([1], 5, 'float32'))] as const;
  });
  t.equal(lives(layer.weight), 'linear');
  t.equal(lives(kept), 'linear');
  const step = (): void =>
    tidy(() => {
      opt.zeroGrad();
      sum(mul(layer.forward(tensor([[1, 2, 3]])), wrapped)).backward();
      opt.step();
    });
  step();
  const used = memory.usage.used;
  const grad = layer.weight.grad!;
  t.same([...grad.data], [3, 6, 9, 3, 6, 9]);
  t.equal(lives(grad), 'linear', 'beside its parameter');
  t.equal(lives(wrapped.grad!), 'heap', 'beside a parameter of the heap');
  step();
  t.equal(memory.usage.used, used, 'the second step takes nothing more');
  t.throws(() => grad.data, FREED, 'zeroGrad frees what it forgets');
  t.equal(opt.state().arrays.size, 3);
  t.equal(lives(opt.state().arrays.get('0.velocity')!), 'heap', 'a saved state is a copy');
  t.same([kept.item(), buffer.value.data[0], wrapped.data.length], [7, 5, 2]);
  t.ok(memory.usage.used > before);
  t.end();
});

t.test('clone() and stateDict() are copies that no tidy frees', (t) => {
  const layer = new Linear(2, 2);
  let copies: NDArray[] = [];
  tidy(() => {
    copies = [add(tensor([1]), 1).value.clone(), layer.stateDict().get('weight')!];
  });
  t.same([...copies[0].data], [2]);
  t.same([...copies[1].data], [...layer.weight.data]);
  t.end();
});

t.test('a leaf made inside has its gradient until the end', (t) => {
  const g = tidy(() => {
    const x = tensor([1, 2], { requiresGrad: true });
    sum(mul(x, x)).backward();
    return x.grad;
  });
  t.same([...g!.data], [2, 4]);
  const loss = tidy(() => sum(mul(tensor([1, 2], { requiresGrad: true }), 2)));
  t.throws(() => loss.backward(), FREED, 'a tape does not outlive its arrays');
  t.end();
});

/** Fills free blocks of every size with bytes that are NaN in either float type, and -1 as integers. */
function spoil(): void {
  const blocks = Array.from({ length: 400 }, (_, i) => memory.take('int8', 64 * (1 + (i % 100)))!);
  for (const block of blocks) memory.free(block.fill(-1));
}

t.test('no op and no gradient depends on what its memory held before', (t) => {
  let runs = 0;
  for (const [name, list] of Object.entries(samples)) {
    if ('unchecked' in list) continue;
    for (const { f, inputs } of list)
      for (const dtype of ['float64', 'float32'] as const) {
        const leaves = inputs.map((x) =>
          x.dtype === 'float64' ? new Tensor(x.value.astype(dtype), { requiresGrad: true }) : x,
        );
        const run = (): number[] => {
          const y = f(...leaves);
          y.backward(NDArray.full(y.shape, 0.5, y.dtype));
          const grads = leaves.flatMap((x) => [...(x.grad?.data ?? [])]);
          for (const x of leaves) x.grad = null;
          return [...y.data, ...grads];
        };
        let want: number[];
        try {
          want = run();
        } catch (error) {
          // a sample with float64 constants
          if (error instanceof DTypeError && dtype === 'float32') continue;
          throw error;
        }
        spoil();
        // Math.pow differs in the last bit between compilers of V8
        const same = tidy(run).every((v, i) => Object.is(v, want[i]) || Math.abs(v / want[i] - 1) < 1e-6);
        if (!same) t.fail(`${name} ${dtype}`);
        runs++;
      }
  }
  t.ok(runs > 200, `${runs} runs`);
  t.end();
});
