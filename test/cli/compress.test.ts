/** The methods of the laboratory from the command line, and trainings inside commands that are stopped and gone on with. */
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodeModel, encodeModel } from '../../src/formats/index.js';
import { cli, writeSmallData, type Outcome } from './harness.js';

const dir = t.testdir();
const data = writeSmallData(join(dir, 'data'), 32, 10);
const at = (name: string): string => join(dir, name);
const bytes = (name: string): Buffer => readFileSync(at(name));
const json = (name: string): unknown => JSON.parse(bytes(name).toString());

function failsWith(t: Test, { code, err }: Outcome, expected: number, message: string | RegExp): void {
  t.equal(code, expected, `exit code ${expected}`);
  t.match(err[err.length - 1], message);
}

/** Stopped at a line of progress: in a training, after the step that follows. */
function stopped(words: readonly string[], line: RegExp): Promise<Outcome> {
  const controller = new AbortController();
  const onProgress = (text: string): void => {
    if (line.test(text)) controller.abort();
  };
  return cli(words, { signal: controller.signal, onProgress });
}

/** The words after `octograd` of the line that says how to go on. */
const again = ({ err }: Outcome): string[] =>
  / go on with: octograd (.*)$/.exec(err[err.length - 1])![1].split(' ');

const cut = (name: string): void => writeFileSync(at(name), bytes(name).subarray(0, -50));
const flip = (name: string): void => {
  const content = bytes(name);
  content[content.length >> 1] ^= 1;
  writeFileSync(at(name), content);
};

t.before(async () => {
  const train = ['train', '--data', data, '--epochs', '1', '--batch', '16', '--lr', '0.05'];
  await cli([...train, '--out', at('plain.octo')]);
});

const QUANTIZE = ['quantize', at('plain.octo'), '--data', data, '--compare', '4', '--calibration', '16'];

t.test('methods after training, and bits of single layers', async (t) => {
  const { code, out, err } = await cli([
    ...[...QUANTIZE, '--weight-bits', '4', '--granularity', 'per-tensor', '--equalize', '--correct-bias'],
    ...[
      '--layer-bits',
      'input=7,features.0=w8,classifier.1=6',
      '--out',
      at('ptq.octo'),
      '--json',
      at('ptq.json'),
    ],
  ]);
  t.equal(code, 0, err.join('\n'));
  t.match(out.join('\n'), /\n0 of [\d,]+ codes differ/);
  t.match(json('ptq.json'), {
    methods: {
      equalize: true,
      correct_bias: true,
      adaround: false,
      layer_bits: /^input=7/,
      weight_quantizer: null,
    },
    exactness: { codes_different: 0 },
  });
  const { graph } = decodeModel(bytes('ptq.octo'));
  const bits = (id: string): number => graph.values.get(id)!.qparams!.quantMax;
  const weightBits = (id: string): number => {
    const node = graph.nodes.find((n) => n.id === id) as { weight: string };
    return graph.params.get(node.weight)!.qparams!.quantMax;
  };
  t.same([bits('input/quantize'), bits('features.4'), bits('classifier.1')], [63, 127, 31]);
  t.same([weightBits('features.0'), weightBits('features.4'), weightBits('classifier.1')], [127, 7, 31]);

  const plain = await cli([...QUANTIZE, '--weight-bits', '4', '--out', at('none.octo')]);
  t.equal(plain.code, 0);
  for (const method of ['--equalize', '--reestimate-batch-norm', '--correct-bias']) {
    t.equal(
      (await cli([...QUANTIZE, '--weight-bits', '4', method, '--out', at('one.octo')])).code,
      0,
      method,
    );
    t.notOk(bytes('one.octo').equals(bytes('none.octo')), `${method} does something`);
  }
});

