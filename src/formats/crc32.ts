/** CRC-32 (ISO-HDLC: the one of zlib, PNG and gzip), to tell a damaged file from a good one. */
const TABLE = Int32Array.from({ length: 256 }, (_, i) => {
  let c = i;
  for (let bit = 0; bit < 8; bit++) c = (c & 1) !== 0 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/**
 * The checksum of `bytes` as an unsigned 32-bit number. Hand the result in as `previous` to continue over a further
 * piece: `crc32(b, crc32(a))` is the checksum of a followed by b.
 *
 * Source: RFC 1952 (gzip), section 8: reflected polynomial 0xEDB88320, initial value and final xor 0xFFFFFFFF.
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let c = ~previous;
  for (let i = 0; i < bytes.length; i++) c = TABLE[(c ^ bytes[i]) & 0xff] ^ (c >>> 8);
  return ~c >>> 0;
}

/** Eight lower-case hexadecimal digits. */
export function formatCrc32(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
