/** The part of the Protocol Buffers wire format that ONNX files need (protobuf.dev, "Encoding"). */

/** A field of a message: integers as varints, text and bytes and messages by length, floats in 32 bits. */
export type Field = readonly [number, bigint | number | string | Uint8Array | { readonly float: number }];

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  // Negative numbers are their 64-bit two's complement.
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
}

const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

export function message(fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const text = new TextEncoder();
  for (const [number, value] of fields) {
    const key = (wire: number): number[] => varint(BigInt((number << 3) | wire));
    if (typeof value === 'number' || typeof value === 'bigint')
      parts.push(Uint8Array.from([...key(VARINT), ...varint(BigInt(value))]));
    else if (typeof value === 'string' || value instanceof Uint8Array) {
      const bytes = typeof value === 'string' ? text.encode(value) : value;
      parts.push(Uint8Array.from([...key(LENGTH), ...varint(BigInt(bytes.length))]), bytes);
    } else {
      const bytes = new Uint8Array(5);
      bytes[0] = (number << 3) | FIXED32;
      new DataView(bytes.buffer).setFloat32(1, value.float, true);
      parts.push(bytes);
    }
  }
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