t.test('options that do not go together, and names that are not there', async (t) => {
  for (const [words, code, message] of [
    [['--weight-quantizer', 'lsq'], 2, '--weight-quantizer is for --method qat'],
    [['--method', 'qat', '--adaround'], 2, '--adaround is for --method ptq'],
    [['--method', 'qat', '--correct-bias'], 2, '--correct-bias is for --method ptq'],
    [['--method', 'qat', '--reestimate-batch-norm'], 2, '--reestimate-batch-norm is for --method ptq'],
    [['--quantize-at', '0.5'], 2, '--quantize-at is for --method qat'],
    [['--equalize', '--reestimate-batch-norm'], 2, 'choose one'],
    [['--method', 'qat', '--activation-quantizer', 'lsq++'], 2, 'did you mean lsq+?'],
    [['--layer-bits', 'classifer.1=4'], 1, "'classifer.1' is not in the model; did you mean classifier.1?"],
    [['--layer-bits', 'features.0=9'], 2, "'features.0=9' must be NAME=BITS, with 2 to 8 bits"],
    [['--layer-bits', 'input=w4'], 1, 'layers.input: it has no weights'],
    [['--resume', 'x.checkpoint'], 2, '--resume is for --method qat'],
    [['--method', 'qat', '--resume', at('plain.checkpoint')], 1, 'one of octograd train; give it to that'],
    [['--method', 'qat', '--resume', at('nowhere')], 1, 'nowhere: it does not exist'],
  ] as const)
    failsWith(t, await cli([...QUANTIZE, ...words]), code, message);
  const qat = ['train', '--data', data, '--resume'];
  failsWith(t, await cli([...qat, at('plain.octo')]), 1, 'the file holds a model, a checkpoint is expected');
});

t.test('training with learned scales, stopped anywhere and gone on with', async (t) => {
  const words = [
    ...[...QUANTIZE, '--method', 'qat', '--weight-bits', '3', '--activation-bits', '4', '--batch', '16'],
    ...['--weight-quantizer', 'lsq', '--activation-quantizer', 'pact', '--epochs', '2'],
    ...['--quantize-at', '0.4'],
  ];
  t.equal((await cli([...words, '--out', at('whole.octo')])).code, 0);
  for (const [name, line, damage] of [
    ['first', /^calibrating/, null],
    ['flipped', /^epoch 1/, flip],
  ] as const) {
    const stop = await stopped([...words, '--out', at(`${name}.octo`)], line);
    failsWith(t, stop, 130, /stopped before batch [12] of epoch [12]; go on with: octograd quantize/);
    t.notOk(existsSync(at(`${name}.octo`)));
    damage?.(`${name}.checkpoint`);
    const { code, err } = await cli(again(stop));
    t.equal(code, 0, err.join('\n'));
    t.equal(
      err.some((text) => /truncated or corrupt; going on from .*previous$/.test(text)),
      damage !== null,
    );
    t.ok(bytes(`${name}.octo`).equals(bytes('whole.octo')), `${name}: the same bits`);
    t.notOk(
      readdirSync(dir).some((file) => file.startsWith(`${name}.checkpoint`)),
      'nothing to go on with is left',
    );
  }

  const stop = await stopped([...words, '--out', at('other.octo')], /^epoch 1/);
  const resume = again(stop);
  const changed = resume.map((word, i) => (resume[i - 1] === '--weight-bits' ? '4' : word));
  failsWith(
    t,
    await cli(changed),
    2,
    '--weight-bits: 4 here, 3 in the checkpoint; give what the run began with',
  );
  failsWith(t, await cli([...resume, '--limit', '32']), 2, '--limit: 32 here, none in the checkpoint');
  const model = at('model.octo');
  const { graph, info } = decodeModel(bytes('plain.octo'));
  writeFileSync(model, encodeModel(graph, { ...info, labels: [] }));
  const moved = resume.map((word) => (word === at('plain.octo') ? model : word));
  failsWith(t, await cli(moved), 2, 'the run began with another model file');
  const fewer = writeSmallData(at('fewer'), 16, 10);
  const elsewhere = resume.map((word) => (word === data ? fewer : word));
  failsWith(t, await cli(elsewhere), 1, 'of a run of 2 batches an epoch, this one has 1; use the same data');
  cut('other.checkpoint');
  copyFileSync(at('other.checkpoint'), at('other.checkpoint.previous'));
  failsWith(
    t,
    await cli(resume),
    1,
    /other.checkpoint: .*; .*other.checkpoint.previous: .*start the run again$/,
  );
});

