/** ml-matrix and mathjs: products of float matrices in plain JavaScript. */
import { createRequire } from 'node:module';
import type { Implementation, Loaded } from '../process/implementation.js';
import type { Case, GemmCase } from '../types.js';
import { peerVersion, requirePeer } from './require.js';

/** Beyond this many operations one product takes seconds. */
const LIMIT = 3e8;

type Product = (c: GemmCase) => Loaded;

/** Row i of x, and row p of w transposed. */
function rows(c: GemmCase): { left: number[][]; right: number[][] } {
  const { m, n, k, x, w } = c;
  return {
    left: Array.from({ length: m }, (_, i) => Array.from(x.subarray(i * k, (i + 1) * k))),
    right: Array.from({ length: k }, (_, p) => Array.from({ length: n }, (_, j) => w[j * k + p])),
  };
}

function product(multiply: () => unknown, toRows: (result: unknown) => number[][]): Loaded {
  let result: unknown;
  return {
    run: () => void (result = multiply()),
    output: () => Float32Array.from(toRows(result).flat()),
  };
}

interface MlMatrix {
  mmul(other: MlMatrix): MlMatrix;
  to2DArray(): number[][];
}
function mlMatrix(): Product {
  const { Matrix } = requirePeer<{ Matrix: new (rows: number[][]) => MlMatrix }>('ml-matrix');
  return (c) => {
    const { left, right } = rows(c);
    const [a, b] = [new Matrix(left), new Matrix(right)];
    return product(
      () => a.mmul(b),
      (y) => (y as MlMatrix).to2DArray(),
    );
  };
}

async function mathjs(): Promise<Product> {
  const { matrix, multiply } = await import('mathjs');
  return (c) => {
    const { left, right } = rows(c);
    const [a, b] = [matrix(left), matrix(right)];
    return product(
      () => multiply(a, b),
      (y) => (y as typeof a).toArray() as number[][],
    );
  };
}

export async function start(name = 'mathjs'): Promise<Implementation> {
  const multiply = name === 'mathjs' ? await mathjs() : mlMatrix();
  const version =
    name === 'mathjs'
      ? (createRequire(import.meta.url)('mathjs/package.json') as { version: string }).version
      : peerVersion(name);
  const load = (c: Case): Loaded | string => {
    if (c.kind !== 'gemm' || c.dtype !== 'f32') return 'it multiplies float matrices only';
    return c.ops > LIMIT ? 'it takes too long' : multiply(c);
  };
  return { threads: 1, version, load };
}
