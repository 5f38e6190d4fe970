/** 4-bit codes, two to a byte: the first in the low half, as ONNX and TFLite store int4. */
import { ArgumentError, FormatError } from '../core/errors.js';

/** Packs codes of [-8, 7]. An odd count leaves the last high half 0. */
export function packInt4(codes: Int8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(codes.length / 2));
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code < -8 || code > 7) throw new ArgumentError(`codes: ${code} at index ${i} is outside [-8, 7]`);
    out[i >> 1] |= (code & 0xf) << ((i & 1) * 4);
  }
  return out;
}

/** The `count` codes in `packed`. Throws {@link FormatError} unless exactly that many fill it. */
export function unpackInt4(packed: Uint8Array, count: number): Int8Array {
  if (Math.ceil(count / 2) !== packed.length || count < 0)
    throw new FormatError(
      `packed: ${packed.length} bytes do not hold ${count} 4-bit codes; the file is corrupt`,
    );
  if ((count & 1) === 1 && packed[packed.length - 1] >> 4 !== 0)
    throw new FormatError('packed: the unused half of the last byte is not 0; the file is corrupt');
  const out = new Int8Array(count);
  for (let i = 0; i < count; i++) out[i] = (packed[i >> 1] << ((i & 1) === 0 ? 28 : 24)) >> 28;
  return out;
}
