/** Matrix product with the batching rules of numpy and PyTorch. */
import {
  broadcastShapes,
  broadcastStrides,
  formatShape,
  NDArray,
  ShapeError,
  sizeOf,
  type ArraySpec,
  type FloatArray,
  type Shape,
} from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { compute } from './backend.js';
import { checkFloats, floats, NO_ATTRS, type NoAttrs } from './checks.js';
import { eachStrip } from './strips.js';

interface Plan {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Batch axes, and for each operand its strides along them in matrices. */
  readonly batch: Shape;
  readonly aStrides: readonly number[];
  readonly bStrides: readonly number[];
  readonly outShape: Shape;
}

/** A vector on the left is a row, on the right a column; the axis added is dropped from the result. */
function plan(a: Shape, b: Shape): Plan {
  if (a.length === 0 || b.length === 0)
    throw new ShapeError(
      `matmul: shapes ${formatShape(a)} and ${formatShape(b)}; a scalar has no matrix product, use mul`,
    );
  const [rowsA, k] = a.length === 1 ? [1, a[0]] : a.slice(-2);
  const [kb, n] = b.length === 1 ? [b[0], 1] : b.slice(-2);
  if (k !== kb)
    throw new ShapeError(
      `matmul: shapes ${formatShape(a)} and ${formatShape(b)}; a has rows of ${k} elements, b columns of ${kb}; they must be equal`,
    );
  const tail = [...(a.length === 1 ? [] : [rowsA]), ...(b.length === 1 ? [] : [n])];
  // One matrix on the right serves all rows of all batches: a single large product.
  const shared = b.length <= 2;
  const batchA = shared ? [] : a.slice(0, -2);
  const batchB = b.slice(0, -2);
  const batch = broadcastShapes(batchA, batchB, 'matmul: batch axes');
  return {
    m: shared ? sizeOf(a.slice(0, -1)) : rowsA,
    n,
    k,
    batch,
    aStrides: broadcastStrides(batchA, batch),
    bStrides: broadcastStrides(batchB, batch),
    outShape: [...(shared ? a.slice(0, -2) : batch), ...tail],
  };
}

/** Calls `f` with the index of the matrix of a, b and c, for each product. */
function eachProduct(
  { batch, aStrides, bStrides }: Plan,
  f: (a: number, b: number, c: number) => void,
): void {
  let c = 0;
  eachStrip(batch, [aStrides, bStrides], (length, [a, b], [as, bs]) => {
    for (let i = 0; i < length; i++) f(a + i * as, b + i * bs, c++);
  });
}

function matrix(data: FloatArray, index: number, size: number): FloatArray {
  return data.subarray(index * size, (index + 1) * size);
}

export const matmulOp: OpDef<NoAttrs> = {
  name: 'matmul',
  infer([a, b]): ArraySpec {
    checkFloats('matmul', { a, b });
    return { shape: plan(a.shape, b.shape).outShape, dtype: a.dtype };
  },
  forward(ctx, [a, b]) {
    ctx.save(a, b);
    const p = plan(a.shape, b.shape);
    const { m, n, k } = p;
    const c = NDArray.empty(p.outShape, a.dtype);
    eachProduct(p, (ia, ib, ic) => {
      compute('gemm', {
        ...{ m, n, k, transA: false, transB: false, bias: null, accumulate: false },
        a: matrix(floats(a), ia, m * k),
        b: matrix(floats(b), ib, k * n),
        c: matrix(floats(c), ic, m * n),
      });
    });
    return c;
  },
  /** da += dc b^T, db += a^T dc: a matrix that serves several products collects from all of them. */
  backward({ saved: [a, b], needsGrad }, g) {
    const p = plan(a.shape, b.shape);
    const { m, n, k } = p;
    const da = needsGrad[0] ? NDArray.like(a) : null;
    const db = needsGrad[1] ? NDArray.like(b) : null;
    eachProduct(p, (ia, ib, ic) => {
      const dc = matrix(floats(g), ic, m * n);
      if (da !== null)
        compute('gemm', {
          ...{ m, n: k, k: n, transA: false, transB: true, bias: null, accumulate: true },
          a: dc,
          b: matrix(floats(b), ib, k * n),
          c: matrix(floats(da), ia, m * k),
        });
      if (db !== null)
        compute('gemm', {
          ...{ m: k, n, k: m, transA: true, transB: false, bias: null, accumulate: true },
          a: matrix(floats(a), ia, m * k),
          b: dc,
          c: matrix(floats(db), ib, k * n),
        });
    });
    return [da, db];
  },
};

/**
 * a [..., m, k] times b [..., k, n] gives [..., m, n]; the leading axes broadcast. One-dimensional operands are vectors.
 * @throws ShapeError where inner sizes differ or batch axes do not broadcast, DTypeError for integer or mixed types
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return apply(matmulOp, [a, b], NO_ATTRS);
}
