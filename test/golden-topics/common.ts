/** Reads golden vectors: manifest, tensors, comparison within the tolerance that a case states. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOf, type TypedArray } from '../../src/core/index.js';

export interface TensorRef {
  dtype: 'float32' | 'float64' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64';
  shape: number[];
  offset: number;
}

export interface Tolerance {
  abs: number;
  rel: number;
}

/** A case of a manifest; fields beyond these are read by the topic that knows them. */
export interface GoldenCase {
  id: string;
  op: string;
  attrs?: Record<string, unknown>;
  inputs?: Record<string, TensorRef>;
  outputs?: Record<string, TensorRef>;
  grad_outputs?: Record<string, TensorRef>;
  grads?: Record<string, TensorRef>;
  tol_f32?: Tolerance;
  tol_f64?: Tolerance;
  informative?: boolean;
  [field: string]: unknown;
}

/** The numbers of a tensor in a manifest. int16 and int64 are widened or narrowed to int32. */
export type ReadTensor = (ref: TensorRef) => TypedArray;

/** Runs one case; throws where it does not pass. */
export type CaseRunner = (c: GoldenCase, read: ReadTensor) => void;

/** All ops of a topic. A case whose op is missing here fails. */
export type TopicRunner = Readonly<Record<string, CaseRunner>>;

export interface Topic {
  name: string;
  dir: string;
  cases: GoldenCase[];
  read: ReadTensor;
}

export function loadTopic(dir: string): Topic | null {
  const file = join(dir, 'manifest.json');
  if (!existsSync(file)) return null;
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
    topic: string;
    case_count: number;
    cases: GoldenCase[];
    data: { file: string; bytes: number; sha256: string };
  };
  const bytes = readFileSync(join(dir, manifest.data.file));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== manifest.data.sha256) throw new Error(`${dir}: data.bin does not match its manifest`);
  if (manifest.cases.length !== manifest.case_count) throw new Error(`${dir}: cases are missing`);
  const buffer = new Uint8Array(bytes).buffer; // offsets are multiples of 8 in this copy
  const read: ReadTensor = ({ dtype, shape, offset }) => {
    const n = sizeOf(shape);
    switch (dtype) {
      case 'float32':
        return new Float32Array(buffer, offset, n);
      case 'float64':
        return new Float64Array(buffer, offset, n);
      case 'int8':
        return new Int8Array(buffer, offset, n);
      case 'uint8':
        return new Uint8Array(buffer, offset, n);
      case 'int16':
        return Int32Array.from(new Int16Array(buffer, offset, n));
      case 'int32':
        return new Int32Array(buffer, offset, n);
      case 'int64':
        return Int32Array.from(new BigInt64Array(buffer, offset, n), Number);
    }
  };
  return { name: manifest.topic, dir, cases: manifest.cases, read };
}

/** Throws at the first element with |got - want| > abs + rel * |want|. NaN and infinities must be equal. */
export function expectClose(
  what: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tol: Tolerance,
): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} elements, expected ${want.length}`);
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || got[i] === want[i]) continue;
    if (!(Math.abs(got[i] - want[i]) <= tol.abs + tol.rel * Math.abs(want[i])))
      throw new Error(`${what}[${i}]: got ${got[i]}, expected ${want[i]} (abs ${tol.abs}, rel ${tol.rel})`);
  }
}

export function expectEqual(what: string, got: ArrayLike<number>, want: ArrayLike<number>): void {
  expectClose(what, got, want, { abs: 0, rel: 0 });
}
