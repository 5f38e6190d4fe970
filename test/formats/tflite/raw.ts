/** TFLite files with contents that encodeTflite would not write. */
import { Builder } from 'flatbuffers';
import { FILE_IDENTIFIER, MODEL } from '../../../src/formats/tflite/schema.js';

/** Tables as the schema has them, to change. */
export const RAW = {
  graph: { tensors: [], inputs: [], outputs: [], operators: [], name: '' },
  tensor: {
    shape: [2],
    type: 0,
    buffer: 0,
    name: 'w',
    quantization: null,
    isVariable: false,
    shapeSignature: [],
  },
  operator: {
    opcodeIndex: 0,
    inputs: [],
    outputs: [],
    optionsType: 0,
    options: { place: null, write: null },
    customOptions: null,
  },
  code: { shortCode: 0, customCode: '', version: 1, code: 0 },
};

/** A file of the given fields of the root. */
export function rawFile(fields: object): Uint8Array {
  const builder = new Builder();
  const empty = {
    operatorCodes: [],
    subgraphs: [],
    buffers: [{ data: null }],
    metadata: [],
    signatureDefs: [],
  };
  const root = { version: 3, description: '', ...empty, ...fields } as unknown as Parameters<
    typeof MODEL.write
  >[1];
  builder.finish(MODEL.write(builder, root), FILE_IDENTIFIER);
  return builder.asUint8Array();
}

/** A file of one tensor and one buffer; `build` makes what they refer to, and what it returns fills their tables. */
export function handmade(build: (b: Builder) => { tensor: () => void; buffer?: () => void }): Uint8Array {
  const b = new Builder();
  const { tensor, buffer } = build(b);
  const vector = (item: number): number => {
    b.startVector(4, 1, 4);
    b.addOffset(item);
    return b.endVector();
  };
  b.startObject(10);
  tensor();
  const tensors = vector(b.endObject());
  b.startObject(5);
  b.addFieldOffset(0, tensors, 0);
  const subgraphs = vector(b.endObject());
  b.startObject(3);
  buffer?.();
  const buffers = vector(b.endObject());
  b.startObject(8);
  b.addFieldInt32(0, 3, 0);
  b.addFieldOffset(2, subgraphs, 0);
  b.addFieldOffset(4, buffers, 0);
  b.finish(b.endObject(), FILE_IDENTIFIER);
  return b.asUint8Array().slice();
}
