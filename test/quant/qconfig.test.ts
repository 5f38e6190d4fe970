/** Configs: what options take, what is said about those they do not take, and configs made by hand. */
import t from 'tap';
import {
  lsq,
  minMax,
  pact,
  percentile,
  prepare,
  ptqConfig,
  qatConfig,
  type QConfig,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { normal, TinyCnn } from '../support/models.js';

const preparedBy = (config: QConfig): QuantizedModule =>
  prepare(trace(new TinyCnn(), normal([4, 8, 8, 2])), config);

t.test('bits, granularity, bias and numerics are checked', (t) => {
  const refused = (options: object, message: RegExp): void => {
    t.throws(() => ptqConfig(options), { code: 'quantization', message });
  };
  for (const bits of [1, 9, 4.5, NaN, null]) {
    refused({ weightBits: bits }, RegExp(`^weightBits: ${bits} .*2 to 8`));
    refused({ activationBits: bits }, RegExp(`^activationBits: ${bits} `));
  }
  refused({ weightBits: '4' }, /^weightBits: "4" is not a width/);
  refused({ weigthBits: 4 }, /^weigthBits is no option; there are target, weightBits, .*, float$/);
  refused({ granularity: 'per-layer' }, /granularity: takes "per-channel" or "per-tensor", not "per-layer"/);
  refused({ linearGranularity: 'rows' }, /linearGranularity: .*not "rows"/);
  refused({ concat: 'same' }, /concat: takes "free" or "equal"/);
  refused({ signed: 'no' }, /signed: takes true or false, not "no"/);
  refused({ symmetricActivations: 1 }, /symmetricActivations: takes false or true, not 1/);
  refused({ weightOnly: 'yes' }, /weightOnly: .*"yes"/);
  refused({ bias: 'int8' }, /bias: .*not "int8"/);
  refused({ numerics: 'fixed' }, /numerics: takes .*not "fixed"/);
  refused({ numerics: { numerics: 'fixed' } }, /"rounding":"double"/);
  const turned = { rounding: 'single', numerics: 'fixed' } as const;
  t.same(ptqConfig({ numerics: turned }).numerics, turned, 'the order of keys does not matter');
  t.end();
});

t.test('options that are undefined take their defaults', (t) => {
  const names = ['target', 'weightBits', 'granularity', 'linearGranularity', 'signed', 'numerics', 'bias'];
  const others = ['weightObserver', 'activationQuantizer', 'layers', 'float', 'weightOnly', 'concat'];
  const unset = Object.fromEntries([...names, ...others].map((name) => [name, undefined]));
  const text = (config: object): string => JSON.stringify(config);
  t.equal(text(ptqConfig(unset)), text(ptqConfig()));
  const linear = { granularity: 'per-tensor', linearGranularity: undefined } as never;
  t.equal(ptqConfig(linear).weights.linearGranularity, 'per-tensor', 'that of convolutions');
  const layers = { conv: { weightBits: undefined, activationBits: 4 } } as never;
  t.equal(preparedBy(ptqConfig({ layers })).specs.get('conv.weight')?.kind, 'observed');
  t.end();
});

t.test('what is no factory of observers or quantizers is refused', (t) => {
  for (const name of ['weightObserver', 'activationObserver', 'weightQuantizer', 'activationQuantizer']) {
    for (const wrong of ['minMax', null, {}])
      t.throws(() => qatConfig({ [name]: wrong }), {
        code: 'quantization',
        message: RegExp(`^${name}: ${JSON.stringify(wrong)} is no factory; call one`),
      });
    for (const uncalled of [minMax, percentile, lsq, pact])
      t.throws(() => preparedBy(qatConfig({ [name]: uncalled })), {
        code: 'quantization',
        message: RegExp(
          `^${name}: ${uncalled.name} is no factory; call one, such as minMax\\(\\) or lsq\\(\\)`,
        ),
      });
  }
  t.end();
});

t.test('bits of layers are named with their layer', (t) => {
  for (const [layers, message] of [
    [{ conv: { weightBits: 1 } }, /^layers\.conv\.weightBits: 1 is not a width/],
    [{ fc: { weightBits: '4' } }, /^layers\.fc\.weightBits: "4" /],
    [{ input: { activationBits: NaN } }, /^layers\.input\.activationBits: NaN /],
    [{ conv: { weigthBits: 4 } }, /^layers\.conv: {"weigthBits":4}; give weightBits and activationBits/],
    [{ conv: 4 }, /^layers\.conv: 4; give/],
    [{ conv: null }, /^layers\.conv: null; give/],
  ] as const)
    t.throws(() => preparedBy(ptqConfig({ layers: layers as never })), { code: 'quantization', message });
  t.end();
});

t.test('a hand-made config that kernels cannot run is refused', (t) => {
  const config = ptqConfig();
  const { weights, activations } = config;
  const wide = { quantMin: -32768, quantMax: 32767 };
  t.throws(() => preparedBy({ ...config, weights: { ...weights, symmetric: false } }), {
    code: 'quantization',
    message: /weights: their zero point must be 0/,
  });
  t.throws(() => preparedBy({ ...config, weights: { ...weights, range: { quantMin: 0, quantMax: 255 } } }), {
    code: 'quantization',
    message: /signed range/,
  });
  t.throws(() => preparedBy({ ...config, activations: { ...activations, range: wide } }), {
    code: 'quantization',
    message: /activations: range \[-32768, 32767\] does not fit 8 bits/,
  });
  t.end();
});
