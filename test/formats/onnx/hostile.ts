/** ONNX files made to hurt a reader: deep nesting, many tiny parts, numbers that expand. Written byte by byte. */

const concat = (parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));

export const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];

/** A field whose value is bytes: a message, a string, a list. Field numbers up to 15. */
export function field(number: number, ...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concat([[(number << 3) | 2], varint(length), ...parts]);
}
export const text = (number: number, value: string): Uint8Array =>
  field(number, new TextEncoder().encode(value));

/** ModelProto: ir_version 8, and a graph of these fields. */
export function model(...graph: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return concat([[8, 8], field(7, ...graph)]);
}

/** `count` times the same bytes. */
export function many(count: number, part: Uint8Array): Uint8Array {
  const out = new Uint8Array(count * part.length);
  for (let i = 0; i < count; i++) out.set(part, i * part.length);
  return out;
}

/** A graph in a node's attribute in a graph, that deep. */
export function nested(depth: number): Uint8Array {
  let graph = new Uint8Array(0) as Uint8Array;
  for (let i = 0; i < depth; i++)
    graph = field(1, text(4, 'If'), field(5, text(1, 'body'), field(6, graph), [0xa0, 1, 5])); // its type: GRAPH
  return graph;
}

/** Files of about `bytes` bytes. */
export function hostileOnnx(bytes: number): [name: string, file: Uint8Array][] {
  const times = (part: Uint8Array): Uint8Array => many(Math.floor(bytes / part.length), part);
  const operator = text(4, 'A');
  return [
    ['graphs to the limit', model(nested(32))],
    ['graphs beyond it', model(times(nested(Math.min(1000, bytes / 20))))],
    ['empty nodes', model(times(field(1)))],
    ['smallest nodes', model(times(field(1, operator)))],
    ['outputs without a name', model(field(1, operator, times(field(2))))],
    ['inputs', model(field(1, operator, times(text(1, 'a'))))],
    ['equal attributes', model(field(1, operator, times(field(5, [0xa0, 1, 7]))))],
    [
      'integers of one byte',
      model(field(1, operator, field(5, [0xa0, 1, 7], field(8, new Uint8Array(bytes))))),
    ],
    ['integers one by one', model(field(1, operator, field(5, [0xa0, 1, 7], times(Uint8Array.of(0x40, 1)))))],
    [
      'elements of one byte',
      model(field(5, field(1, varint(bytes)), [0x10, 7], field(7, new Uint8Array(bytes)), text(8, 't'))),
    ],
    ['axes', model(field(5, field(1, new Uint8Array(bytes)), [0x10, 1], text(8, 't')))],
    ['unknown fields', model(times(Uint8Array.of(0x70, 1)))],
    ['groups that stay open', model(new Uint8Array(bytes).fill(0x1b))],
    ['a long name', model(text(2, 'é'.repeat(bytes / 2)))],
  ];
}
