/** 256-bit WebAssembly kernels, through an experimental flag of V8. */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { setWasmOptions } from '../../kernels/index.js';
import { UnsupportedError } from '../core/index.js';

/** The first major version of Node whose V8 merges pairs of vectors correctly. */
const FIRST = 24;

/**
 * Lets V8 merge pairs of 128-bit operations of kernels into 256-bit ones from now on, about twice the speed of products on
 * a processor that has them. The results stay the same, and every kernel is tested against the reference before its first
 * use, as ever. The flag of V8 is experimental and holds for the whole process, whatever runs in it.
 *
 * @returns a function that makes later kernels 128 bits wide again; the flag of V8 stays
 * @throws UnsupportedError before Node 24
 */
export function enableRevectorize(): () => void {
  if (Number.parseInt(process.versions.node, 10) < FIRST)
    throw new UnsupportedError(`revectorize: needs Node ${FIRST} or later, this is ${process.version}`);
  setFlagsFromString('--experimental-wasm-revectorize');
  return setWasmOptions({ revectorize: true });
}
