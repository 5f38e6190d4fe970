/** Float convolution against a hand-computed case and against a direct definition; its gradients against their adjoints. */
import t from 'tap';
import { reference, run, type ConvGeometry } from '../../../kernels/index.js';
import { trainingReference } from '../../../kernels/training.js';

/** The definition, term by term, over every position of the padded image. */
function direct(
  g: ConvGeometry,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  bias: ArrayLike<number>,
): Float64Array {
  const depth = g.inChannels / g.groups;
  const y: number[] = [];
  for (let n = 0; n < g.batch; n++)
    for (let oy = 0; oy < g.outHeight; oy++)
      for (let ox = 0; ox < g.outWidth; ox++)
        for (let o = 0; o < g.outChannels; o++) {
          const group = Math.floor((o * g.groups) / g.outChannels);
          let sum = bias[o];
          for (let ky = 0; ky < g.kernelHeight; ky++)
            for (let kx = 0; kx < g.kernelWidth; kx++)
              for (let i = 0; i < depth; i++) {
                const iy = oy * g.strideHeight - g.padTop + ky * g.dilationHeight;
                const ix = ox * g.strideWidth - g.padLeft + kx * g.dilationWidth;
                if (iy < 0 || ix < 0 || iy >= g.inHeight || ix >= g.inWidth) continue;
                sum +=
                  x[((n * g.inHeight + iy) * g.inWidth + ix) * g.inChannels + group * depth + i] *
                  w[((o * g.kernelHeight + ky) * g.kernelWidth + kx) * depth + i];
              }
          y.push(sum);
        }
  return Float64Array.from(y);
}

const plain: ConvGeometry = {
  batch: 1,
  inHeight: 3,
  inWidth: 3,
  outHeight: 2,
  outWidth: 2,
  kernelHeight: 2,
  kernelWidth: 2,
  strideHeight: 1,
  strideWidth: 1,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: 0,
  padLeft: 0,
  inChannels: 1,
  outChannels: 1,
  groups: 1,
};
const geometries: Record<string, ConvGeometry> = {
  padded: {
    ...plain,
    batch: 2,
    inChannels: 3,
    outChannels: 2,
    outHeight: 4,
    outWidth: 3,
    padTop: 1,
    padLeft: 0,
  },
  strided: {
    ...plain,
    inHeight: 7,
    inWidth: 6,
    outHeight: 3,
    outWidth: 3,
    strideHeight: 2,
    strideWidth: 2,
    padLeft: 1,
  },
  dilated: {
    ...plain,
    inHeight: 6,
    inWidth: 7,
    outHeight: 5,
    outWidth: 3,
    dilationHeight: 3,
    dilationWidth: 2,
    padTop: 1,
    strideWidth: 2,
  },
  grouped: { ...plain, inChannels: 4, outChannels: 6, groups: 2 },
  depthwise: {
    ...plain,
    inChannels: 3,
    outChannels: 6,
    groups: 3,
    outHeight: 4,
    outWidth: 4,
    padTop: 1,
    padLeft: 1,
  },
  'window outside the image': {
    ...plain,
    inHeight: 1,
    inWidth: 1,
    outHeight: 4,
    outWidth: 5,
    padTop: 2,
    padLeft: 3,
  },
};

/** Small integers, so that all sums are exact whatever their order. */
const integers = (length: number, seed: number) =>
  Float64Array.from({ length }, (_, i) => ((i * 37 + seed * 11) % 15) - 7);
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i], 0);

t.test('a hand-computed convolution', (t) => {
  const y = new Float32Array(4);
  const x = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  run(reference, 'conv2d', { ...plain, x, w: Float32Array.of(1, 0, 0, -1), bias: Float32Array.of(0.5), y });
  t.strictSame([...y], [-3.5, -3.5, -3.5, -3.5]);
  t.end();
});

for (const [name, g] of Object.entries(geometries)) {
  t.test(name, (t) => {
    const x = integers(g.batch * g.inHeight * g.inWidth * g.inChannels, 1);
    const w = integers((g.outChannels * g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups, 2);
    const bias = integers(g.outChannels, 3);
    const y = new Float64Array(g.batch * g.outHeight * g.outWidth * g.outChannels);
    run(reference, 'conv2d', { ...g, x, w, bias, y });
    t.strictSame(y, direct(g, x, w, bias));

    // <dy, conv(x, w)> = <conv'(dy, w), x> = <dw(x, dy), w> characterises both gradients.
    const withoutBias = new Float64Array(y.length);
    run(reference, 'conv2d', { ...g, x, w, bias: null, y: withoutBias });
    for (let seed = 4; seed < 8; seed++) {
      const dy = integers(y.length, seed);
      const dx = new Float64Array(x.length).fill(NaN);
      const dw = new Float64Array(w.length).fill(NaN);
      run(trainingReference, 'conv2dInputGrad', { ...g, dy, w, dx });
      run(trainingReference, 'conv2dFilterGrad', { ...g, x, dy, dw });
      t.equal(dot(dx, x), dot(dy, withoutBias));
      t.equal(dot(dw, w), dot(dy, withoutBias));
    }
    t.end();
  });
}

t.test('sums are double, results are rounded once to the output type', (t) => {
  const y = new Float32Array(1);
  const g = { ...plain, inHeight: 1, inWidth: 3, outHeight: 1, outWidth: 1, kernelHeight: 1, kernelWidth: 3 };
  run(reference, 'conv2d', {
    ...g,
    x: Float32Array.of(1e8, 1, -1e8),
    w: Float32Array.of(1, 1, 1),
    bias: null,
    y,
  });
  t.equal(y[0], 1);
  t.end();
});
