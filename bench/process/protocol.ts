/**
 * The conversation with a process that is measured: a line of JSON each way, over its standard input and output. Arrays
 * travel as base64 of their bytes, little-endian.
 */
import type { Case, Data } from '../types.js';

export type Request =
  /** Makes everything ready and runs once. */
  | { readonly do: 'load'; readonly case: Case }
  /** Runs for `ms` milliseconds at least. */
  | { readonly do: 'sample'; readonly ms: number; readonly cpu: boolean }
  | { readonly do: 'unload' };

export type Reply =
  | { readonly is: 'ready'; readonly threads: number; readonly version: string }
  | { readonly is: 'unsupported'; readonly why: string }
  | { readonly is: 'loaded'; readonly output: Data; readonly kernel?: string }
  /** Milliseconds per run: the median of the runs of this sample. */
  | { readonly is: 'sampled'; readonly ms: number }
  | { readonly is: 'unloaded' }
  | { readonly is: 'failed'; readonly why: string };

const TYPES = { f32: Float32Array, i32: Int32Array, i8: Int8Array, u8: Uint8Array } as const;

export function encode(message: Request | Reply): string {
  return JSON.stringify(message, (_, value: unknown) => {
    if (!ArrayBuffer.isView(value)) return value;
    const type = Object.entries(TYPES).find(([, C]) => value instanceof C)?.[0];
    if (type === undefined) throw new TypeError(`arrays of type ${value.constructor.name} are not sent`);
    return {
      $: type,
      base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
    };
  });
}

export function decode(line: string): unknown {
  return JSON.parse(line, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('$' in value)) return value;
    const { $: type, base64 } = value as { $: keyof typeof TYPES; base64: string };
    // A copy, because a Buffer may begin at any byte.
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
    return new TYPES[type](bytes.buffer);
  });
}
