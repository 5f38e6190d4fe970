/** The fully connected layer: x weight^T + bias. */
import { formatShape, NDArray, ShapeError } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { compute } from './backend.js';
import { checkFloats, floats, NO_ATTRS, type NoAttrs } from './checks.js';
import { sumOver } from './reduce.js';

export const linearOp: OpDef<NoAttrs> = {
  name: 'linear',
  infer([x, weight, bias]) {
    checkFloats('linear', { x, weight, bias });
    if (weight.shape.length !== 2)
      throw new ShapeError(`weight: linear takes [out, in], got shape ${formatShape(weight.shape)}`);
    const [outputs, inputs] = weight.shape;
    if (x.shape.length === 0 || x.shape[x.shape.length - 1] !== inputs)
      throw new ShapeError(
        `x: linear with weight ${formatShape(weight.shape)} takes [..., ${inputs}], got shape ${formatShape(x.shape)}`,
      );
    if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== outputs))
      throw new ShapeError(
        `bias: linear needs shape [${outputs}], one per output, got ${formatShape(bias.shape)}`,
      );
    return { shape: [...x.shape.slice(0, -1), outputs], dtype: x.dtype };
  },
  forward(ctx, [x, weight, bias]) {
    ctx.save(x, weight);
    const [n, k] = weight.shape;
    const y = NDArray.empty([...x.shape.slice(0, -1), n], x.dtype);
    compute('gemm', {
      ...{ m: y.size / n, n, k, transA: false, transB: true, accumulate: false },
      a: floats(x),
      b: floats(weight),
      bias: bias === undefined ? null : floats(bias),
      c: floats(y),
    });
    return y;
  },
  backward({ saved: [x, weight], needsGrad }, g) {
    const [n, k] = weight.shape;
    const rows = g.size / n;
    const dx = needsGrad[0] ? NDArray.emptyLike(x) : null;
    const dw = needsGrad[1] ? NDArray.emptyLike(weight) : null;
    if (dx !== null)
      compute('gemm', {
        ...{ m: rows, n: k, k: n, transA: false, transB: false, bias: null, accumulate: false },
        a: floats(g),
        b: floats(weight),
        c: floats(dx),
      });
    if (dw !== null)
      compute('gemm', {
        ...{ m: n, n: k, k: rows, transA: true, transB: false, bias: null, accumulate: false },
        a: floats(g),
        b: floats(x),
        c: floats(dw),
      });
    return [dx, dw, needsGrad[2] ? sumOver(g.reshape([rows, n]), [0], false) : null];
  },
};

/**
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out], or null
 * @returns [..., out]
 * @throws ShapeError where these do not fit, DTypeError for integer or mixed types
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return apply(linearOp, bias === null ? [x, weight] : [x, weight, bias], NO_ATTRS);
}
