/**
 * TensorFlow Lite 2.9, the C library that the package tfjs-tflite-node brings along, called through koffi. Its int8
 * kernels are TensorFlow Lite's own; only float operators go to XNNPACK. Linux on x86-64.
 *
 * Source: tensorflow/lite/c/c_api.h and c_api_types.h, in the same package.
 */
import { packageFile, packageVersion, requirePackage } from './packages.js';
import { checkInputs, elementsOf, type ElementType, type LoadedModel, type Runtime } from './types.js';

/** TfLiteType */
const TYPES = new Map<number, ElementType>([
  [1, 'float32'],
  [2, 'int32'],
  [3, 'uint8'],
  [4, 'int64'],
  [6, 'bool'],
  [7, 'int16'],
  [9, 'int8'],
  [11, 'float64'],
  [13, 'uint64'],
  [16, 'uint32'],
]);

type Pointer = object | bigint | null;
interface Library {
  func(declaration: string): (...args: unknown[]) => unknown;
}
interface Koffi {
  load(path: string): Library;
  proto(declaration: string): object;
  pointer(type: object): object;
  register(callback: (...args: never[]) => void, type: object): bigint;
}

/** The functions of the C API that are used, typed. */
function bind(koffi: Koffi) {
  const library = koffi.load(
    packageFile('tfjs-tflite-node', 'cc_deps', 'linux_amd64', 'libtensorflowlite_c.so'),
  );
  const f = <A extends unknown[], R>(declaration: string) => library.func(declaration) as (...args: A) => R;
  return {
    version: f<[], string>('const char *TfLiteVersion()'),
    modelCreate: f<[Uint8Array, number], Pointer>('void *TfLiteModelCreate(uint8_t *, size_t)'),
    modelDelete: f<[Pointer], unknown>('void TfLiteModelDelete(void *)'),
    optionsCreate: f<[], Pointer>('void *TfLiteInterpreterOptionsCreate()'),
    optionsDelete: f<[Pointer], unknown>('void TfLiteInterpreterOptionsDelete(void *)'),
    setThreads: f<[Pointer, number], unknown>('void TfLiteInterpreterOptionsSetNumThreads(void *, int)'),
    setReporter: f<[Pointer, bigint, null], unknown>(
      'void TfLiteInterpreterOptionsSetErrorReporter(void *, void *, void *)',
    ),
    create: f<[Pointer, Pointer], Pointer>('void *TfLiteInterpreterCreate(void *, void *)'),
    delete: f<[Pointer], unknown>('void TfLiteInterpreterDelete(void *)'),
    allocate: f<[Pointer], number>('int TfLiteInterpreterAllocateTensors(void *)'),
    invoke: f<[Pointer], number>('int TfLiteInterpreterInvoke(void *)'),
    inputCount: f<[Pointer], number>('int TfLiteInterpreterGetInputTensorCount(void *)'),
    outputCount: f<[Pointer], number>('int TfLiteInterpreterGetOutputTensorCount(void *)'),
    input: f<[Pointer, number], Pointer>('void *TfLiteInterpreterGetInputTensor(void *, int)'),
    output: f<[Pointer, number], Pointer>('void *TfLiteInterpreterGetOutputTensor(void *, int)'),
    type: f<[Pointer], number>('int TfLiteTensorType(void *)'),
    rank: f<[Pointer], number>('int TfLiteTensorNumDims(void *)'),
    size: f<[Pointer, number], number>('int TfLiteTensorDim(void *, int)'),
    byteSize: f<[Pointer], number>('size_t TfLiteTensorByteSize(void *)'),
    tensorName: f<[Pointer], string>('const char *TfLiteTensorName(void *)'),
    write: f<[Pointer, Uint8Array, number], number>(
      'int TfLiteTensorCopyFromBuffer(void *, uint8_t *, size_t)',
    ),
    read: f<[Pointer, Uint8Array, number], number>(
      'int TfLiteTensorCopyToBuffer(void *, _Out_ uint8_t *, size_t)',
    ),
  };
}
type Api = ReturnType<typeof bind>;

