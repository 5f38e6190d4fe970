/** Integer convolution: sums against exact rationals (mathjs) and the float kernel, padding, requantization, depthwise. */
import { fraction } from 'mathjs';
import t from 'tap';
import {
  applyRequantization,
  fixedRequantization,
  floatRequantization,
  reference,
  run,
  type ConvGeometry,
} from '../../../kernels/index.js';

const plain: ConvGeometry = {
  ...{ batch: 1, inHeight: 5, inWidth: 4, outHeight: 5, outWidth: 4, kernelHeight: 3, kernelWidth: 3 },
  ...{ strideHeight: 1, strideWidth: 1, dilationHeight: 1, dilationWidth: 1, padTop: 1, padLeft: 1 },
  ...{ inChannels: 2, outChannels: 3, groups: 1 },
};
const geometries: Record<string, ConvGeometry> = {
  same: plain,
  'batch, stride, no padding': {
    ...plain,
    ...{ batch: 2, strideHeight: 2, strideWidth: 2, outHeight: 2, outWidth: 1, padTop: 0, padLeft: 0 },
  },
  dilated: { ...plain, dilationHeight: 2, dilationWidth: 3, padTop: 2, padLeft: 3 },
  grouped: { ...plain, inChannels: 4, outChannels: 6, groups: 2 },
  'depthwise, two filters per channel': { ...plain, inChannels: 3, outChannels: 6, groups: 3 },
};

function operands(g: ConvGeometry) {
  const code = (i: number, seed: number) => ((i * 97 + seed * 31 + ((i * i) % 7)) % 256) - 128;
  const depth = g.inChannels / g.groups;
  return {
    x: Int8Array.from({ length: g.batch * g.inHeight * g.inWidth * g.inChannels }, (_, i) => code(i, 1)),
    w: Int8Array.from({ length: g.outChannels * g.kernelHeight * g.kernelWidth * depth }, (_, i) =>
      code(i, 2),
    ),
    bias: Int32Array.from({ length: g.outChannels }, (_, i) => 1000 * (i - 1)),
    size: g.batch * g.outHeight * g.outWidth * g.outChannels,
  };
}

for (const [name, g] of Object.entries(geometries)) {
  t.test(`${name}: int32 sums equal the float convolution of the centred codes`, (t) => {
    const { x, w, bias, size } = operands(g);
    const [xZeroPoint, wZeroPoint] = [-9, 3];
    const y = new Int32Array(size);
    run(reference, 'qconv2d', { ...g, x, xZeroPoint, w, wZeroPoint, bias, requant: null, y });
    const want = new Float64Array(size);
    run(reference, 'conv2d', {
      ...g,
      x: Float64Array.from(x, (v) => v - xZeroPoint),
      w: Float64Array.from(w, (v) => v - wZeroPoint),
      bias: Float64Array.from(bias),
      y: want,
    });
    t.strictSame([...y], [...want]);
    t.end();
  });

  t.test(`${name}: codes are the requantized sums`, (t) => {
    const { x, w, bias, size } = operands(g);
    const weightScale = Float32Array.from({ length: g.outChannels }, (_, i) => 0.01 + 0.002 * i);
    const scales = { inputScale: 0.03, weightScale, outputScale: 2.5, zeroPoint: 4, min: -100, max: 90 };
    const common = { ...g, x, xZeroPoint: -9, w, wZeroPoint: 0, bias };
    const sums = new Int32Array(size);
    run(reference, 'qconv2d', { ...common, requant: null, y: sums });
    for (const requant of [
      floatRequantization(scales),
      fixedRequantization({ ...scales, rounding: 'double' }),
      fixedRequantization({ ...scales, rounding: 'single' }),
    ]) {
      const y = new Int8Array(size);
      run(reference, 'qconv2d', { ...common, requant, y });
      t.strictSame(
        [...y],
        Array.from(sums, (acc, i) => applyRequantization(acc, i % g.outChannels, requant)),
      );
      t.ok(new Set(y).size > 5, 'the case is not all clamps');
    }
    t.end();
  });
}

t.test('a 2x2 convolution as the real numbers it stands for', (t) => {
  const g = { ...plain, inHeight: 3, inWidth: 3, outHeight: 2, outWidth: 2, kernelHeight: 2, kernelWidth: 2 };
  const geometry = { ...g, inChannels: 1, outChannels: 1, padTop: 0, padLeft: 0 };
  const x = Uint8Array.of(0, 255, 128, 3, 77, 200, 130, 129, 1);
  const w = Int8Array.of(127, -127, 64, -3);
  const [sx, zx, sw, sy, zy, b] = [1 / 64, 128, 1 / 128, 1 / 16, 120, 37];
  const y = new Uint8Array(4);
  const scales = { inputScale: sx, weightScale: Float32Array.of(sw), outputScale: sy };
  run(reference, 'qconv2d', {
    ...{ ...geometry, x, xZeroPoint: zx, w, wZeroPoint: 0, bias: Int32Array.of(b), y },
    requant: floatRequantization({ ...scales, zeroPoint: zy, min: 0, max: 255 }),
  });
  const want = [0, 1, 3, 4].map((corner) => {
    let real = fraction(b).mul(fraction(sx)).mul(fraction(sw));
    [0, 1, 3, 4].forEach((offset, tap) => {
      const input = fraction(x[corner + offset] - zx).mul(fraction(sx));
      real = real.add(input.mul(fraction(w[tap]).mul(fraction(sw))));
    });
    return Number(real.div(fraction(sy)).add(zy).round().valueOf());
  });
  t.strictSame([...y], want);
  t.end();
});

t.test('padding is real zero whatever the zero point', (t) => {
  const g = { ...plain, inChannels: 1, outChannels: 1 };
  const y = new Int32Array(20);
  const w = new Int8Array(9).fill(5);
  const x = new Int8Array(20).fill(-77);
  run(reference, 'qconv2d', { ...g, x, xZeroPoint: -77, w, wZeroPoint: 0, bias: null, requant: null, y });
  t.strictSame([...y], Array(20).fill(0));
  t.end();
});
