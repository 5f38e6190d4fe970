/** ONNX Runtime, one thread: onnxruntime-web (WebAssembly) and onnxruntime-node (native). */
import { decodeModel } from '../../src/formats/index.js';
import { exportOnnx } from '../../src/formats/onnx/index.js';
import { elementType, onnxConv, onnxGemm, type OnnxLayer } from '../onnx/layers.js';
import { channelsFirst } from '../onnx/layout.js';
import type { Implementation, Loaded } from '../process/implementation.js';
import type { Case, Data, ModelCase } from '../types.js';
import { peerVersion, requirePeer } from './require.js';

interface Tensor {
  readonly data: Data;
}
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}
interface Ort {
  readonly Tensor: new (type: string, data: Data, dims: readonly number[]) => Tensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
  readonly env: { wasm: { numThreads?: number; simd?: boolean }; logLevel: string };
}

function onnxModel(c: ModelCase): OnnxLayer {
  const [, height, width, channels] = c.inputShape;
  return {
    bytes: exportOnnx(decodeModel(c.file).graph, { batch: 1 }).bytes,
    x: channelsFirst(c.x, 1, height * width, channels),
    inputShape: [1, channels, height, width],
    toOurs: (y) => y,
  };
}

export function start(name = 'onnxruntime-web'): Implementation {
  const ort = requirePeer<Ort>(name);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const load = async (c: Case): Promise<Loaded | string> => {
    if (c.kind === 'train' || c.kind === 'peak') return 'it does inference only';
    const model = c.kind === 'gemm' ? onnxGemm(c) : c.kind === 'conv' ? onnxConv(c) : onnxModel(c);
    const session = await ort.InferenceSession.create(model.bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      executionProviders: [name === 'onnxruntime-web' ? 'wasm' : 'cpu'],
    });
    const [input] = session.inputNames;
    const [output] = session.outputNames;
    const x = new ort.Tensor(elementType(model.x), model.x, model.inputShape);
    const feeds = { [input]: x };
    let y = x;
    return {
      run: async () => {
        y = (await session.run(feeds))[output];
      },
      output: () => model.toOurs(y.data),
      dispose: () => void session.release(),
    };
  };
  return { threads: 1, version: peerVersion(name), load };
}
