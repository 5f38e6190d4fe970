/**
 * A self-test that travels in a file: inputs and what the model made of them, as JSON. It is meant to be small: inputs that
 * consist of blocks of equal numbers are stored by block, and of long outputs every n-th number.
 */
import { FormatError, NDArray, sizeOf, stridesOf, type Shape } from '../core/index.js';
import { formatJson, parseJson, type Json } from './json.js';
import { count, list, object, oneOf, shape, text } from './modelSchema.js';

/** Arrays by the names of inputs and outputs, in the types and layouts of the file that they are in. */
export interface SelfTest {
  readonly inputs: ReadonlyMap<string, NDArray>;
  readonly outputs: ReadonlyMap<string, NDArray>;
  /** Outputs of which only every n-th number is there, as one axis. */
  readonly every?: ReadonlyMap<string, number>;
}

/** Numbers of an output that are stored. */
const OUTPUT_NUMBERS = 2048;
/** The largest blocks that are looked for, along every axis. */
const LARGEST_BLOCK = 64;

/** The index in `a` of each element of an array of `shape` whose blocks of `steps` are the elements of `a`, or the reverse. */
function* blockIndices(shape: Shape, steps: readonly number[]): Generator<[whole: number, block: number]> {
  const blocks = stridesOf(shape.map((d, i) => Math.ceil(d / steps[i])));
  const position = new Array<number>(shape.length).fill(0);
  for (let i = 0, size = sizeOf(shape); i < size; i++) {
    yield [i, position.reduce((sum, p, axis) => sum + Math.floor(p / steps[axis]) * blocks[axis], 0)];
    for (let axis = shape.length - 1; axis >= 0 && ++position[axis] === shape[axis]; axis--)
      position[axis] = 0;
  }
}

/** Per axis, the largest power of two in whose blocks neighbours are equal. */
function blocksOf({ shape, data }: NDArray): number[] {
  const strides = stridesOf(shape);
  return shape.map((size, axis) => {
    for (let step = LARGEST_BLOCK; step > 1; step >>= 1) {
      if (size < step) continue;
      let equal = true;
      for (let i = 0; equal && i < data.length; i++) {
        const at = Math.floor(i / strides[axis]) % size;
        equal = Object.is(data[i], data[i - (at % step) * strides[axis]]);
      }
      if (equal) return step;
    }
    return 1;
  });
}

function compressed(array: NDArray, steps: readonly number[]): NDArray {
  const small = NDArray.empty(
    array.shape.map((d, i) => Math.ceil(d / steps[i])),
    array.dtype,
  );
  for (const [whole, block] of blockIndices(array.shape, steps)) small.data[block] = array.data[whole];
  return small;
}

function expanded(small: NDArray, shape: Shape, steps: readonly number[]): NDArray {
  const array = NDArray.empty(shape, small.dtype);
  for (const [whole, block] of blockIndices(shape, steps)) array.data[whole] = small.data[block];
  return array;
}

function everyNth(array: NDArray, n: number): NDArray {
  const data = array.data.filter((_: number, i: number) => i % n === 0);
  return new NDArray(data, [data.length]);
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

function writeData({ data }: NDArray): string {
  return toBase64(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function readData(
  tensor: { readonly dtype: (typeof DTYPES)[number]; readonly data: string },
  shape: Shape,
  where: string,
): NDArray {
  const bytes = fromBase64(tensor.data, where);
  const size = sizeOf(shape) * (tensor.dtype === 'float32' ? 4 : 1);
  if (bytes.length !== size)
    throw new FormatError(`${where}: ${bytes.length} bytes where the shape has ${size}; the file is corrupt`);
  const data =
    tensor.dtype === 'float32'
      ? new Float32Array(bytes.buffer)
      : tensor.dtype === 'int8'
        ? new Int8Array(bytes.buffer)
        : bytes;
  return new NDArray(data, shape);
}

const TENSOR = { name: text, dtype: oneOf(...DTYPES), shape, data: text };
/** Blocks may make an input so many times larger than its text. */
const MAX_EXPANSION = LARGEST_BLOCK ** 2;

const readInputs = list((value, where): [string, NDArray] => {
  const tensor = object({ ...TENSOR, blocks: list(count) })(value, where);
  const { shape, blocks } = tensor;
  if (blocks.length !== shape.length || blocks.some((b) => b < 1 || b > LARGEST_BLOCK))
    throw new FormatError(
      `${where}: blocks [${blocks.join(', ')}] do not fit its shape; the file is corrupt`,
    );
  const stored = shape.map((d, i) => Math.ceil(d / blocks[i]));
  const small = readData(tensor, stored, where);
  if (sizeOf(shape) > MAX_EXPANSION * small.size)
    throw new FormatError(`${where}: is ${sizeOf(shape)} numbers out of ${small.size}; the file is corrupt`);
  return [tensor.name, expanded(small, shape, blocks)];
});

const readOutputs = list((value, where): [string, NDArray, number] => {
  const tensor = object({ ...TENSOR, every: count })(value, where);
  if (tensor.every < 1)
    throw new FormatError(`${where}: every ${tensor.every} is below 1; the file is corrupt`);
  return [tensor.name, readData(tensor, tensor.shape, where), tensor.every];
});

export function writeSelfTest({ inputs, outputs }: SelfTest): string {
  const json: Json = {
    inputs: Array.from(inputs, ([name, array]): Json => {
      const blocks = blocksOf(array);
      const { dtype, shape } = array;
      return { name, dtype, shape, blocks, data: writeData(compressed(array, blocks)) };
    }),
    outputs: Array.from(outputs, ([name, array]): Json => {
      const every = Math.max(Math.ceil(array.size / OUTPUT_NUMBERS), 1);
      const stored = every === 1 ? array : everyNth(array, every);
      return { name, dtype: array.dtype, shape: stored.shape, every, data: writeData(stored) };
    }),
  };
  return formatJson(json, 'selfTest');
}

/** Throws {@link FormatError} for text that {@link writeSelfTest} does not write. */
export function readSelfTest(text: string): SelfTest {
  const what = 'self-test';
  const { inputs, outputs } = object({ inputs: readInputs, outputs: readOutputs })(
    parseJson(text, what),
    what,
  );
  return {
    inputs: new Map(inputs),
    outputs: new Map(outputs.map(([name, array]) => [name, array])),
    every: new Map(outputs.map(([name, , every]) => [name, every])),
  };
}
