/** The one place where kernels are listed. A backend is an ordered list: the first kernel that supports the parameters runs. */
import { jsIntegerKernels, jsKernels } from './js/index.js';
import { reference } from './reference/index.js';
import type { Backend, Memory } from './types.js';
import { heap } from './memory.js';
import { wasmEngine, wasmIntegerKernels, wasmKernels, type WasmMemory } from './wasm/index.js';

export * from './lut.js';
export * from './memory.js';
export * from './requantize.js';
export * from './resolve.js';
export * from './rounding.js';
export * from './types.js';
export * from './unary.js';
export * from './wasm/index.js';
export { nearestIndices } from './reference/qresize.js';
export { reference };

/** Tuned plain JavaScript, then the reference for what it does not cover. */
export const js: Backend = /* @__PURE__ */ jsKernels.concat(reference);

/** WebAssembly SIMD, then plain JavaScript. */
export const wasm: Backend = /* @__PURE__ */ wasmKernels.concat(js);

/** What of `wasm` integer networks need: it is what a session runs on, so that they ship no float products. */
export const integer: Backend = /* @__PURE__ */ wasmIntegerKernels.concat(jsIntegerKernels, reference);

/** The linear memory, for a backend that has kernels that work in it: their names end with the instruction set. */
export function linearMemoryOf(backend: Backend): WasmMemory | null {
  return backend.some(({ name }) => name.endsWith('simd')) ? (wasmEngine()?.memory ?? null) : null;
}

/** The memory whose arrays the kernels of a backend take without a copy. */
export function memoryOf(backend: Backend): Memory {
  return linearMemoryOf(backend) ?? heap;
}
