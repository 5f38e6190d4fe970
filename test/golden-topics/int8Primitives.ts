/** Golden topic int8_primitives: fixed-point requantization, activation clamps, weight and bias quantization. */
import {
  activationRange,
  addMultipliers,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  roundHalfAway,
  roundHalfEven,
  roundingDivideByPot,
  run,
  saturatingRoundingDoublingHighMul,
  type ClampActivation,
} from '../../kernels/index.js';
import { expectEqual, type GoldenCase, type TopicRunner } from './common.js';
import { backends } from './kernelCase.js';

const rowsOf = (c: GoldenCase) => c['rows'] as number[][];

export const int8Primitives: TopicRunner = {
  quantize_multiplier(c, read) {
    const parts = Array.from(read(c.inputs!['real']), quantizeMultiplier);
    const column = (key: 'multiplier' | 'shift') => parts.map((part) => part[key]);
    expectEqual('multiplier', column('multiplier'), read(c.outputs!['multiplier']));
    expectEqual('shift', column('shift'), read(c.outputs!['shift']));
  },

  saturating_rounding_doubling_high_mul(c, read) {
    const b = read(c.inputs!['b']);
    const y = Array.from(read(c.inputs!['a']), (a, i) => saturatingRoundingDoublingHighMul(a, b[i]));
    expectEqual('y', y, read(c.outputs!['y']));
  },

  rounding_divide_by_pot(c, read) {
    const exponent = read(c.inputs!['exponent']);
    const y = Array.from(read(c.inputs!['x']), (x, i) => roundingDivideByPot(x, exponent[i]));
    expectEqual('y', y, read(c.outputs!['y']));
  },

  multiply_by_quantized_multiplier(c, read) {
    const x = Array.from(read(c.inputs!['x']));
    const multiplier = read(c.inputs!['multiplier']);
    const shift = read(c.inputs!['shift']);
    const real = read(c.inputs!['real']);
    for (const rounding of ['double', 'single'] as const) {
      const y = x.map((v, i) => multiplyByQuantizedMultiplier(v, multiplier[i], shift[i], rounding));
      expectEqual(rounding, y, read(c.outputs![rounding]));
    }
    expectEqual(
      'ideal',
      x.map((v, i) => roundHalfAway(v * real[i])),
      read(c.outputs!['ideal']),
    );
  },

  activation_range_int8(c) {
    const activation = c.id.split('/')[1] as ClampActivation;
    for (const [scale, zeroPoint, min, max] of rowsOf(c)) {
      const got = activationRange(activation, scale, zeroPoint, -128, 127, 'away');
      expectEqual(`range for scale ${scale}, zero point ${zeroPoint}`, [got.min, got.max], [min, max]);
    }
  },

  add_params_int8(c) {
    for (const [a, b, y, ...want] of rowsOf(c)) {
      const m = addMultipliers(a, b, y);
      const got = [m.a, m.b, m.output].flatMap(({ multiplier, shift }) => [multiplier, shift]);
      expectEqual(`multipliers of ${a}, ${b}, ${y}`, got, want);
    }
  },

  quantize_weights(c, read) {
    const w = read(c.inputs!['w']);
    const perChannel = w.length / c.inputs!['w'].shape[0];
    const inputScale = (c.attrs as { input_scale: number }).input_scale;
    const scale = read(c.outputs!['scale']);
    const channels = Array.from(scale, (_, i) => w.slice(i * perChannel, (i + 1) * perChannel));
    const largest = channels.map((channel) => Math.max(...channel.map(Math.abs)));
    expectEqual(
      'scale',
      largest.map((m) => (m > 0 ? Math.fround(m / 127) : 1)),
      scale,
    );
    for (const backend of backends) {
      const q = new Int8Array(w.length);
      run(backend, 'quantize', {
        ...{ outer: 1, channels: scale.length, inner: perChannel, min: -127, max: 127 },
        ...{
          x: w as Float32Array,
          scale: scale as Float32Array,
          zeroPoint: new Int32Array(scale.length),
          y: q,
        },
      });
      expectEqual('q', q, read(c.outputs!['q']));
    }
    const biasScales = Array.from(scale, (s) => Math.fround(inputScale * s));
    expectEqual('bias_scale', biasScales, read(c.outputs!['bias_scale']));
    expectEqual(
      'bias_q',
      Array.from(read(c.inputs!['bias']), (b, i) => roundHalfEven(b / biasScales[i])),
      read(c.outputs!['bias_q']),
    );
  },
};
