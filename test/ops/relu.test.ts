/** relu and relu6 on bits give what comparisons give, for every kind of float. */
import t from 'tap';
import { tensor } from '../../src/autograd/index.js';
import { NDArray, Random } from '../../src/core/index.js';
import { relu, relu6 } from '../../src/ops/index.js';

const random = new Random(3);
const special = [0, -0, 1e-45, -1e-45, 6, 5.9999995, 6.0000005, 3e38, -3e38, Infinity, -Infinity, NaN];
const values = [...special, ...Array.from({ length: 2000 }, () => 4 * random.normal() + 1)];
// 0 / 0 has its sign bit set on x86: a negative NaN
const negativeNaN = new Float32Array(Int32Array.of(-4194304).buffer)[0];

for (const [name, f, top] of [
  ['relu', relu, Infinity],
  ['relu6', relu6, 6],
] as const)
  t.test(name, (t) => {
    const x = tensor([...values, negativeNaN], { requiresGrad: true });
    const y = f(x);
    y.backward(NDArray.full(y.shape, -2.5, 'float32'));
    const wrong = [...x.data].filter((v, i) => {
      const value = Number.isNaN(v) ? NaN : Math.min(Math.max(v, 0), top);
      const inside = v > 0 && (v < top || top === Infinity);
      const gradient = Number.isNaN(v) || x.grad!.data[i] === (inside ? -2.5 : 0);
      return !(Object.is(y.data[i], value + 0) && gradient);
    });
    t.same(wrong, []);
    t.end();
  });