/** koffi names the type of a callback once in a process: all parts share one runtime. */
let started: Runtime | null = null;

export function startTflite(): Runtime {
  return (started ??= start());
}

function start(): Runtime {
  const koffi = requirePackage<Koffi>('koffi');
  const api = bind(koffi);
  const log: string[] = [];
  const reporter = registerReporter(koffi, (line) => log.push(line));
  return {
    name: 'tflite',
    version: `${api.version()} of tfjs-tflite-node ${packageVersion('tfjs-tflite-node')}`,
    load: (bytes) => Promise.resolve().then(() => load(api, reporter, log, bytes)),
  };
}

/** Messages come as in printf, so that the C library has to make texts of them. */
function registerReporter(koffi: Koffi, onLine: (line: string) => void): bigint {
  const vsnprintf = koffi.load('libc.so.6').func('int vsnprintf(_Out_ uint8_t *, size_t, void *, void *)');
  const report = (_data: unknown, format: Pointer, values: Pointer): void => {
    const text = new Uint8Array(1024);
    const length = vsnprintf(text, text.length, format, values) as number;
    onLine(new TextDecoder().decode(text.subarray(0, Math.min(Math.max(length, 0), text.length - 1))).trim());
  };
  const type = koffi.proto('void ReportError(void *, void *, void *)');
  return koffi.register(report, koffi.pointer(type));
}

function load(api: Api, reporter: bigint, log: string[], bytes: Uint8Array): LoadedModel {
  // The library reads the constants where they are for as long as the model lives.
  const file = bytes.slice();
  const model = api.modelCreate(file, file.length);
  if (model === null) throw new Error('TensorFlow Lite: the file does not verify as a model');
  const options = api.optionsCreate();
  api.setThreads(options, 1);
  api.setReporter(options, reporter, null);
  log.length = 0;
  const interpreter = api.create(model, options);
  const dispose = (): void => {
    if (interpreter !== null) api.delete(interpreter);
    api.optionsDelete(options);
    api.modelDelete(model);
    file.fill(0, 0, 0); // keeps the bytes referenced until here
  };
  const check = (failed: boolean, what: string): void => {
    if (failed) throw new Error(`TensorFlow Lite: ${what}: ${log.join('; ')}`);
  };
  try {
    check(interpreter === null, 'no interpreter');
    check(api.allocate(interpreter) !== 0, 'tensors cannot be allocated');
    const inputs = tensors(api.inputCount(interpreter), (i) => api.input(interpreter, i), api);
    const outputs = tensors(api.outputCount(interpreter), (i) => api.output(interpreter, i), api);
    return {
      inputs,
      outputs,
      run: async (arrays) => {
        checkInputs(inputs, arrays);
        log.length = 0;
        arrays.forEach((array, i) => {
          const raw = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
          check(api.write(inputs[i].tensor, raw, raw.length) !== 0, `input ${i} of ${raw.length} bytes`);
        });
        check(api.invoke(interpreter) !== 0, 'the run failed');
        return outputs.map(({ type }, i) => {
          // The place of an output is known only now: shapes may depend on values.
          const tensor = api.output(interpreter, i);
          const raw = new Uint8Array(Number(api.byteSize(tensor)));
          check(api.read(tensor, raw, raw.length) !== 0, `output ${i}`);
          return elementsOf(type, raw);
        });
      },
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

function tensors(count: number, at: (index: number) => Pointer, api: Api) {
  return Array.from({ length: count }, (_, i) => {
    const tensor = at(i);
    const type = TYPES.get(api.type(tensor));
    if (type === undefined) throw new Error(`TensorFlow Lite: a tensor of type ${api.type(tensor)}`);
    const shape = Array.from({ length: api.rank(tensor) }, (__, d) => api.size(tensor, d));
    return { tensor, name: api.tensorName(tensor), type, shape };
  });
}
