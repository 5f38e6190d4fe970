/** What a file weighs, as it lies and as it travels. */

export type Compress = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

export interface CompressedSize {
  /** Bytes of the file: zeros take as much room as other numbers. */
  readonly dense: number;
  /** Bytes after gzip: what sparsity is worth in a download. */
  readonly gzip: number;
}

/** gzip of the platform: browsers, Node and Deno have it. */
async function platformGzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param gzip another compressor, such as `gzipSync` of node:zlib with a level of your own */
export async function compressedSize(
  bytes: Uint8Array,
  gzip: Compress = platformGzip,
): Promise<CompressedSize> {
  return { dense: bytes.length, gzip: (await gzip(bytes)).length };
}
