/** A result of the bench, made up. */
import type { Result } from '../../bench/types.js';

export function result(change: Partial<Result>): Result {
  return {
    suite: 'gemm',
    shape: 'gemm 512',
    dtype: 'f32',
    impl: 'octograd wasm',
    threads: 1,
    node: 'node 20',
    median_ms: 1,
    mad_ms: 0.01,
    gops: 10,
    peak: 0.5,
    verified: true,
    rounds: 15,
    ops: 1e7,
    bytes: 1e6,
    ...change,
  };
}
