/** No command writes over what it reads, nor two results into one file; found out before any work is done. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encodeModel, encodeNpy } from '../../src/formats/index.js';
import { Linear } from '../../src/nn/index.js';
import { trace } from '../../src/trace/index.js';
import { normal } from '../support/models.js';
import { cli } from './harness.js';

const dir = t.testdir();
const at = (name: string): string => join(dir, name);
// what is in them is not looked at
const FILES = ['m.octo', 'q.octo', 'm.onnx', 'm-float.octo', 'x.npy', 'run.checkpoint', 'photo.png'];
for (const name of FILES) writeFileSync(at(name), name);
mkdirSync(at('photos'));
writeFileSync(at('photos/a.png'), 'a');
symlinkSync(at('m.octo'), at('link.octo'));
symlinkSync(dir, at('same'));

t.test('what is read, and what is written twice', async (t) => {
  for (const [command, ...words] of [
    ['report', '@m.octo', '--html', '@m.octo'],
    ['report', '@m.octo', '--json', '@m.octo'],
    ['report', '@m.octo', '--html', '@link.octo'],
    ['report', '@m.octo', '--html', '@same/m.octo'],
    ['report', '@q.octo', '--float', '@m.octo', '--html', '@m.octo'],
    ['report', '@m.octo', '--calibrate', '@photos', '--json', '@photos/a.png'],
    ['evaluate', '@m.octo', '--json', '@m.octo'],
    ['inspect', '@link.octo', '--json', '@m.octo'],
    ['explain', '@q.octo', '--layer', '0', '--float', '@m.octo', '--json', '@m.octo'],
    ['explain', '@q.octo', '--layer', '0', '--input', '@x.npy', '--json', '@x.npy'],
    ['quantize', '@m.octo', '--out', '@m.octo'],
    ['quantize', '@m.octo', '--resume', '@run.checkpoint', '--json', '@run.checkpoint'],
    ['compress', '@m.octo', '--json', '@m.octo'],
    ['compress', '@m-float.octo', '--out', '@m.octo'],
    ['export', '@m.onnx', '--format', 'onnx'],
    ['export', '@m.onnx', '--format', 'onnx', '--out', '@same'],
    ['train', '--resume', '@run.checkpoint', '--out', '@run.checkpoint'],
    ['train', '--out', '@new/net.octo', '--json', '@new/net.checkpoint'],
    ['detect', '@photo.png', '--out', '@photo.jpg'],
    ['report', '@m.octo', '--html', '@new', '--json', '@new'],
    ['report', '@m.octo', '--json', '@m-report.html'],
    ['report', '@m.octo', '--html', '@new/page', '--json', '@same/new/page'],
    ['report', '@m.octo', '--html', '@photos'],
    ['evaluate', '@m.octo', '--json', '@photos'],
  ]) {
    const line = [command, ...words].join(' ');
    const { code, err } = await cli([command, ...words.map((word) => word.replace(/^@/, `${dir}/`))]);
    t.equal(code, 2, line);
    t.match(err, [/--(html|json|out): \S+ (is read here|is written by --\w+ too|is a folder)/], line);
  }
  for (const name of FILES) t.equal(readFileSync(at(name), 'utf8'), name, `${name} is as it was`);
  t.notOk(existsSync(at('new')));
});

t.test('outputs of a run that would land on its input', async (t) => {
  const model = trace(new Linear(3, 2), normal([1, 3]));
  writeFileSync(at('net.octo'), encodeModel(model, { labels: [], normalization: null }));
  const [output] = model.outputs;
  const input = at(`${output}.npy`);
  writeFileSync(input, encodeNpy(normal([4, 3]).value));
  const before = readFileSync(input);
  const words = ['run', at('net.octo'), '--input', input, '--output'];
  const refused = await cli([...words, at('same')]);
  t.equal(refused.code, 2);
  t.match(refused.err, [/^octograd run: --output: \S+\.npy is read here/]);
  t.ok(readFileSync(input).equals(before));
  t.equal((await cli([...words, at('results')])).code, 0);
  t.ok(existsSync(at(`results/${output}.npy`)));
});
