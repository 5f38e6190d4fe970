/** What the kernels are meant to reach, as ratios of medians of one interleaved run, and whether they did. */
import type { Dtype, Result } from './types.js';

interface Side {
  readonly impl: string;
  readonly dtype: Dtype;
}

export interface Target {
  readonly name: string;
  /** Shapes that count; the ratio is the geometric mean over those that both sides ran. */
  readonly shapes: RegExp;
  readonly ours: Side;
  readonly theirs: Side;
  /** Times faster, by engine. */
  readonly wanted: Readonly<Record<string, number>>;
}

export const ENGINES = ['node 20', 'node 24', 'node 24 revectorize'] as const;

const WASM = 'octograd wasm';
const GEMM = /^gemm (512|1024)$/;
const LINEAR = /^linear 1x1024x1024$/;
const CONV3 = /^conv 3x3 56x56x64-64$/;
const CONV1 = /^conv 1x1 28x28x128-256$/;
const DEPTHWISE = /^depthwise 3x3 112x112x32$/;
/** Whole INT8 networks of more than a million multiply-adds. */
const NETWORKS = /^(ResNet-8|MobileNetV1)/;

function target(
  name: string,
  shapes: RegExp,
  dtype: Dtype,
  theirs: string,
  wanted: readonly (number | null)[],
  {
    ours = WASM,
    theirDtype = dtype,
    against = theirs,
  }: { ours?: string; theirDtype?: Dtype; against?: string } = {},
): Target {
  const given = ENGINES.flatMap((engine, i) => {
    const factor = wanted[i] ?? null;
    return factor === null ? [] : [[engine, factor] as const];
  });
  return {
    name: `${name} / ${against}`,
    shapes,
    ours: { impl: ours, dtype },
    theirs: { impl: theirs, dtype: theirDtype },
    wanted: Object.fromEntries(given),
  };
}

const own = (name: string, shapes: RegExp, wanted: readonly number[], impl = WASM): Target =>
  target(`own INT8 ${name}`, shapes, 'u8s8', impl, wanted, {
    ours: impl,
    theirDtype: 'f32',
    against: 'own FP32',
  });

const TWO_THREADS = { ours: 'octograd wasm 2 threads', against: 'one' };

export const TARGETS: readonly Target[] = [
  target('INT8 GEMM', GEMM, 'u8s8', 'onnxruntime-web', [1.5, 1.8, 4]),
  target('INT8 GEMM w8a7', GEMM, 'w8a7', 'onnxruntime-web', [null, 2.1], { theirDtype: 'u8s8' }),
  target('INT8 linear batch 1', LINEAR, 'u8s8', 'onnxruntime-web', [9, 12, 20]),
  target('INT8 linear batch 1', LINEAR, 'u8s8', 'onnxruntime-node', [1.3, 2, 3]),
  target('INT8 conv 3x3', CONV3, 'u8s8', 'onnxruntime-web', [4.5, 5, 8]),
  target('INT8 conv 3x3', CONV3, 'u8s8', 'onnxruntime-node', [1.2, 1.4, 2.2]),
  target('INT8 conv 1x1', CONV1, 'u8s8', 'onnxruntime-web', [2.2, 2.7, 5]),
  target('INT8 depthwise', DEPTHWISE, 'u8s8', 'onnxruntime-web', [16, 20, 21]),
  target('INT8 depthwise', DEPTHWISE, 'u8s8', 'onnxruntime-node', [1.4, 2, 2]),
  target('FP32 GEMM', GEMM, 'f32', 'onnxruntime-web', [1.6, 2.1, 2.8]),
  target('FP32 GEMM', GEMM, 'f32', 'tfjs-wasm', [1.35, 1.8, 2.4]),
  target('FP32 conv 3x3', CONV3, 'f32', 'onnxruntime-web', [5, 6.5, 9]),
  target('FP32 conv 3x3', CONV3, 'f32', 'onnxruntime-node', [1.1, 1.5, 2.2]),
  target('whole INT8 CNN', NETWORKS, 'u8s8', 'onnxruntime-web', [3, 4, 6]),
  target('whole INT8 CNN', NETWORKS, 'u8s8', 'onnxruntime-node', [1, 1.2, 1.8]),
  own('GEMM', GEMM, [1.8, 1.8, 2]),
  own('conv 3x3', CONV3, [1.6, 1.6, 1.8]),
  own('linear batch 1', LINEAR, [2, 2.5, 3]),
  own('depthwise', DEPTHWISE, [1.4, 1.5, 1.5]),
  target('CNN training step', /^train LeNet/, 'f32', 'pytorch', [1.5, 1.5, 1.5]),
  target('CNN training step', /^train LeNet/, 'f32', 'jax-js', [50, 50, 50]),
  target('CNN training step', /^train LeNet/, 'f32', 'convnetjs', [40, 40, 40]),
  target('CNN training step', /^train LeNet/, 'f32', 'tfjs-cpu', [400, 400, 400]),
  target('MLP training step', /^train MLP/, 'f32', 'jax-js', [3]),
  target('MLP training step', /^train MLP/, 'f32', 'tfjs-wasm', [12]),
  target('two threads, FP32 GEMM', GEMM, 'f32', WASM, [1.8, 1.8, 1.4], TWO_THREADS),
  target('two threads, INT8 GEMM', GEMM, 'u8s8', WASM, [1.8, 1.8, 1.4], TWO_THREADS),
  own('GEMM in plain JavaScript', GEMM, [1.8], 'octograd js'),
];

