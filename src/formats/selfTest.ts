/** A self-test that travels in a file: inputs and what the model made of them, as JSON. */
import { FormatError, NDArray, sizeOf } from '../core/index.js';
import { formatJson, parseJson, type Json } from './json.js';
import { list, object, oneOf, shape, text } from './modelSchema.js';

/** Arrays by the names of inputs and outputs, in the types and layouts of the file that they are in. */
export interface SelfTest {
  readonly inputs: ReadonlyMap<string, NDArray>;
  readonly outputs: ReadonlyMap<string, NDArray>;
}

const DTYPES = ['float32', 'int8', 'uint8'] as const;
/** Arguments of one call of String.fromCharCode. */
const CHUNK = 1 << 13;

function toBase64(bytes: Uint8Array): string {
  let characters = '';
  for (let i = 0; i < bytes.length; i += CHUNK)
    characters += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(characters);
}

function fromBase64(encoded: string, what: string): Uint8Array {
  let characters: string;
  try {
    characters = atob(encoded);
  } catch {
    throw new FormatError(`${what}: not base64; the file is corrupt`);
  }
  return Uint8Array.from(characters, (c) => c.charCodeAt(0));
}

function writeArrays(arrays: ReadonlyMap<string, NDArray>): Json {
  return Array.from(arrays, ([name, { dtype, shape, data }]): Json => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { name, dtype, shape, data: toBase64(bytes) };
  });
}

const readArrays = list((value, where): [string, NDArray] => {
  const tensor = object({ name: text, dtype: oneOf(...DTYPES), shape, data: text })(value, where);
  const bytes = fromBase64(tensor.data, where);
  const size = sizeOf(tensor.shape) * (tensor.dtype === 'float32' ? 4 : 1);
  if (bytes.length !== size)
    throw new FormatError(`${where}: ${bytes.length} bytes where the shape has ${size}; the file is corrupt`);
  const data =
    tensor.dtype === 'float32'
      ? new Float32Array(bytes.buffer)
      : tensor.dtype === 'int8'
        ? new Int8Array(bytes.buffer)
        : bytes;
  return [tensor.name, new NDArray(data, tensor.shape)];
});

export function writeSelfTest({ inputs, outputs }: SelfTest): string {
  return formatJson({ inputs: writeArrays(inputs), outputs: writeArrays(outputs) }, 'selfTest');
}

/** Throws {@link FormatError} for text that {@link writeSelfTest} does not write. */
export function readSelfTest(text: string): SelfTest {
  const what = 'self-test';
  const json = parseJson(text, what);

  const { inputs, outputs } = object({ inputs: readArrays, outputs: readArrays })(json, what);
  return { inputs: new Map(inputs), outputs: new Map(outputs) };
}
