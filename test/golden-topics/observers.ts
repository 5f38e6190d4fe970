/** Golden topic `observers`: the qparams that each kind of observer chooses. */
import { NDArray, type QParams } from '../../src/core/index.js';
import { histogram, minMax, movingAverageMinMax, percentile } from '../../src/quant/observers/index.js';
import type { Observer, ObserverFactory } from '../../src/quant/observers/index.js';
import { chooseQParams, tfliteParams } from '../../src/quant/qparams.js';
import { quantizeArray, dequantizeArray } from '../../src/ops/quantize.js';
import {
  expectClose,
  type CaseRunner,
  type GoldenCase,
  type ReadTensor,
  type TopicRunner,
} from './common.js';

interface Expected {
  scale: number[];
  zero_point: number[];
  zero_point_tie_margin?: number;
  quant_min: number;
  quant_max: number;
  symmetric?: boolean;
  mse?: number;
}

const SCALE = { abs: 0, rel: 1e-6 };
const configurations = (c: GoldenCase): [string, Expected][] =>
  Object.entries(c['qparams'] as Record<string, Expected>);
const isSymmetric = (name: string, e: Expected): boolean => e.symmetric ?? name.startsWith('symmetric');

function expectZeroPoints(
  what: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  margin: number,
): void {
  expectClose(`${what} zero point`, got, want, { abs: margin < 1e-3 ? 1 : 0, rel: 0 });
}

function expectQParams(what: string, got: QParams, e: Expected): void {
  expectClose(`${what} scale`, got.scale, e.scale, SCALE);
  expectZeroPoints(what, got.zeroPoint, e.zero_point, e.zero_point_tie_margin ?? 1);
}

function make(factory: ObserverFactory, name: string, e: Expected, axis: number | null = null): Observer {
  const spec = { quantMin: e.quant_min, quantMax: e.quant_max, symmetric: isSymmetric(name, e), axis, name };
  return factory(spec);
}

/** The array of a case, or row `t` of its first axis. */
function batch(c: GoldenCase, read: ReadTensor, t?: number): NDArray<'float32'> {
  const ref = c.inputs!['x'];
  const x = new NDArray<'float32'>(read(ref) as Float32Array, ref.shape);
  if (t === undefined) return x;
  const n = x.size / ref.shape[0];
  return new NDArray<'float32'>(x.data.subarray(t * n, (t + 1) * n), ref.shape.slice(1));
}

function tflite(name: string, c: GoldenCase, e: Expected): void {
  const range = { quantMin: e.quant_min, quantMax: e.quant_max };
  const [lo, hi] = [c['min'] as number, c['max'] as number];
  const got = tfliteParams(lo, hi, range);
  expectClose(`${name} scale`, [got.scale], e.scale, SCALE);
  expectZeroPoints(name, [got.zeroPoint], e.zero_point, 1);
  // Only a range of zero width differs in the library: it gets a safe scale.
  if (e.scale[0] > 0)
    expectQParams(name, chooseQParams(lo, hi, { ...range, symmetric: false, convention: 'tflite' }), e);
}

const minmax: CaseRunner = (c, read) => {
  const x = batch(c, read);
  for (const [name, e] of configurations(c)) {
    if (name.startsWith('tflite')) {
      tflite(name, c, e);
      continue;
    }
    const o = make(minMax(), name, e, (c.attrs?.['axis'] as number | undefined) ?? null);
    o.observe(x);
    expectQParams(name, o.qparams(), e);
    const { min, max } = o.range();
    expectClose(`${name} min`, min, c.outputs ? read(c.outputs['min']) : [c['min'] as number], SCALE);
    expectClose(`${name} max`, max, c.outputs ? read(c.outputs['max']) : [c['max'] as number], SCALE);
  }
};

const running: CaseRunner = (c, read) => {
  const a = c.attrs as {
    axis: number | null;
    averaging_constant: number | null;
    quant_min: number;
    quant_max: number;
    symmetric: boolean;
  };
  const factory =
    a.averaging_constant === null
      ? minMax()
      : movingAverageMinMax({ averagingConstant: a.averaging_constant });
  const o = factory({ quantMin: a.quant_min, quantMax: a.quant_max, symmetric: a.symmetric, axis: a.axis });
  const row = (key: string, t: number): ArrayLike<number> => {
    const ref = c.outputs![key];
    const n = ref.shape[1];
    return read(ref).subarray(t * n, (t + 1) * n);
  };
  for (let t = 0; t < c.inputs!['x'].shape[0]; t++) {
    o.observe(batch(c, read, t));
    const { min, max } = o.range();
    expectClose(`step ${t} min`, min, row('min', t), SCALE);
    expectClose(`step ${t} max`, max, row('max', t), SCALE);
    const qp = o.qparams();
    expectClose(`step ${t} scale`, qp.scale, row('scale', t), SCALE);
    expectZeroPoints(`step ${t}`, qp.zeroPoint, row('zero_point', t), c['zero_point_tie_margin'] as number);
  }
};

function meanSquaredError(x: NDArray<'float32'>, qp: QParams): number {
  const y = dequantizeArray(quantizeArray(x, qp), qp).data;
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += (y[i] - x.data[i]) ** 2;
  return sum / y.length;
}

const l2Histogram: CaseRunner = (c, read) => {
  const tol = c['tol'] as { scale_rel: number; mse_rel: number };
  for (const [name, e] of configurations(c)) {
    const o = make(histogram({ bins: c.attrs!['bins'] as number }), name, e);
    for (let t = 0; t < c.inputs!['x'].shape[0]; t++) o.observe(batch(c, read, t));
    const qp = o.qparams();
    const close = Math.abs(qp.scale[0] - e.scale[0]) <= tol.scale_rel * e.scale[0];
    const mse = meanSquaredError(batch(c, read), qp);
    if (!close && !(mse <= (1 + tol.mse_rel) * e.mse!))
      throw new Error(`${name}: scale ${qp.scale[0]}, expected ${e.scale[0]}; mse ${mse}, expected ${e.mse}`);
  }
};

const percentiles: CaseRunner = (c, read) => {
  const { lower, upper } = c.attrs as { lower: number; upper: number };
  for (const [name, e] of configurations(c)) {
    const o = make(percentile({ lower, upper }), name, e);
    o.observe(batch(c, read));
    expectQParams(name, o.qparams(), e);
    expectClose(`${name} min`, o.range().min, [c['min'] as number], SCALE);
    expectClose(`${name} max`, o.range().max, [c['max'] as number], SCALE);
  }
};

export const observers: TopicRunner = {
  minmax,
  per_channel_minmax: minmax,
  moving_average_minmax: running,
  running_minmax: running,
  histogram: l2Histogram,
  percentile: percentiles,
};
