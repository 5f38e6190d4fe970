/** ONNX Runtime on one thread: onnxruntime-web (WebAssembly) and onnxruntime-node (native). */
import { packageVersion, requirePackage } from './packages.js';
import {
  ARRAYS,
  checkInputs,
  type Elements,
  type ElementType,
  type LoadedModel,
  type Runtime,
} from './types.js';

interface Tensor {
  readonly data: Elements;
}
interface Metadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}
interface Session {
  readonly inputMetadata: readonly Metadata[];
  readonly outputMetadata: readonly Metadata[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}
interface Ort {
  readonly Tensor: new (type: string, data: Elements, dims: readonly number[]) => Tensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
  readonly env: { readonly wasm: { numThreads?: number }; logLevel: string };
}

export interface OrtOptions {
  /**
   * Exact products of uint8 and int8 on processors without VNNI, where the fast ones saturate sums of two in int16. Native
   * only, and on unless told otherwise; QLinear nodes with int8 activations have no kernel then.
   */
  readonly exactX64?: boolean;
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
}

export interface OrtModel extends LoadedModel {
  /** As `run`, with other sizes where the model leaves them open. */
  runShaped(
    inputs: readonly { readonly data: Elements; readonly shape: readonly number[] }[],
  ): Promise<Elements[]>;
}

export function startOrt(
  name: 'onnxruntime-web' | 'onnxruntime-node',
  { exactX64 = true, optimization = 'all' }: OrtOptions = {},
): Runtime & { load(bytes: Uint8Array): Promise<OrtModel> } {
  const ort = requirePackage<Ort>(name);
  ort.env.logLevel = 'error';
  const web = name === 'onnxruntime-web';
  if (web) ort.env.wasm.numThreads = 1;
  return {
    name,
    version: packageVersion(name),
    async load(bytes) {
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: [web ? 'wasm' : 'cpu'],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: optimization,
        ...(!web && exactX64 ? { extra: { session: { x64quantprecision: '1' } } } : {}),
      });
      return loaded(ort, session);
    },
  };
}

function loaded(ort: Ort, session: Session): OrtModel {
  const inputs = session.inputMetadata.map(describe);
  const outputs = session.outputMetadata.map(describe);
  const runShaped: OrtModel['runShaped'] = async (arrays) => {
    const feeds = inputs.map(({ name, type }, i) => [
      name,
      new ort.Tensor(type, arrays[i].data, arrays[i].shape),
    ]);
    const results = await session.run(Object.fromEntries(feeds) as Record<string, Tensor>);
    return outputs.map(({ name }) => results[name].data);
  };
  return {
    inputs,
    outputs,
    run: (arrays) => {
      checkInputs(inputs, arrays);
      return runShaped(arrays.map((data, i) => ({ data, shape: inputs[i].shape.map(Number) })));
    },
    runShaped,
    dispose: () => void session.release(),
  };
}

function describe({ name, type, shape }: Metadata) {
  if (!(type in ARRAYS)) throw new Error(`ONNX Runtime: ${name} is of type ${type}`);
  return { name, type: type as ElementType, shape };
}
