/**
 * Writes src/formats/onnx/definition.ts: the fields of ONNX's messages that the codec uses, taken from the compiled
 * definition in the package onnx-buf. Run it after updating that package, or to add a field.
 *
 *   node scripts/onnx-definition.mjs
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath, URL } from 'node:url';
import { file_onnx as file } from 'onnx-buf';
import { format, resolveConfig } from 'prettier';

const MESSAGES = {
  ModelProto: [
    'ir_version',
    'opset_import',
    'producer_name',
    'producer_version',
    'graph',
    'metadata_props',
    'functions',
  ],
  OperatorSetIdProto: ['domain', 'version'],
  StringStringEntryProto: ['key', 'value'],
  GraphProto: ['node', 'name', 'initializer', 'sparse_initializer', 'input', 'output', 'value_info'],
  NodeProto: ['input', 'output', 'name', 'op_type', 'domain', 'attribute'],
  AttributeProto: [
    'name',
    'ref_attr_name',
    'type',
    ...['f', 'i', 's', 't', 'g', 'floats', 'ints', 'strings', 'tensors', 'graphs'],
  ],
  ValueInfoProto: ['name', 'type'],
  TypeProto: ['tensor_type'],
  'TypeProto.Tensor': ['elem_type', 'shape'],
  TensorShapeProto: ['dim'],
  'TensorShapeProto.Dimension': ['dim_value', 'dim_param'],
  TensorProto: [
    ...['dims', 'data_type', 'segment', 'float_data', 'int32_data', 'int64_data', 'name', 'raw_data'],
    ...['data_location', 'double_data', 'uint64_data'],
  ],
};
const ENUMS = { DATA_TYPE: 'TensorProto.DataType', ATTRIBUTE_TYPE: 'AttributeProto.AttributeType' };

/** The numbers that descriptor.proto gives to the scalar types. */
const SCALARS = {
  1: 'double',
  2: 'float',
  3: 'int64',
  4: 'uint64',
  5: 'int32',
  9: 'string',
  12: 'bytes',
  14: 'int32',
};
const MESSAGE = 11;
const REPEATED = 3;

const find = (kind, path) =>
  path
    .split('.')
    .reduce(
      (scope, name, i, names) =>
        (i < names.length - 1 || kind === 'message'
          ? scope[i ? 'nestedType' : 'messageType']
          : scope.enumType
        ).find((d) => d.name === name),
      file.proto,
    );

function field(message, name) {
  const f = find('message', message).field.find((f) => f.name === name);
  if (f === undefined) throw new Error(`${message} has no field ${name}`);
  const referred = f.typeName.replace('.onnx.', '');
  // What is not read further is bytes, which a message on the wire is.
  const type = f.type === MESSAGE ? (referred in MESSAGES ? referred : 'bytes') : SCALARS[f.type];
  return {
    number: f.number,
    text: `${name}: ${JSON.stringify([f.number, type, ...(f.label === REPEATED ? ['repeated'] : [])])}`,
  };
}

const messages = Object.entries(MESSAGES).map(([message, names]) => {
  const fields = names.map((name) => field(message, name)).sort((a, b) => a.number - b.number);
  return `${JSON.stringify(message)}: {${fields.map((f) => f.text).join(',')}}`;
});
const enums = Object.entries(ENUMS).map(
  ([constant, path]) =>
    `/** ${path} */\nexport const ${constant} = {${find('enum', path)
      .value.map((v) => `${v.name}: ${v.number}`)
      .join(',')}} as const;`,
);
const path = fileURLToPath(new URL('../src/formats/onnx/definition.ts', import.meta.url));
const text = `/**
 * The parts of ONNX's protobuf definition that the codec uses. Made by scripts/onnx-definition.mjs, not to be edited.
 *
 * Each field is [number, type], with 'repeated' for a list; a type that is no scalar names another message. They stand in
 * the order in which they are written.
 */
export const ONNX = {${messages.join(',')}} as const;

${enums.join('\n\n')}
`;
writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