t.test('a float training whose newest checkpoint is damaged or gone', async (t) => {
  const train = ['train', '--data', data, '--epochs', '3', '--batch', '16', '--lr', '0.05'];
  t.equal((await cli([...train, '--out', at('float.octo')])).code, 0);
  t.equal((await stopped([...train, '--out', at('half.octo')], /^epoch 2/)).code, 130);
  flip('half.checkpoint');
  const { code, err } = await cli(['train', '--data', data, '--resume', at('half.checkpoint')]);
  t.equal(code, 0);
  t.match(err[0], /half.checkpoint: .*truncated or corrupt; going on from .*half.checkpoint.previous/);
  t.ok(bytes('half.octo').equals(bytes('float.octo')));
});

t.test('prune, distil, train with quantization', async (t) => {
  const words = [
    ...[
      'compress',
      at('plain.octo'),
      '--data',
      data,
      '--batch',
      '16',
      '--calibration',
      '32',
      '--compare',
      '8',
    ],
    ...['--epochs', '2', '--qat-epochs', '2', '--sparsity', '0.6', '--weight-quantizer', 'lsq'],
  ];
  const { code, out, err } = await cli([...words, '--out', at('small.octo'), '--json', at('small.json')]);
  t.equal(code, 0, err.join('\n'));
  t.match(out[1], /^dense float +[\d.]+ % +[\d.]+ KiB +[\d.]+ KiB +[\d.]+ +.*plain.octo/);
  t.match(
    out[4],
    /^59\.\d\d % of the weights left were pruned, ([\d,]+) of these \1 are code 0 in the integers/,
  );
  t.match(out[5], /^0 of [\d,]+ codes differ/);
  const result = json('small.json') as {
    variants: { bytes: number; gzip_bytes: number }[];
    sparsity: number;
  };
  const [dense, pruned, integer] = result.variants;
  t.ok(pruned.bytes < dense.bytes / 2 && integer.bytes < pruned.bytes);
  t.ok(integer.gzip_bytes < integer.bytes);
  const { graph } = decodeModel(bytes('small-float.octo'));
  const arrays = [...graph.params.values()].filter(({ array }) => array.rank >= 2).map(({ array }) => array);
  const zeros = arrays.reduce((n, { data }) => n + data.filter((w) => w === 0).length, 0);
  t.equal(zeros / arrays.reduce((n, { size }) => n + size, 0), result.sparsity);

  for (const [name, line, damage] of [
    ['a', /teach/, null],
    ['b', /^weights of/, flip],
  ] as const) {
    const stop = await stopped([...words, '--out', at(`${name}.octo`)], line);
    failsWith(t, stop, 130, 'go on with: octograd compress');
    damage?.(`${name}.checkpoint`);
    t.equal((await cli(again(stop))).code, 0);
    t.ok(bytes(`${name}.octo`).equals(bytes('small.octo')), `${name}: the same integers`);
    t.ok(bytes(`${name}-float.octo`).equals(bytes('small-float.octo')), `${name}: the same student`);
  }
  const moved = await cli([
    ...words,
    '--augment',
    '--sparsity',
    '0',
    '--channels',
    '0',
    '--out',
    at('all.octo'),
  ]);
  t.equal(moved.code, 0);
  t.match(moved.out[4], /^0\.00 % of the weights left were pruned/);
  const integers = ['compress', at('small.octo'), '--data', data];
  failsWith(t, await cli(integers), 1, 'is an integer model already');
});
