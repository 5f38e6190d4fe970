/** `octograd inspect`: what is in a file: the layers of a model, the tensors of anything else. */
import { formatShape, type NDArray } from '../../core/index.js';
import { decodeCheckpoint, decodeSafetensors } from '../../formats/index.js';
import { readBytes } from '../../node/index.js';
import { defineCommand, EXIT } from '../command.js';
import {
  describeModel,
  extremes,
  type CodesDescription,
  type LayerDescription,
  type ModelDescription,
} from '../describe.js';
import { isContainer, loadModel, printResult, readAs } from '../files.js';
import { formatBytes, formatCount, formatMilliseconds, formatPercent } from '../report/numbers.js';
import { columns, counted } from '../text.js';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'layers of a model, or tensors of a checkpoint or safetensors file',
  positionals: [
    { name: 'FILE', help: 'a model (.octo, .onnx, .tflite), a checkpoint or a safetensors file' },
  ],
  options: {
    profile: { kind: 'flag', help: 'integer models: time every layer, one image at a time' },
  },
  run({ positionals: [path], options }, io) {
    const bytes = readBytes(path);
    const file = { file: path, bytes: bytes.length };
    const stored = isContainer(bytes) ? readAs(path, decodeSafetensors) : null;
    if (stored === null || (stored.metadata.format === 'octograd' && stored.metadata.kind === 'model')) {
      const model = describeModel(loadModel(path), options.profile);
      printResult(io, options, modelLines(path, bytes.length, model), { ...file, ...model });
    } else {
      const list = [...stored.tensors].map(([name, array]) => describeTensor(name, array));
      const result = { ...file, ...headOf(path, stored.metadata), tensors: list };
      printResult(io, options, tensorLines(result), result);
    }
    return Promise.resolve(EXIT.ok);
  },
});

const number = (v: number): string => String(Number(v.toPrecision(3)));
const shapeText = (shape: readonly number[]): string => shape.join('x');
const span = (low: number, high: number): string =>
  low === high ? number(low) : `${number(low)}..${number(high)}`;

function codesText(codes: CodesDescription): string {
  const { bits, signed, scale, zero_point } = codes;
  return `${signed ? 'int' : 'uint'}${bits} * ${span(...scale)}${zero_point ? `, zero point ${zero_point}` : ''}`;
}

function modelLines(path: string, bytes: number, m: ModelDescription): string[] {
  const ends = (list: ModelDescription['inputs']): string =>
    list.map((v) => `${v.id} ${shapeText(v.shape)}`).join(', ');
  const coded = m.kind !== 'float';
  const memory =
    m.arena_bytes !== null
      ? `, ${formatBytes(m.arena_bytes)} arena for one image (${formatBytes(m.unshared_bytes!)} unshared)`
      : '';
  return [
    `${path}: ${m.kind} model${coded ? `, ${m.numerics} requantization` : ''}, ${formatBytes(bytes)}`,
    `${ends(m.inputs)} -> ${ends(m.outputs)}${m.labels.length > 0 ? ` (${m.labels.join(', ')})` : ''}`,
    '',
    ...layerTable(m.layers, coded),
    ...(coded ? ['', ...codesTable(m.layers)] : []),
    ...(m.layers.some(({ profile }) => profile !== null) ? ['', ...profileTable(m.layers)] : []),
    '',
    `${counted(m.parameters, 'parameter')} in ${formatBytes(m.parameter_bytes)}, ${counted(m.macs, 'multiply-add')} an image${memory}`,
  ];
}

/** Sizes and work; the last column is the kernel, or in float models the range of the weights. */
function layerTable(layers: readonly LayerDescription[], coded: boolean): string[] {
  const head = [
    'layer',
    'op',
    'output',
    'weight',
    'bytes',
    'multiply-adds',
    coded ? 'kernel' : 'weight range',
  ];
  const rows = layers.map(({ id, op, activation, shape, weight, bytes, macs, kernel }) => [
    id,
    op === 'activation' ? activation : op + (activation === 'none' ? '' : ` + ${activation}`),
    shapeText(shape),
    weight === null ? '' : shapeText(weight.shape),
    bytes === 0 ? '' : formatCount(bytes),
    macs === 0 ? '' : formatCount(macs),
    coded ? (kernel ?? '') : rangeText(weight),
  ]);
  return columns([head, ...rows], [4, 5]);
}

function codesTable(layers: readonly LayerDescription[]): string[] {
  const head = ['layer', 'output codes', 'weight codes', 'weight range'];
  const rows = layers.map(({ id, codes, weight }) => [
    id,
    codes === null ? 'float32' : codesText(codes),
    weight?.codes ? codesText(weight.codes) : '',
    rangeText(weight),
  ]);
  return columns([head, ...rows]);
}

function profileTable(layers: readonly LayerDescription[]): string[] {
  const rows = layers.flatMap(({ id, profile, kernel }) =>
    profile === null
      ? []
      : [
          [
            id,
            formatMilliseconds(profile.ms),
            formatPercent(profile.share),
            profile.gops === null ? '' : number(profile.gops),
            kernel!,
          ],
        ],
  );
  return columns([['layer', 'ms', 'share', 'Gop/s', 'kernel'], ...rows], [1, 2, 3]);
}

function rangeText(weight: LayerDescription['weight']): string {
  return weight === null ? '' : span(weight.min, weight.max);
}

interface TensorDescription {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly min: number;
  readonly max: number;
}

function describeTensor(name: string, { dtype, shape, data }: NDArray): TensorDescription {
  const [min, max] = extremes(data);
  return { name, dtype, shape, bytes: data.byteLength, min, max };
}

interface TensorFile {
  readonly file: string;
  readonly bytes: number;
  readonly kind: string;
  readonly summary: string;
  readonly tensors: readonly TensorDescription[];
}

function headOf(path: string, metadata: Readonly<Record<string, string>>): { kind: string; summary: string } {
  if (metadata.format !== 'octograd' || metadata.kind !== 'checkpoint')
    return { kind: 'safetensors', summary: 'safetensors file' };
  const { epoch, step } = readAs(path, decodeCheckpoint);
  return {
    kind: 'checkpoint',
    summary: `checkpoint after ${counted(epoch, 'epoch')}, ${counted(step, 'step')}`,
  };
}

function tensorLines({ file, bytes, summary, tensors }: TensorFile): string[] {
  const rows = tensors.map((t) => [
    t.name,
    t.dtype,
    formatShape(t.shape),
    span(t.min, t.max),
    formatCount(t.bytes),
  ]);
  return [
    `${file}: ${summary}, ${formatBytes(bytes)}, ${counted(tensors.length, 'tensor')}`,
    ...(rows.length > 0
      ? ['', ...columns([['tensor', 'dtype', 'shape', 'range', 'bytes'], ...rows], [4])]
      : []),
  ];
}
