/** What the parts of the bench hand to each other: cases, what came of timing them, and the file that is written. */

/**
 * f32, or an 8-bit type of activations times int8 weights: u8s8 (unsigned, full range: what peers are fastest at), s8s8
 * (this library's default), w8a7 (unsigned activations of 7 bits, for kernels that need the bit).
 */
export type Dtype = 'f32' | 'u8s8' | 's8s8' | 'w8a7';

export const SUITES = ['gemm', 'conv', 'models', 'train', 'accuracy'] as const;
export type Suite = (typeof SUITES)[number];

export type Data = Float32Array | Int32Array | Int8Array | Uint8Array;

interface Common {
  readonly suite: Suite;
  /** The name of the shape, of the model or of the training job. */
  readonly shape: string;
  readonly dtype: Dtype;
  /** Operations of one run, two for each multiply-add of the direct algorithm. */
  readonly ops: number;
  /** Bytes that have to move at least once: inputs, weights and outputs. */
  readonly bytes: number;
}

/** Operands of an integer layer: y = clamp(rne((bias + sum (x - xZeroPoint) * w) * multiplier) + yZeroPoint). */
export interface Quantization {
  readonly xZeroPoint: number;
  readonly yZeroPoint: number;
  /** one per output channel */
  readonly multiplier: Float32Array;
}

/** y[m, n] = sum_k x[m, k] * w[n, k] */
export interface GemmCase extends Common {
  readonly kind: 'gemm';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly x: Data;
  readonly w: Data;
  readonly quantization: Quantization | null;
  /** Leave int32 sums instead of codes: shows what requantization costs. */
  readonly sums?: true;
}

/** Images [1, size, size, inChannels], filters [outChannels, kernel, kernel, inChannels / groups], equal padding on all sides. */
export interface ConvCase extends Common {
  readonly kind: 'conv';
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly x: Data;
  readonly w: Data;
  readonly quantization: Quantization | null;
  readonly sums?: true;
}

/** A whole network, one image [1, height, width, channels] in, float scores out. */
export interface ModelCase extends Common {
  readonly kind: 'model';
  /** A model file of this library: float, or integer. */
  readonly file: Uint8Array;
  readonly x: Float32Array;
  readonly inputShape: readonly number[];
  /** Of the scores that an integer model can give: one step of its output. 0 for float. */
  readonly step: number;
  /** Correctly classified fraction of the test images, where that was found out. */
  readonly top1?: number;
}

/** A step of plain SGD on one batch, over and over. Checked by the losses of the first steps. */
export interface TrainCase extends Common {
  readonly kind: 'train';
  readonly network: 'cnn' | 'mlp';
  readonly batch: number;
  readonly lr: number;
  /** [batch, 28, 28, 1] */
  readonly x: Float32Array;
  readonly targets: Int32Array;
  /** By layer: weights as this library lays them out, and biases. */
  readonly params: Readonly<Record<string, Float32Array>>;
}

/** How much the engine can do at most: register-only loops, and a stream of loads. */
export interface PeakCase extends Common {
  readonly kind: 'peak';
  readonly probe: 'f32' | 'int8' | 'bandwidth';
}

export type Case = GemmCase | ConvCase | ModelCase | TrainCase | PeakCase;

/** A Node binary, with or without 256-bit kernels. */
export interface Engine {
  /** 'node 24 revectorize' */
  readonly name: string;
  readonly binary: string;
  readonly revectorize: boolean;
}

export interface Result {
  readonly suite: Suite;
  readonly shape: string;
  readonly dtype: Dtype;
  /** 'octograd wasm', 'onnxruntime-web', ... */
  readonly impl: string;
  readonly threads: number;
  /** The engine, or null for native code (onnxruntime-node, PyTorch), which it does not matter to. */
  readonly node: string | null;
  readonly median_ms: number;
  /** median absolute deviation from the median */
  readonly mad_ms: number;
  /** Operations of the direct algorithm per nanosecond. */
  readonly gops: number;
  /** Share of what the engine can do at most with these threads and operands, or null where that was not measured. */
  readonly peak: number | null;
  /** Does the result equal the reference (integers exactly, floats within the bound of the suite)? */
  readonly verified: boolean;
  /** How it differs, where it does. */
  readonly note?: string;
  /** The kernel or kernels that ran. */
  readonly kernel?: string;
  readonly rounds: number;
  readonly ops: number;
  readonly bytes: number;
  /** Correctly classified fraction of the test images (accuracy suite). */
  readonly top1?: number;
}

/** What one engine reached in the probes, per thread. */
export interface Peak {
  readonly node: string;
  readonly f32_gops: number;
  readonly int8_gops: number;
  /** from main memory, GB/s */
  readonly bandwidth: number;
}

export interface BenchFile {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memory_gb: number;
    readonly os: string;
    readonly clock: 'wall' | 'processor';
  };
  /** Version of the Node that ran the bench. */
  readonly node: string;
  readonly date: string;
  /** What was compared, by implementation. */
  readonly versions: Readonly<Record<string, string>>;
  readonly peak: readonly Peak[];
  readonly results: readonly Result[];
  /** What did not run, and why. */
  readonly missing: readonly string[];
  /** Where INT8 is slower than FP32, and why. */
  readonly slower: readonly string[];
}
