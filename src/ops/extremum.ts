/** What amax, amin, max, min, argmax and argmin share. NaN counts as the extremum, the first of equals wins. */
import {
  broadcastStrides,
  formatShape,
  NDArray,
  normalizeAxis,
  ShapeError,
  type ArraySpec,
} from '../core/index.js';
import type { OpDef, Tensor } from '../autograd/index.js';
import { eachLine, viewAxis } from './axis.js';
import { checkFloats, floats } from './checks.js';
import { reduceAxes, reducedShape, type ReducePass } from './reduce.js';
import { eachStrip } from './strips.js';
import type { ReduceAttrs } from './sum.js';

/** 1 looks for the largest, -1 for the smallest. */
export type Sign = 1 | -1;

export interface AxisAttrs {
  readonly axis: number;
  readonly keepdim: boolean;
}

export interface AxisOptions {
  readonly axis: number;
  readonly keepdim?: boolean;
}

export function axisAttrs(x: Tensor, { axis, keepdim = false }: AxisOptions): AxisAttrs {
  return { axis: normalizeAxis(axis, x.rank), keepdim };
}

function inferExtremum(op: string, x: ArraySpec, axes: readonly number[], keepdim: boolean): ArraySpec {
  checkFloats(op, { x });
  if (axes.some((a) => x.shape[a] === 0))
    throw new ShapeError(
      `x: ${op} of shape ${formatShape(x.shape)} over axes [${axes.join(', ')}] has no elements`,
    );
  return { shape: reducedShape(x.shape, axes, keepdim), dtype: x.dtype };
}

/** The position along `axis` of each extremum. */
function locate(x: NDArray, axis: number, sign: Sign, keepdim: boolean): NDArray<'int32'> {
  const view = viewAxis(x.shape, axis);
  const indices = NDArray.zeros(reducedShape(x.shape, [axis], keepdim), 'int32');
  const data = floats(x);
  eachLine(view, (start, line) => {
    let best = data[start];
    let index = 0;
    for (let i = 1; i < view.n && !Number.isNaN(best); i++) {
      const v = data[start + i * view.inner];
      if (sign * (v - best) > 0 || Number.isNaN(v)) {
        best = v;
        index = i;
      }
    }
    indices.data[line] = index;
  });
  return indices;
}

/** Indices along an axis: int32, no gradient. */
export function argExtremum(name: string, sign: Sign): OpDef<AxisAttrs> {
  return {
    name,
    infer: ([x], { axis, keepdim }) => ({ ...inferExtremum(name, x, [axis], keepdim), dtype: 'int32' }),
    forward: (_, [x], { axis, keepdim }) => locate(x, axis, sign, keepdim),
    backward: () => [null],
  };
}

/** Values along an axis; the gradient goes to the first of equals. */
export function axisExtremum(name: string, sign: Sign): OpDef<AxisAttrs> {
  return {
    name,
    infer: ([x], { axis, keepdim }) => inferExtremum(name, x, [axis], keepdim),
    forward(ctx, [x], { axis, keepdim }) {
      const indices = locate(x, axis, sign, keepdim);
      const y = NDArray.zeros(indices.shape, x.dtype);
      const view = viewAxis(x.shape, axis);
      eachLine(view, (start, line) => {
        y.data[line] = x.data[start + indices.data[line] * view.inner];
      });
      ctx.save(x, indices);
      return y;
    },
    backward({ saved: [x, indices] }, g, { axis }) {
      const dx = NDArray.like(x);
      const view = viewAxis(x.shape, axis);
      eachLine(view, (start, line) => {
        dx.data[start + indices.data[line] * view.inner] = g.data[line];
      });
      return [dx];
    },
  };
}

/** Values over any axes; equals share the gradient evenly. */
export function axesExtremum(name: string, sign: Sign): OpDef<ReduceAttrs> {
  const pass: ReducePass = (x, outer, n, inner) => {
    const y = new Float64Array(outer * inner).fill(-sign * Infinity);
    const pick = sign === 1 ? Math.max : Math.min;
    for (let o = 0, i = 0; o < outer; o++)
      for (let r = 0; r < n; r++)
        for (let c = 0; c < inner; c++, i++) y[o * inner + c] = pick(y[o * inner + c], x[i]);
    return y;
  };
  return {
    name,
    infer: ([x], { axes, keepdim }) => inferExtremum(name, x, axes, keepdim),
    forward(ctx, [x], { axes, keepdim }) {
      const y = NDArray.zeros(reducedShape(x.shape, axes, keepdim), x.dtype);
      y.data.set(reduceAxes(pass, floats(x), x.shape, axes));
      ctx.save(x, y);
      return y;
    },
    backward({ saved: [x, y] }, grad, { axes }) {
      const dx = NDArray.like(x);
      const [from, top, g, to] = [floats(x), floats(y), floats(grad), floats(dx)];
      const equals = new Int32Array(y.size);
      const strides = [broadcastStrides(reducedShape(x.shape, axes, true), x.shape)];
      const eachTie = (visit: (i: number, out: number) => void): void => {
        let at = 0;
        eachStrip(x.shape, strides, (n, [o], [step]) => {
          for (const end = at + n; at < end; at++, o += step) if (from[at] === top[o]) visit(at, o);
        });
      };
      eachTie((_, o) => equals[o]++);
      eachTie((i, o) => (to[i] = g[o] / equals[o]));
      return [dx];
    },
  };
}
