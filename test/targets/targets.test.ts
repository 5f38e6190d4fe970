/** Every profile: its sources, the config it makes, that what is quantized with it keeps its rules, and its documentation. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compareCodes, observedRanges, ptqConfig, qatConfig } from '../../src/quant/index.js';
import {
  lint,
  targetNamed,
  TARGETS,
  type Source,
  type Target,
  type TargetName,
} from '../../src/targets/index.js';
import { importedOps } from '../support/graphs.js';
import { batchOf, quantized, smallNet } from './nets.js';
import { missingOps, overview, rowsOf } from './tables.js';

const NAMES = Object.keys(TARGETS) as TargetName[];

/** Every source that a profile names, with where it stands. */
function* sourcesOf(target: Target): Iterable<[string, Source]> {
  const {
    quantization,
    ops,
    narrowWeights,
    fixedOutputs,
    integersOnly,
    staticShapes,
    axes,
    saturation,
    floatBiases,
  } = target;
  for (const [name, { source }] of Object.entries(quantization)) if (source !== null) yield [name, source];
  for (const [name, { source, constraints }] of Object.entries(ops)) {
    if (source !== null) yield [name, source];
    for (const constraint of constraints ?? []) yield [`${name} ${constraint.rule}`, constraint.source];
  }
  for (const source of [
    narrowWeights,
    fixedOutputs?.source,
    integersOnly,
    staticShapes,
    axes?.source,
    saturation,
    floatBiases,
  ])
    if (source) yield ['target', source];
}

t.test('profiles name themselves, and every source is a page', (t) => {
  for (const name of NAMES) {
    const target = TARGETS[name];
    t.equal(target.name, name);
    const sources = [...sourcesOf(target)];
    t.ok(sources.length >= 3, `${name}: ${sources.length} sources`);
    for (const [where, { title, url }] of sources) {
      t.equal(new URL(url).protocol, 'https:', `${name}, ${where}`);
      t.ok(title.length > 5, `${name}, ${where}: ${title}`);
    }
    for (const { takes } of Object.values(target.quantization)) t.ok(takes.length > 0);
  }
  t.throws(() => targetNamed('npu' as TargetName), {
    message: /target: npu is unknown; use one of onnxruntime, /,
  });
  t.throws(() => targetNamed('toString' as TargetName), { message: /unknown/ });
  t.end();
});

t.test('a target decides the config', (t) => {
  const settings = (name: TargetName): unknown[] => {
    const { weights, activations, concat, numerics } = ptqConfig({ target: name });
    const { quantMin, quantMax } = activations.range;
    return [
      quantMin,
      quantMax,
      activations.symmetric,
      weights.range.quantMax,
      weights.granularity,
      weights.linearGranularity,
      concat,
      numerics.numerics,
    ];
  };
  const [channel, tensor] = ['per-channel', 'per-tensor'];
  t.same(settings('onnxruntime'), [-128, 127, false, 127, channel, channel, 'free', 'float']);
  t.same(settings('tflite'), [-128, 127, false, 127, channel, tensor, 'equal', 'float']);
  t.same(settings('tflite-micro'), [-128, 127, false, 127, channel, tensor, 'equal', 'fixed']);
  t.same(settings('edgetpu'), [-128, 127, false, 127, channel, tensor, 'equal', 'fixed']);
  t.same(settings('openvino'), [-128, 127, false, 127, channel, channel, 'free', 'float']);
  t.same(settings('tensorrt'), [-128, 127, true, 127, channel, channel, 'free', 'float']);
  t.same(settings('qnn'), [0, 255, false, 127, channel, tensor, 'free', 'float']);
  t.same(settings('w8a7'), [0, 127, false, 127, channel, channel, 'free', 'float']);
  t.equal(qatConfig({ target: 'tensorrt' }).activations.symmetric, true);
  t.end();
});

