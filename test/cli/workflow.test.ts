/** Train, stop, resume, quantize, lint, evaluate, inspect and run, on a few pictures. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { NDArray } from '../../src/core/index.js';
import { decodeNpy, encodeNpy, encodeSafetensors } from '../../src/formats/index.js';
import { abortedAtLook, cli, writeSmallData, type Outcome } from './harness.js';

const dir = t.testdir();
const data = writeSmallData(join(dir, 'data'), 96, 40);
const at = (name: string): string => join(dir, name);
const bytes = (name: string): Buffer => readFileSync(at(name));
const json = (name: string): Record<string, unknown> =>
  JSON.parse(bytes(name).toString()) as Record<string, unknown>;
const RUN = ['train', '--data', data, '--epochs', '2', '--batch', '16', '--lr', '0.05'];

function failsWith(t: Test, { code, err }: Outcome, expected: number, message: string | RegExp): void {
  t.equal(code, expected, `exit code ${expected}`);
  t.match(err[err.length - 1], message);
}

t.test('training writes a model, a checkpoint and a result', async (t) => {
  const { code, out, err } = await cli([...RUN, '--out', at('whole.octo'), '--json', at('train.json')]);
  t.equal(code, 0);
  t.match(out[0], /^plain: top-1 \d+\.\d\d % of 40 test images after 2 epochs/);
  t.match(err[0], /8,834 weights, 96 training images, 2 epochs of 6 batches/);
  t.match(err[2], /^epoch 2\/2 {2}loss/);
  t.match(json('train.json'), { model: 'plain', stopped: 'finished', history: [{ epoch: 1 }, { epoch: 2 }] });
  t.ok(existsSync(at('whole.checkpoint')));
});

t.test('a run that is stopped anywhere and resumed gives the same bits', async (t) => {
  for (const [name, look] of [
    ['early', 3],
    ['between-epochs', 8],
  ] as const) {
    const file = at(`${name}.octo`);
    const stopped = await cli([...RUN, '--out', file, '--quiet'], { signal: abortedAtLook(look) });
    t.equal(stopped.code, 130, name);
    t.same(stopped.err, [], 'quiet');
    t.notOk(existsSync(file), 'no model yet');
    const words = /go on with: octograd (.*)$/.exec(stopped.out[2])![1];
    t.match(words, `--resume ${at(`${name}.checkpoint`)}`);
    const resumed = await cli(['train', '--resume', at(`${name}.checkpoint`), '--data', data]);
    t.equal(resumed.code, 0);
    t.ok(bytes(`${name}.octo`).equals(bytes('whole.octo')), `${name}: same model`);
    t.ok(bytes(`${name}.checkpoint`).equals(bytes('whole.checkpoint')), `${name}: same checkpoint`);
  }
});

t.test('a checkpoint decides what the run is', async (t) => {
  const resume = ['train', '--data', data, '--resume', at('whole.checkpoint')];
  failsWith(t, await cli([...resume, '--seed', '3']), 2, '--seed comes from the checkpoint');
  const other = writeSmallData(join(dir, 'other'), 20, 10);
  const fewer = await cli(['train', '--data', other, '--resume', at('whole.checkpoint')]);
  failsWith(t, fewer, 1, 'the run uses 96 training images, the data set has 20');
  const model = ['train', '--data', data, '--resume', at('whole.octo')];
  failsWith(t, await cli(model), 1, 'the file holds a model, a checkpoint is expected');
});

t.test('a loss that is not finite ends the run with what was learned before', async (t) => {
  const first = await cli([...RUN, '--lr', '1e30', '--out', at('wild.octo')]);
  failsWith(t, first, 1, /^octograd train: training diverged in epoch 1/);
  t.notOk(existsSync(at('wild.octo')), 'nothing was learned');
  t.equal((await cli(['inspect', at('wild.checkpoint')])).code, 0);

  const stopped = await cli([...RUN, '--out', at('tamed.octo')], { signal: abortedAtLook(8) });
  t.equal(stopped.code, 130);
  const resume = ['train', '--data', data, '--resume', at('tamed.checkpoint')];
  failsWith(t, await cli([...resume, '--lr', '1e30']), 1, /^octograd train: training diverged in epoch 2/);
  t.equal((await cli(['evaluate', at('tamed.octo'), '--data', data])).code, 0, 'the weights before are kept');
});

t.test('where the results go', async (t) => {
  failsWith(t, await cli([...RUN, '--out', at('x.checkpoint')]), 2, 'name the model FILE.octo');
  writeFileSync(at('a-file'), '');
  const blocked = await cli([...RUN, '--out', at('a-file/x.octo')]);
  failsWith(t, blocked, 1, /^octograd train: cannot make the folder/);
  const short = ['train', '--data', data, '--limit', '16', '--epochs', '1', '--batch', '16'];
  t.equal((await cli([...short, '--model', 'depthwise', '--out', dir])).code, 0);
  t.ok(existsSync(at('depthwise.octo')), 'in a folder that exists');
});

t.test('quantization: accuracy, and codes that agree', async (t) => {
  for (const more of [
    ['--method', 'ptq'],
    ['--method', 'qat', '--weight-bits', '4', '--granularity', 'per-tensor', '--numerics', 'fixed-double'],
  ]) {
    const words = ['quantize', at('whole.octo'), '--data', data, '--compare', '16', '--json', at('q.json')];
    const { code, out } = await cli([...words, ...more]);
    t.equal(code, 0);
    t.match(out[3], /^0 of [\d,]+ codes differ between fake quantization and the integer runtime/);
    const result = json('q.json') as { exactness: { codes_compared: number }; integer: { bytes: number } };
    t.ok(result.exactness.codes_compared > 100_000);
    t.ok(result.integer.bytes < bytes('whole.octo').length / 2);
  }
  t.ok(existsSync(at('whole-ptq-w8a8.octo')));
  t.ok(existsSync(at('whole-qat-w4a8.octo')));
  const clipped = ['quantize', at('whole.octo'), '--data', data, '--compare', '4', '--calibration', '32'];
  const options = ['--observer', 'entropy', '--out', at('entropy.octo'), '--json', at('e.json')];
  t.equal((await cli([...clipped, ...options])).code, 0);
  t.match(json('e.json'), { observer: 'entropy', exactness: { codes_different: 0 } });
  failsWith(t, await cli([...clipped, '--method', 'qat', '--observer', 'mse']), 2, '--method ptq');
  const again = await cli(['quantize', at('whole-ptq-w8a8.octo'), '--data', data]);
  failsWith(t, again, 1, 'is an integer model already');
  const stopped = await cli(['quantize', at('whole.octo'), '--data', data], { signal: AbortSignal.abort() });
  failsWith(t, stopped, 130, 'octograd quantize: stopped');
});

t.test('dynamic quantization: in both formats, without calibration', async (t) => {
  const words = ['quantize', at('whole.octo'), '--data', data, '--method', 'dynamic'];
  for (const format of ['octo', 'onnx']) {
    const { code, out } = await cli([...words, '--format', format, '--json', at('d.json')]);
    t.equal(code, 0);
    t.match(out[3], /^\d+ linear layers? with 8-bit weights/);
    const { float, dynamic } = json('d.json') as Record<string, { top1: number; bytes: number }>;
    t.ok(Math.abs(dynamic.top1 - float.top1) < 0.05);
    t.ok(format === 'onnx' || dynamic.bytes < float.bytes);
    const file = at(`whole-dynamic-w8.${format}`);
    const evaluated = await cli(['evaluate', file, '--data', data, '--json', at('e.json')]);
    t.equal(evaluated.code, 0);
    t.match(json('e.json'), { top1: dynamic.top1, classes: [{ label: '0' }, { label: '1' }] });
  }
  failsWith(t, await cli([...words, '--weight-bits', '4']), 2, '--weight-bits is not for --method dynamic');
  failsWith(t, await cli([...words, '--format', 'tflite']), 1, 'export to ONNX');
});

t.test('a target sets the options, and lint says what a model breaks', async (t) => {
  const words = ['quantize', at('whole.octo'), '--data', data, '--compare', '8', '--calibration', '32'];
  const { code, out } = await cli([...words, '--target', 'tflite-micro', '--json', at('t.json')]);
  t.equal(code, 0);
  t.match(out[out.length - 1], /-w8a8.octo conforms to the documented rules of TensorFlow Lite for micro/);
  t.match(json('t.json'), {
    target: 'tflite-micro',
    numerics: 'fixed-double',
    granularity: 'per-channel',
    weight_bits: 8,
    violations: [],
    exactness: { codes_different: 0 },
  });
  const own = at('whole-ptq-tflite-micro-w8a8.octo');
  t.equal((await cli(['lint', own, '--target', 'tflite-micro'])).code, 0);

  const other = await cli(['lint', own, '--target', 'tensorrt', '--json', at('l.json')]);
  t.equal(other.code, 1);
  t.match(other.out[0], /^error zero-point: .*: its zero point is -?\d+; TensorRT \(Jetson\) takes 0 only/);
  t.match(other.out[1], /^ {2}fix: /);
  t.match(other.out[2], /^ {2}see: https:/);
  t.match(other.out.join('\n'), /breaks documented rules of TensorRT \(Jetson\): \d+ errors, 1 warning\n/);
  const { violations } = json('l.json') as { violations: { rule: string; severity: string }[] };
  t.match(violations.at(-1), {
    rule: 'numerics',
    severity: 'warning',
    node: null,
    source: { url: /^https/ },
  });

  const float = await cli(['lint', at('whole.octo'), '--target', 'edgetpu']);
  t.equal(float.code, 0, 'a float model can conform, too');
  t.match(float.out[0], /^note float-model: the model is float/);
  t.match(float.out.join('\n'), /conforms to .* Edge TPU \(Coral\), as far as a float model shows: 1 note/);
  const refused = await cli([...words, '--target', 'tensorrt', '--numerics', 'fixed-double']);
  failsWith(t, refused, 1, /numerics: target tensorrt sets it to/);
  failsWith(t, await cli(['lint', own]), 2, /--target NAME is missing/);
});

t.test('evaluation: classes, backends and both kinds of model', async (t) => {
  const results: unknown[] = [];
  for (const [model, backend] of [
    ['whole.octo', 'js'],
    ['whole-ptq-w8a8.octo', 'js'],
    ['whole-ptq-w8a8.octo', 'reference'],
  ]) {
    const words = ['evaluate', at(model), '--data', data, '--limit', '20', '--backend', backend];
    const { code, out } = await cli([...words, '--json', at('e.json'), '--batch', '8']);
    t.equal(code, 0);
    t.match(out[0], /top-1 \d+\.\d\d % of 20 images/);
    const { classes, images } = json('e.json') as { classes: { images: number }[]; images: number };
    t.equal(
      classes.reduce((n, c) => n + c.images, 0),
      images,
    );
    results.push(classes);
  }
  t.same(results[1], results[2], 'the backends agree');
});

t.test('bits of layers under a budget of bytes', async (t) => {
  const words = ['quantize', at('whole.octo'), '--data', data, '--weight-budget'];
  const { code, err, out } = await cli([
    ...words,
    '5000',
    '--layer-bits',
    'classifier.1=w4a7',
    '--json',
    at('b.json'),
  ]);
  t.equal(code, 0);
  const line = err.find((text) => text.startsWith('bits of weights:'))!;
  t.match(line, /features\.0 8, features\.4 [48], features\.8 4, classifier\.1 4; [\d,]+ bytes$/);
  t.ok(Number(/([\d,]+) bytes/.exec(line)![1].replace(',', '')) <= 5000);
  t.match(out.at(-1)!, /^0 of [\d,]+ codes differ/);
  t.match(json('b.json').layers, {
    'features.0': { weightBits: 8 },
    'classifier.1': { weightBits: 4, activationBits: 7 },
  });
  t.ok(existsSync(at('whole-ptq-wmixeda8.octo')));
  failsWith(
    t,
    await cli([...words, '100']),
    1,
    '--weight-budget: 100 is too little; the cheapest choice of every layer costs 4356',
  );
  failsWith(t, await cli([...words, '5000', '--weight-bits', '4']), 2, '--weight-budget chooses the bits');
});

t.test('an explanation of one value, with the float network beside it', async (t) => {
  const words = [
    'explain',
    at('whole-qat-w4a8.octo'),
    '--data',
    data,
    '--layer',
    'features.4',
    '--channel',
    '3',
  ];
  const { out } = await cli([...words, '--position', '5,6', '--terms', '4', '--float', at('whole.octo')]);
  t.match(out[0], 'features.4, channel 3 at [5, 6]: conv2d + relu (fixed-point numerics, double rounding)');
  t.match(
    out.join('\n'),
    /\n {2}and 68 more, which sum to -?\d+\n[^]*\nmantissa +=[^]*\nfloat network +\S+\n/,
  );
  writeFileSync(at('two.npy'), encodeNpy(NDArray.zeros([2, 28, 28, 1], 'uint8')));
  const file = ['--input', at('two.npy'), '--image', '1', '--json', '-'];
  failsWith(t, await cli([...words, ...file]), 2, '--input and --data: the input comes from one of the two');
  const printed = await cli([...words.filter((word) => word !== '--data' && word !== data), ...file]);
  const { code, float, terms } = JSON.parse(printed.out.join('\n')) as Record<string, unknown> & {
    terms: object[];
  };
  t.equal(typeof code, 'number');
  t.same([float, terms.length], [null, 32], 'no float network; a corner of the image');
  failsWith(
    t,
    await cli([...words, '--layer', 'features']),
    1,
    /--layer: features is not in the network; it has input/,
  );
  failsWith(t, await cli([...words, '--position', 'left']), 2, "--position: 'left' must be whole numbers");
  failsWith(t, await cli([...words, '--image', '40']), 1, '--image: 40 is not one of 0 to 39');
  words[1] = at('whole.octo');
  failsWith(t, await cli(words), 1, 'is a float model');
});

t.test('inspection of models, checkpoints and safetensors files', async (t) => {
  const float = await cli(['inspect', at('whole.octo')]);
  t.match(float.out.join('\n'), /features\.4 +conv2d +14x14x16 +16x3x3x8 +4,608 +225,792/);
  const { out } = await cli(['inspect', at('whole-qat-w4a8.octo')]);
  t.match(out[0], /integer model, fixed-double requantization/);
  t.match(out.join('\n'), /features\.8 +int8 \* .*int4 \* /);
  t.notMatch(out.join('\n'), /Gop/);
  const timed = await cli(['inspect', at('whole-qat-w4a8.octo'), '--profile']);
  t.match(
    timed.out.join('\n'),
    /layer +ms +share +Gop\/s +kernel[^]*\nfeatures\.8 +[\d.]+ +[\d.]+ % +[\d.]+ +q8-/,
  );
  const printed = await cli(['inspect', at('whole-qat-w4a8.octo'), '--json', '-', '--profile']);
  const described = JSON.parse(printed.out.join('\n')) as {
    layers: {
      id: string;
      bytes: number;
      macs: number;
      weight: { codes: object } | null;
      kernel: string | null;
      profile: { ms: number; gops: number | null; share: number } | null;
    }[];
    macs: number;
  };
  t.match(
    described.layers.find((l) => l.id === 'features.8'),
    // 32 * 3 * 3 * 16 codes of 4 bits, 32 biases and two scales of 4 bytes
    { bytes: 2304 + 128 + 8, macs: 49 * 4608, weight: { codes: { bits: 4, granularity: 'per-tensor' } } },
  );
  t.equal(
    described.macs,
    described.layers.reduce((n, l) => n + l.macs, 0),
  );
  const share = described.layers.reduce((n, l) => n + (l.profile?.share ?? 0), 0);
  t.ok(Math.abs(share - 1) < 1e-9);
  const checkpoint = await cli(['inspect', at('whole.checkpoint')]);
  t.match(checkpoint.out[0], 'checkpoint after 2 epochs, 12 steps');
  const tensors = new Map([['w', new NDArray(Float32Array.of(-1.5, 2), [2, 1])]]);
  writeFileSync(at('plain.safetensors'), encodeSafetensors(tensors));
  const listed = await cli(['inspect', at('plain.safetensors')]);
  t.match(listed.out[3], /^w +float32 +\[2, 1\] +-1\.5\.\.2 +8$/);
});

t.test('running a model on an array', async (t) => {
  const pixels = new NDArray(
    Uint8Array.from({ length: 70 * 784 }, (_, i) => (i * 37) & 255),
    [70, 28, 28, 1],
  );
  const reals = Float32Array.from(pixels.data, (v) => (v / 255 - 0.286) / 0.353);
  writeFileSync(at('pixels.npy'), encodeNpy(pixels));
  writeFileSync(at('reals.npy'), encodeNpy(new NDArray(reals, pixels.shape)));
  const model = at('whole-ptq-w8a8.octo');
  const read = (name: string): NDArray => decodeNpy(bytes(name));
  for (const input of ['pixels', 'reals'])
    t.equal((await cli(['run', model, '--input', at(`${input}.npy`), '--output', at(input)])).code, 0);
  const scores = read('pixels/classifier.1_dequantize.npy');
  t.same(scores.shape, [70, 10]);
  t.same(read('reals/classifier.1_dequantize.npy'), scores, 'pixels are normalised as for training');

  const words = ['run', model, '--input', at('reals.npy'), '--all'];
  t.equal((await cli([...words, '--output', at('all')])).code, 0);
  t.equal((await cli([...words, '--output', at('codes'), '--codes'])).code, 0);
  t.same(read('all/classifier.1.npy'), scores);
  const codes = read('codes/classifier.1.npy');
  t.equal(codes.dtype, 'int8');
  t.ok(scores.data.every((v, i) => v > scores.data[0] === codes.data[i] > codes.data[0]));
  t.ok(readdirSync(at('all')).includes('maxPool2d_2.npy'));
  t.notOk(readdirSync(at('codes')).some((name) => name.includes('dequantize')));

  const wrong = (input: NDArray): Promise<Outcome> => {
    writeFileSync(at('wrong.npy'), encodeNpy(input));
    return cli(['run', model, '--input', at('wrong.npy'), '--output', at('none')]);
  };
  failsWith(t, await wrong(NDArray.zeros([1, 28, 27, 1], 'float32')), 1, 'the model takes [n, 28, 28, 1]');
  failsWith(t, await wrong(NDArray.zeros([1, 28, 28, 1], 'int32')), 1, 'int32 is no input of this model');
  failsWith(t, await wrong(NDArray.zeros([0, 28, 28, 1], 'float32')), 1, 'wrong.npy: is empty');
  const float = ['run', at('whole.octo'), '--input', at('reals.npy'), '--output', at('none')];
  failsWith(t, await cli([...float, '--codes']), 1, 'a float model, it has none');
  t.equal((await cli([...float, '--all'])).code, 0);
  t.ok(existsSync(at('none/relu_2.npy')));
});

t.test('files that are damaged or missing are one line', async (t) => {
  writeFileSync(at('cut.octo'), bytes('whole.octo').subarray(0, 9000));
  for (const command of ['evaluate', 'inspect', 'quantize']) {
    const { code, out, err } = await cli([command, at('cut.octo'), '--data', data]);
    if (command === 'inspect') {
      t.equal(code, 2, 'inspect reads no data set');
      continue;
    }
    t.equal(code, 1);
    t.same(out, []);
    t.equal(err.length, 1);
    t.match(err[0], new RegExp(`^octograd ${command}: .*cut.octo: .*truncated`));
  }
  failsWith(t, await cli(['inspect', at('cut.octo')]), 1, /cut.octo: .*truncated/);
  failsWith(t, await cli(['inspect', at('nowhere.octo')]), 1, 'it does not exist; check the path');
  failsWith(t, await cli(['evaluate', at('whole.octo'), '--data', at('nowhere')]), 1, 'no such folder');
});
