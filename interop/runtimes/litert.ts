/**
 * LiteRT.js: the WebAssembly module of @litertjs/core without the page that its own loader wants. Float and int8
 * operators run in XNNPACK, on one thread.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import { packageFile, packageVersion } from './packages.js';
import { checkInputs, elementsOf, type ElementType, type LoadedModel, type Runtime } from './types.js';

/** LiteRtElementType, the same numbers as TfLiteType. */
const TYPES = new Map<number, ElementType>([
  [1, 'float32'],
  [2, 'int32'],
  [3, 'uint8'],
  [4, 'int64'],
  [6, 'bool'],
  [7, 'int16'],
  [9, 'int8'],
]);
/** Without threads and without promise integration. */
const VARIANT = 'litert_wasm_compat_internal';

interface Handle {
  delete(): void;
}
interface Vector<T> extends Handle {
  size(): number;
  get(index: number): T;
  push_back(value: T): void;
}
interface TensorType extends Handle {
  elementType(): { readonly value: number };
  layout(): Handle & { dimensions(): Vector<number> };
}
interface TensorBuffer extends Handle {
  lock(mode: object): number;
  unlock(): void;
  packedSize(): number;
}
interface Model extends Handle {
  getSignature(index: number): Handle & { inputNames(): Vector<string>; outputNames(): Vector<string> };
  getInputTensorType(signature: number, index: number): TensorType;
  getOutputTensorType(signature: number, index: number): TensorType;
}
interface CompiledModel extends Handle {
  run(signature: number, inputs: readonly TensorBuffer[]): Promise<TensorBuffer[]>;
}
interface Wasm {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  setupLogging(): void;
  loadModel(environment: object, pointer: number, bytes: number): Model;
  compileModel(environment: object, model: Model, options: object): Promise<CompiledModel>;
  readonly LiteRtEnvironment: { create(options: null): object };
  readonly VectorInt32: new () => Vector<number>;
  readonly LiteRtLayout: { create(dimensions: Vector<number>): Handle };
  readonly LiteRtRankedTensorType: { create(type: { value: number }, layout: Handle): Handle };
  readonly LiteRtTensorBuffer: {
    createManaged(environment: object, kind: object, type: Handle, bytes: number): TensorBuffer;
  };
  readonly LiteRtTensorBufferType: { readonly HOST_MEMORY: object };
  readonly LiteRtTensorBufferLockMode: { readonly READ: object; readonly WRITE: object };
}

/** A node that cannot be prepared is only logged; what a run gives then is memory that nobody wrote. */
const FAILED = /failed to (prepare|invoke|allocate)|^ERROR/i;

export async function startLitert(): Promise<Runtime> {
  const log: string[] = [];
  const print = (...parts: unknown[]): void => void log.push(parts.join(' '));
  const factory = commonJs<(options: object) => Promise<Wasm>>(
    packageFile('@litertjs/core', 'wasm', `${VARIANT}.js`),
  );
  const wasm = await factory({
    wasmBinary: readFileSync(packageFile('@litertjs/core', 'wasm', `${VARIANT}.wasm`)),
    print,
    printErr: print,
  });
  wasm.setupLogging();
  const environment = wasm.LiteRtEnvironment.create(null);
  return {
    name: 'litert',
    version: packageVersion('@litertjs/core'),
    load: (bytes) => load(wasm, environment, log, bytes),
  };
}

/** The script is CommonJS in a package that calls its files modules. */
function commonJs<T>(path: string): T {
  const module = { exports: {} };
  const parameters = ['module', 'exports', 'require', '__filename', '__dirname'];
  const run = compileFunction(readFileSync(path, 'utf8'), parameters, { filename: path });
  run(module, module.exports, createRequire(path), path, dirname(path));
  return module.exports as T;
}

async function load(wasm: Wasm, environment: object, log: string[], bytes: Uint8Array): Promise<LoadedModel> {
  const owned: (() => void)[] = [];
  const dispose = (): void => {
    for (const release of owned.splice(0).reverse()) release();
  };
  /** Everything that the module says while `f` runs is read. */
  const watched = async <T>(f: () => T | Promise<T>): Promise<T> => {
    log.length = 0;
    let thrown: unknown = null;
    try {
      const result = await f();
      if (!log.some((line) => FAILED.test(line))) return result;
    } catch (error) {
      thrown = error;
    }
    throw new Error(`LiteRT: ${[String(thrown ?? 'failed'), ...log].join('; ')}`, { cause: thrown });
  };
  try {
    return await watched(async () => {
      const pointer = wasm._malloc(bytes.length);
      owned.push(() => wasm._free(pointer));
      wasm.HEAPU8.set(bytes, pointer);
      const model = wasm.loadModel(environment, pointer, bytes.length);
      owned.push(() => model.delete());
      const options = { accelerator: 'wasm', environment: {}, cpuOptions: { numThreads: 1 } };
      const compiled = await wasm.compileModel(environment, model, {
        ...options,
        gpuOptions: {},
        webNNOptions: {},
      });
      owned.push(() => compiled.delete());
      const signature = model.getSignature(0);
      const inputs = drain(signature.inputNames()).map((name, i) =>
        describe(name, model.getInputTensorType(0, i)),
      );
      const outputs = drain(signature.outputNames()).map((name, i) =>
        describe(name, model.getOutputTensorType(0, i)),
      );
      signature.delete();
      return {
        inputs,
        outputs,
        run: (arrays) => {
          checkInputs(inputs, arrays);
          return watched(async () => {
            const buffers = arrays.map((array, i) => fill(wasm, environment, inputs[i], array));
            const results = await compiled.run(0, buffers);
            for (const buffer of buffers) buffer.delete();
            return results.map((buffer, i) => {
              const at = buffer.lock(wasm.LiteRtTensorBufferLockMode.READ);
              const elements = elementsOf(
                outputs[i].type,
                wasm.HEAPU8.subarray(at, at + buffer.packedSize()),
              );
              buffer.unlock();
              buffer.delete();
              return elements;
            });
          });
        },
        dispose,
      } satisfies LoadedModel;
    });
  } catch (error) {
    dispose();
    throw error;
  }
}

function drain<T>(vector: Vector<T>): T[] {
  const values = Array.from({ length: vector.size() }, (_, i) => vector.get(i));
  vector.delete();
  return values;
}

function describe(name: string, type: TensorType) {
  const code = type.elementType().value;
  const layout = type.layout();
  const shape = drain(layout.dimensions());
  layout.delete();
  type.delete();
  const element = TYPES.get(code);
  if (element === undefined) throw new Error(`LiteRT: tensor ${name} is of type ${code}`);
  return { name, type: element, shape, code };
}

function fill(
  wasm: Wasm,
  environment: object,
  { code, shape }: ReturnType<typeof describe>,
  array: ArrayBufferView,
): TensorBuffer {
  const dimensions = new wasm.VectorInt32();
  for (const size of shape) dimensions.push_back(size);
  const layout = wasm.LiteRtLayout.create(dimensions);
  const type = wasm.LiteRtRankedTensorType.create({ value: code }, layout);
  const kind = wasm.LiteRtTensorBufferType.HOST_MEMORY;
  const buffer = wasm.LiteRtTensorBuffer.createManaged(environment, kind, type, array.byteLength);
  for (const handle of [type, layout, dimensions]) handle.delete();
  const at = buffer.lock(wasm.LiteRtTensorBufferLockMode.WRITE);
  wasm.HEAPU8.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
  buffer.unlock();
  return buffer;
}