t.test('choices that a target leaves free, and those that it refuses', (t) => {
  t.equal(ptqConfig({ target: 'tflite', weightBits: 4 }).weights.range.quantMax, 7);
  t.equal(ptqConfig({ target: 'openvino', weightBits: 7 }).weights.range.quantMax, 63);
  t.equal(
    ptqConfig({ target: 'openvino', granularity: 'per-tensor' }).weights.linearGranularity,
    'per-tensor',
  );
  t.equal(
    ptqConfig({ target: 'tflite', granularity: 'per-channel' }).weights.linearGranularity,
    'per-tensor',
  );
  const single = { numerics: 'fixed', rounding: 'single' } as const;
  t.same(ptqConfig({ target: 'tflite-micro', numerics: single }).numerics, single);
  for (const [options, message] of [
    [
      { target: 'tensorrt', symmetricActivations: false },
      /symmetricActivations: target tensorrt sets it to true \(https/,
    ],
    [{ target: 'tflite', weightBits: 6 }, /weightBits: target tflite takes 8 or 4, not 6 \(https/],
    [
      { target: 'tflite', linearGranularity: 'per-channel' },
      /linearGranularity: target tflite sets it to "per-tensor"/,
    ],
    [{ target: 'edgetpu', concat: 'free' }, /concat: target edgetpu sets it to "equal"/],
    [{ target: 'qnn', signed: true }, /signed: target qnn sets it to false/],
    [
      { target: 'tflite-micro', numerics: { numerics: 'float' } },
      /numerics: target tflite-micro takes {"numerics"/,
    ],
    [{ target: 'onnxruntime', bias: 'float' }, /bias: target onnxruntime sets it to "int32"/],
  ] as const)
    t.throws(() => ptqConfig(options), { name: 'QuantizationError', message });
  t.end();
});

t.test('what is quantized for a target keeps its rules, and runs on the same codes', (t) => {
  const graph = smallNet();
  for (const target of NAMES) {
    t.same(
      lint(graph, target).filter((v) => v.severity !== 'note'),
      [],
      `${target}: the float graph`,
    );
    const { module, integers } = quantized(graph, { target });
    const found = lint(integers, target, { ranges: observedRanges(module) });
    t.same(
      found.filter((v) => v.severity !== 'note'),
      [],
      `${target}: the integer graph`,
    );
    t.equal(
      compareCodes(module, integers, [batchOf(graph, 2, 3)]).codesDifferent,
      0,
      `${target}: no code differs`,
    );
  }
  t.end();
});

t.test('symmetric throughout: softmax and sigmoid too', (t) => {
  const { integers } = quantized(smallNet(), { target: 'tensorrt' });
  for (const { id, qparams } of integers.values.values())
    if (qparams !== null) t.equal(qparams.zeroPoint[0], 0, id);
  t.equal(integers.values.get('softmax')!.qparams!.scale[0], 1 / 128);
  const unsigned = quantized(smallNet(), { signed: false, symmetricActivations: true }).integers;
  for (const { id, qparams } of unsigned.values.values())
    if (qparams !== null) t.equal(qparams.zeroPoint[0], 128, id);
  t.end();
});

t.test('targets that have every op take what importers make', (t) => {
  for (const target of ['onnxruntime', 'openvino', 'tensorrt', 'w8a7'] as const) {
    const { integers } = quantized(importedOps(), { target });
    t.same(
      lint(integers, target).filter((v) => v.severity === 'error'),
      [],
      target,
    );
  }
  t.end();
});

t.test('docs/targets.md lists the rules as they are', (t) => {
  const plain = (line: string): string => line.replace(/ +/g, ' ').trim();
  const doc = readFileSync(fileURLToPath(new URL('../../docs/targets.md', import.meta.url)), 'utf8');
  const [head, ...sections] = doc.split('\n### ').map((part) => part.split('\n').map(plain));
  for (const row of overview()) t.ok(head.includes(row), row);
  t.equal(sections.length, NAMES.length);
  for (const [i, name] of NAMES.entries()) {
    const target = TARGETS[name];
    const section = sections[i];
    t.equal(section[0], `${target.title}: \`${name}\``);
    const rows = section.filter((line) => line.startsWith('| ')).slice(2);
    t.same(rows, rowsOf(target), `${name}: the table`);
    t.ok(section.join(' ').includes(missingOps(target)), `${name}: ${missingOps(target)}`);
    for (const note of target.notes) t.ok(section.includes(`- ${note}`), note);
  }
  t.end();
});
