/** What holds for every observer. */
import t from 'tap';
import {
  ArgumentError,
  FormatError,
  NDArray,
  QuantizationError,
  ShapeError,
} from '../../../src/core/index.js';
import { array, FACTORIES, make, normals } from './help.js';

for (const [kind, factory] of Object.entries(FACTORIES)) {
  t.test(kind, async (t) => {
    t.test('asks for calibration before it answers', async (t) => {
      const o = make(factory());
      t.equal(o.calibrated, false);
      t.throws(() => o.qparams(), { name: 'QuantizationError', message: /conv1\/out.*calibrate/ });
      t.throws(() => o.range(), QuantizationError);
      o.observe(array([1, 2]));
      t.equal(o.calibrated, true);
      o.reset();
      t.equal(o.calibrated, false);
      t.throws(() => o.range(), QuantizationError);
    });

    t.test('refuses values that are not finite, and forgets nothing', async (t) => {
      for (const axis of [null, 1]) {
        const o = make(factory(), { axis });
        o.observe(array([-1, 0, 2, 3], [2, 2]));
        const before = JSON.stringify([o.state(), o.qparams()]);
        for (const bad of [NaN, Infinity, -Infinity])
          for (let at = 0; at < 4; at++) {
            const x = array([9, 9, 9, 9], [2, 2]);
            x.data[at] = bad;
            t.throws(() => o.observe(x), {
              name: 'QuantizationError',
              message: new RegExp(`conv1/out, batch 1: element ${at} .*${bad}`),
            });
          }
        t.throws(() => o.observe(new NDArray<'float64'>(Float64Array.of(1e300, 1), [1, 2])), {
          message: /1e\+300/,
        });
        t.equal(JSON.stringify([o.state(), o.qparams()]), before);
      }
    });

    t.test('a constant tensor, all zeros included, has usable parameters', async (t) => {
      for (const v of [0, 1.7, -0.3, 1e-30]) {
        const o = make(factory());
        o.observe(array(new Float32Array(100).fill(v)));
        const { min, max } = o.range();
        t.strictSame([min[0], max[0]], [Math.fround(v), Math.fround(v)]);
        t.ok(o.qparams().scale[0] >= 2 ** -23);
      }
    });

    t.test('per channel, it is one observer per slice', async (t) => {
      const shape = [2, 3, 4];
      const batches = [array(normals(24, 'a'), shape), array(normals(24, 'b', 2), shape)];
      for (const axis of [0, 1, 2, -1]) {
        const whole = make(factory(), { axis });
        for (const x of batches) whole.observe(x);
        const a = axis < 0 ? 2 : axis;
        const qp = whole.qparams();
        t.equal(qp.axis, a);
        t.equal(qp.scale.length, shape[a]);
        for (let c = 0; c < shape[a]; c++) {
          const one = make(factory());
          for (const x of batches) {
            const strides = [12, 4, 1];
            one.observe(array([...x.data].filter((_, i) => Math.floor(i / strides[a]) % shape[a] === c)));
          }
          t.equal(whole.range().min[c], one.range().min[0]);
          t.equal(whole.range().max[c], one.range().max[0]);
          t.equal(qp.scale[c], one.qparams().scale[0]);
        }
      }
    });

    t.test('float64 tensors are observed as float32', async (t) => {
      const values = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i) / 3);
      const double = make(factory());
      double.observe(new NDArray<'float64'>(values, [50]));
      const single = make(factory());
      single.observe(array(values));
      t.strictSame(double.state(), single.state());
    });

    t.test('a state goes through JSON and goes on as if nothing had happened', async (t) => {
      for (const axis of [null, 0]) {
        const straight = make(factory(), { axis });
        const first = make(factory(), { axis });
        const a = array(normals(60, 'a'), [3, 20]);
        const b = array(normals(60, 'b', 3), [3, 20]);
        for (const o of [straight, first]) o.observe(a);
        const second = make(factory(), { axis });
        second.load(JSON.parse(JSON.stringify(first.state())) as object);
        t.strictSame(second.qparams(), first.qparams());
        straight.observe(b);
        second.observe(b);
        t.strictSame(second.state(), straight.state());
        t.strictSame(second.qparams(), straight.qparams());
      }
      const fresh = make(factory());
      const target = make(factory());
      target.observe(array([1]));
      target.load(fresh.state());
      t.equal(target.calibrated, false, 'the state of an observer that saw nothing');
    });

    t.test('a broken or foreign state is refused', async (t) => {
      const o = make(factory());
      o.observe(array([1, 2]));
      const good = o.state() as Record<string, unknown>;
      t.throws(() => o.load({ ...good, kind: 'other' }), {
        name: 'FormatError',
        message: /of a other observer/,
      });
      t.throws(() => o.load({}), FormatError);
      t.throws(() => o.load({ ...good, batches: -1 }), FormatError);
      t.throws(() => o.load({ ...good, channels: 2 }), FormatError);
      t.throws(() => o.load({ ...good, data: null }), FormatError);
      t.throws(() => o.load({ ...good, data: { min: ['x'], max: [1] } }), { message: /conv1\/out/ });
    });

    t.test('an empty batch, and another number of channels', async (t) => {
      const o = make(factory(), { axis: 0 });
      t.throws(() => o.observe(NDArray.zeros([0, 3], 'float32')), ArgumentError);
      o.observe(array([1, 2]));
      t.throws(() => o.observe(NDArray.zeros([2], 'int32')), {
        name: 'DTypeError',
        message: /batch 1 is int32/,
      });
      t.throws(() => o.observe(array([1, 2, 3])), { name: 'ShapeError', message: /3 channels.*had 2/ });
      t.throws(() => make(factory(), { axis: 2 }).observe(array([1])), ShapeError);
    });
  });
}
