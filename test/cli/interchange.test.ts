/** Models of other formats on the command line: export, verify, quantize from and to them, faces in a photo. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { NDArray } from '../../src/core/index.js';
import { decodeNpy, encodeNpy } from '../../src/formats/index.js';
import { readImage } from '../../src/node/index.js';
import { cli, writeSmallData } from './harness.js';

const folder = t.testdir();
const data = writeSmallData(join(folder, 'data'), 256, 64);
const file = (name: string): string => join(folder, name);
const photo = join(process.cwd(), 'data/photos/astronaut.jpg');
const json = (lines: readonly string[]): Record<string, unknown> =>
  JSON.parse(lines.join('\n')) as Record<string, unknown>;

t.before(async () => {
  const args = ['--data', data, '--model', 'residual', '--epochs', '1', '--out', file('net.octo')];
  await cli(['train', ...args]);
});

for (const format of ['onnx', 'tflite'])
  t.test(`a float model as ${format}, verified, and quantized from there`, async (t) => {
    const path = file(`net.${format}`);
    const exported = await cli(['export', file('net.octo'), '--format', format, '--out', path]);
    t.equal(exported.code, 0, exported.err.join('\n'));
    t.match(exported.out.join('\n'), /read back and run here/);
    const verified = await cli(['verify', path]);
    t.equal(verified.code, 0);
    t.match(verified.out.join('\n'), new RegExp(`float ${format} model.*self-test passed`, 's'));

    const target = format === 'onnx' ? 'onnxruntime' : 'tflite-micro';
    const args = ['--data', data, '--format', format, '--target', target, '--json', '-'];
    const quantized = await cli(['quantize', path, ...args, '--out', file(`q.${format}`)]);
    t.equal(quantized.code, 0, quantized.err.join('\n'));
    const result = json(quantized.out);
    t.match(result, { format, exactness: { codes_different: 0 }, audit: { islands: [] } });
    t.equal((await cli(['verify', file(`q.${format}`)])).code, 0);
    const accuracy = await cli(['evaluate', file(`q.${format}`), '--data', data, '--json', '-']);
    t.match(json(accuracy.out), { top1: (result['integer'] as { top1: number }).top1 });

    const float = await cli(['inspect', path]);
    t.match(float.out[0], `${path}: float model, `);
    const integer = await cli(['inspect', file(`q.${format}`)]);
    t.match(integer.out[0], /integer model, f\S+ requantization, \d/);
    const { layers } = json((await cli(['inspect', file(`q.${format}`), '--json', '-'])).out) as {
      layers: { id: string; weight: object | null }[];
    };
    const layer = layers.find(({ weight }) => weight !== null)!.id;
    t.match(integer.out.join('\n'), new RegExp(`\\n${layer} +conv2d`));
    const words = ['explain', file(`q.${format}`), '--data', data, '--float', file('net.octo')];
    const one = json((await cli([...words, '--layer', layer, '--json', '-'])).out);
    t.type(one['float'], 'number', 'whatever its name is there, the float network has it');
    const wrong = await cli([...words.slice(0, -1), file(`q.${format}`), '--layer', layer]);
    t.equal(wrong.code, 2);
    t.match(wrong.err[0], /--float: \S+ is no float model/);
  });

t.test('too much accuracy lost: the layers are named, and nothing is written', async (t) => {
  const out = file('low.octo');
  const bits = ['--weight-bits', '2', '--activation-bits', '2', '--granularity', 'per-tensor'];
  const args = ['--data', data, '--max-drop', '0', '--out', out];
  const { code, err } = await cli(['quantize', file('net.octo'), ...bits, ...args]);
  t.equal(code, 1);
  t.match(
    err.join('\n'),
    /points of accuracy, --max-drop allows 0; most is lost in .* dB\).*nothing was written/,
  );
  t.notOk(existsSync(out));
});

t.test('a network without labels: signal to noise, on inputs kept apart', async (t) => {
  const images = Float32Array.from({ length: 8 * 784 }, (_, i) => Math.sin(i / 5));
  writeFileSync(file('x.npy'), encodeNpy(new NDArray(images, [8, 28, 28, 1])));
  const args = ['--calibrate', file('x.npy'), '--format', 'onnx', '--out', file('noise.onnx'), '--json', '-'];
  const { code, out, err } = await cli(['quantize', file('net.octo'), ...args]);
  t.equal(code, 0, err.join('\n'));
  t.match(json(out), { held_out: 2, sqnr: [{ sqnr: Number }] });
  const high = await cli(['quantize', file('net.octo'), ...args, '--min-sqnr', '200']);
  t.equal(high.code, 1);
  t.match(high.err.join('\n'), /--min-sqnr asks for 200; most is lost in/);
  const wrong = await cli(['quantize', file('net.octo'), ...args, '--method', 'qat']);
  t.equal(wrong.code, 2);
});

t.test('several outputs: run on an array, measured and explained on inputs of their own', async (t) => {
  const blazeface = join(process.cwd(), 'data/blazeface/face_detection_front.onnx');
  writeFileSync(file('face.npy'), encodeNpy(NDArray.zeros([2, 128, 128, 3], 'float32')));
  const words = ['run', blazeface, '--input', file('face.npy'), '--output', file('faces'), '--json', '-'];
  const { files } = json((await cli(words)).out) as { files: { file: string; shape: number[] }[] };
  t.same(
    files.map(({ shape }) => shape),
    [
      [2, 512, 1],
      [2, 384, 1],
      [2, 512, 16],
      [2, 384, 16],
    ],
  );
  for (const { file: path, shape } of files)
    t.same(decodeNpy(new Uint8Array(readFileSync(path))).shape, shape);
  const report = await cli(['report', blazeface, '--html', file('face.html')]);
  t.equal(report.code, 1);
  t.match(report.err[0], /the model has 1 input and 4 outputs, .*--calibrate/);
});

t.test('files that are no model, inputs that are no numbers', async (t) => {
  writeFileSync(file('empty.octo'), '');
  writeFileSync(file('text.octo'), 'a text that is longer than the header of a model');
  for (const command of ['inspect', 'evaluate']) {
    t.match((await cli([command, file('empty.octo')])).err[0], /empty\.octo: is empty/);
    t.match((await cli([command, file('text.octo')])).err[0], /text\.octo: holds no octograd model/);
  }
  const images = NDArray.zeros([3, 28, 28, 1], 'float32');
  images.data[784 + 30] = NaN;
  writeFileSync(file('nan.npy'), encodeNpy(images));
  writeFileSync(file('none.npy'), encodeNpy(NDArray.zeros([0, 28, 28, 1], 'float32')));
  for (const words of [
    ['explain', file('q.onnx'), '--layer', 'input', '--input'],
    ['report', file('net.octo'), '--html', file('nan.html'), '--calibrate'],
  ]) {
    const nan = await cli([...words, file('nan.npy')]);
    t.equal(nan.code, 1);
    t.match(nan.err[0], /nan\.npy: element \[1, 1, 2, 0\] is NaN/);
    t.match((await cli([...words, file('none.npy')])).err[0], /none\.npy: is empty/);
  }
});

t.test('a file without a self-test, and a damaged one', async (t) => {
  const none = await cli(['verify', file('net.octo')]);
  t.equal(none.code, 1);
  t.match(none.err.join('\n'), /carries no self-test/);
  const bytes = readFileSync(file('net.onnx'));
  writeFileSync(file('cut.onnx'), bytes.subarray(0, bytes.length >> 1));
  const cut = await cli(['verify', file('cut.onnx')]);
  t.equal(cut.code, 1);
  t.match(cut.err.join('\n'), /cut\.onnx/);
});

t.test('a face in a photo, in FP32 and INT8', async (t) => {
  const out = file('faces.png');
  const found = await cli(['detect', photo, '--out', out, '--json', '-']);
  t.equal(found.code, 0, found.err.join('\n'));
  const result = json(found.out) as { float: { boxes: { left: number }[] }; kept: number };
  t.equal(result.float.boxes.length, 1);
  t.ok(result.float.boxes[0].left > 100 && result.float.boxes[0].left < 250);
  t.equal(result.kept, 1);
  const [height, width] = readImage(out).shape;
  t.ok(height === 512 && width > 1024, 'two pictures side by side');
  const integers = await cli(['detect', photo, '--model', file('q.onnx'), '--out', out]);
  t.equal(integers.code, 1);
  t.match(integers.err.join('\n'), /integer model; give the float model/);
  const other = await cli(['detect', photo, '--model', file('net.onnx'), '--out', out]);
  t.equal(other.code, 1);
});
