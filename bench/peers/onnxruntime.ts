/** ONNX Runtime, one thread: onnxruntime-web (WebAssembly) and onnxruntime-node (native). */
import { decodeModel } from '../../src/formats/index.js';
import { onnxGraph } from '../onnx/graph.js';
import { elementType, onnxConv, onnxGemm, type OnnxLayer } from '../onnx/layers.js';
import { channelsFirst } from '../onnx/layout.js';
import type { Implementation, Loaded } from '../process/implementation.js';
import type { Case, Data, ModelCase } from '../types.js';
import { peerVersion, requirePeer } from './require.js';

interface Tensor {
  readonly data: Data;
}
interface Session {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<{ readonly y: Tensor }>;
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
    bytes: onnxGraph(decodeModel(c.file).graph),
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
    const feeds = { x: new ort.Tensor(elementType(model.x), model.x, model.inputShape) };
    let y: Tensor = feeds.x;
    return {
      run: async () => {
        y = (await session.run(feeds)).y;
      },
      output: () => model.toOurs(y.data),
      dispose: () => void session.release(),
    };
  };
  return { threads: 1, version: peerVersion(name), load };
}
