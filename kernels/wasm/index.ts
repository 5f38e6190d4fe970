/** The WebAssembly kernels, in the order in which they are tried, each behind a check of its own on this engine. */
import { heap } from '../memory.js';
import type { AnyKernel, Memory } from '../types.js';
import { binaryKernels } from './codes/binary.js';
import { moveKernels } from './codes/moves.js';
import { poolKernels } from './codes/pool.js';
import { quantizeKernels } from './codes/quantize.js';
import { wasmEngine } from './engine.js';
import { convKernel } from './float/conv.js';
import { gemmKernels } from './float/vector.js';
import { depthwiseKernel } from './int8/depthwiseLayer.js';
import { layerKernels, wideKernels } from './int8/layer.js';
import { strassenKernels } from './int8/strassenLayer.js';
import type { WasmMemory } from './memory.js';
import { winogradKernel } from './winograd/conv.js';
import { winogradFloatKernel } from './winograd/float.js';

export {
  setWasmOptions,
  wasmEngine,
  wasmFeatures,
  wasmOptions,
  type WasmFeatures,
  type WasmOptions,
} from './engine.js';
export { wasmReport } from './selfTest.js';

// pure calls, unlike spreads, do not keep bundlers from leaving out kernels that nobody uses
/** Of integer ops, and between codes and float32. */
export const wasmIntegerKernels: readonly AnyKernel[] = /* @__PURE__ */ [depthwiseKernel].concat(
  winogradKernel,
  layerKernels,
  strassenKernels,
  wideKernels,
  binaryKernels,
  moveKernels,
  poolKernels,
  quantizeKernels,
);

export const wasmKernels: readonly AnyKernel[] = /* @__PURE__ */ wasmIntegerKernels.concat(
  winogradFloatKernel,
  gemmKernels,
  convKernel,
);

export type { WasmMemory };

/** The linear memory that the WebAssembly kernels work in without copies; the heap where there is no WebAssembly. */
export function wasmMemory(): Memory {
  return wasmEngine()?.memory ?? heap;
}
