/** Safetensors files whose headers are made to hurt a reader of JSON. */
import { latin1 } from './common.js';

function file(header: string): Uint8Array {
  const text = latin1(header);
  const out = new Uint8Array(8 + text.length);
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 8);
  return out;
}

const entries = (bytes: number, entry: (i: number) => string): string => {
  const parts: string[] = [];
  for (let i = 0, length = 0; length < bytes; i++) length += parts[parts.push(entry(i)) - 1].length + 1;
  return parts.join(',');
};

/** Headers of about `bytes` characters. */
export function hostileSafetensors(bytes: number): [name: string, file: Uint8Array][] {
  const deep = Math.floor(bytes / 6);
  return [
    ['deep lists', file(`{"x":${'['.repeat(deep)}${']'.repeat(deep)}}`)],
    ['deep objects', file(`{"x":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`)],
    ['many lists', file(`{"x":[${entries(bytes, () => '[]')}]}`)],
    ['many objects', file(`{"x":[${entries(bytes, () => '{}')}]}`)],
    ['many axes', file(`{"x":{"dtype":"U8","shape":[${entries(bytes, () => '0')}],"data_offsets":[0,0]}}`)],
    [
      'many tensors',
      file(`{${entries(bytes, (i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`),
    ],
    ['much metadata', file(`{"__metadata__":{${entries(bytes, (i) => `"${i}":""`)}}}`)],
    ['a long name', file(`{"${'x'.repeat(bytes)}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`)],
  ];
}
