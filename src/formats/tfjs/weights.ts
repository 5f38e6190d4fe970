/** Weights of TensorFlow.js models: a manifest of names, shapes and types over one run of bytes. */
import { FormatError, NDArray, sizeOf, UnsupportedError } from '../../core/index.js';
import { widenFloat16 } from '../half.js';
import type { Json } from '../json.js';
import { finite, list, object, shape, text } from '../modelSchema.js';

interface Stored {
  readonly bytes: number;
  read(raw: ArrayBuffer): ArrayLike<number>;
}

const STORED = new Map<string, Stored>([
  ['float32', { bytes: 4, read: (raw) => new Float32Array(raw) }],
  ['int32', { bytes: 4, read: (raw) => new Int32Array(raw) }],
  ['bool', { bytes: 1, read: (raw) => new Uint8Array(raw) }],
  ['float16', { bytes: 2, read: (raw) => widenFloat16(new Uint16Array(raw)) }],
  ['uint16', { bytes: 2, read: (raw) => new Uint16Array(raw) }],
  ['uint8', { bytes: 1, read: (raw) => new Uint8Array(raw) }],
]);

/** Compressed weights: `code * scale + min`, or halves. */
function readQuantization(
  value: Json | undefined,
  where: string,
): { dtype: string; scale: number; min: number } {
  const { dtype } = object({ dtype: text })(value, where);
  if (dtype === 'float16') return { dtype, scale: 1, min: 0 };
  return { dtype, ...object({ scale: finite, min: finite })(value, where) };
}

/** Every tensor of the manifest by name. Throws FormatError where bytes are missing or left over. */
export function readWeights(manifest: Json | undefined, bytes: Uint8Array): Map<string, NDArray> {
  const groups = list(object({ weights: list((v) => v as Json) }))(manifest, 'weightsManifest');
  const tensors = new Map<string, NDArray>();
  let at = 0;
  for (const value of groups.flatMap((g) => g.weights)) {
    const spec = object({ name: text, shape, dtype: text })(value, 'weightsManifest.weights');
    const packed = (value as { readonly quantization?: Json }).quantization;
    const quantization = packed === undefined ? null : readQuantization(packed, spec.name);
    const stored = STORED.get(quantization?.dtype ?? spec.dtype);
    if (stored === undefined)
      throw new UnsupportedError(
        `${spec.name}: weights of type ${spec.dtype} are not read; convert them to float32`,
      );
    const count = sizeOf(spec.shape);
    const end = at + count * stored.bytes;
    if (!(end <= bytes.length))
      throw new FormatError(
        `${spec.name}: needs ${count * stored.bytes} bytes from ${at} on, there are ${bytes.length}; give all weight files, in order`,
      );
    // a Buffer's own slice() would be a view
    const data = stored.read(new Uint8Array(bytes.subarray(at, end)).buffer);
    at = end;
    const { scale, min } = quantization ?? { scale: 1, min: 0 };
    const array =
      spec.dtype === 'float32'
        ? Float32Array.from(data, (v) => v * scale + min)
        : Int32Array.from(data, (v) => v * scale + min);
    tensors.set(spec.name, new NDArray(array, spec.shape));
  }
  if (at !== bytes.length)
    throw new FormatError(
      `weights: ${bytes.length - at} bytes are left over; these are the weights of another model`,
    );
  return tensors;
}