export interface Reached {
  readonly target: Target;
  readonly engine: string;
  readonly wanted: number;
  /** null where one of the two was not measured */
  readonly ratio: number | null;
  readonly shapes: readonly string[];
}

const PLAIN = / revectorize$/;

/** What ran in this engine; peers that run in Node do without 256-bit kernels, native ones without Node. */
function find(results: readonly Result[], side: Side, engine: string, shape: string): Result | undefined {
  const own = results.filter((r) => r.impl === side.impl && r.dtype === side.dtype && r.shape === shape);
  return (
    own.find((r) => r.node === engine) ??
    (side.impl.startsWith('octograd') ? undefined : own.find((r) => r.node === engine.replace(PLAIN, ''))) ??
    own.find((r) => r.node === null)
  );
}

/** The targets of the engines that were measured. */
export function evaluate(results: readonly Result[], targets: readonly Target[] = TARGETS): Reached[] {
  const engines = new Set(results.map((r) => r.node));
  return targets.flatMap((target) =>
    Object.entries(target.wanted)
      .filter(([engine]) => engines.has(engine))
      .map(([engine, wanted]) => {
        const shapes = [...new Set(results.map((r) => r.shape))].filter((s) => target.shapes.test(s));
        const both = shapes.flatMap((shape) => {
          const ours = find(results, target.ours, engine, shape);
          const theirs = find(results, target.theirs, engine, shape);
          return ours === undefined || theirs === undefined
            ? []
            : [{ shape, log: Math.log(theirs.median_ms / ours.median_ms) }];
        });
        const mean = both.reduce((sum, { log }) => sum + log, 0) / both.length;
        const ratio = both.length === 0 ? null : Math.exp(mean);
        return { target, engine, wanted, ratio, shapes: both.map((b) => b.shape) };
      }),
  );
}

export function isMet({ ratio, wanted }: Reached): boolean {
  return ratio !== null && ratio >= wanted;
}

/** A target on one engine, in a few words; empty where it has none. */
function cell(r: Reached | undefined): string {
  if (r === undefined) return '';
  if (r.ratio === null) return `not measured, ${r.wanted}`;
  return `${isMet(r) ? '\u2713' : '\u2717'} ${r.ratio.toFixed(2)} of ${r.wanted}`;
}

/** One row for each target: its name, then a cell for each of `engines`. */
export function targetTable(reached: readonly Reached[]): { engines: string[]; rows: string[][] } {
  const engines = ENGINES.filter((e) => reached.some((r) => r.engine === e));
  const targets = [...new Set(reached.map((r) => r.target))];
  const rows = targets.map((target) => [
    target.name,
    ...engines.map((e) => cell(reached.find((r) => r.target === target && r.engine === e))),
  ]);
  return { engines, rows };
}
