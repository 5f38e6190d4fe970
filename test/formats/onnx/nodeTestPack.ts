/** Many node tests in one file: for each its name, its model, its inputs and its outputs, every part behind its length. */
import { decodeOnnxTensor } from '../../../src/formats/onnx/index.js';
import type { NodeTest } from './nodeTest.js';

/** The files of a test. */
export interface PackedTest {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** Little-endian: parts of [u16 length, bytes], after the name one byte each for the number of inputs and outputs. */
export function packTests(tests: readonly PackedTest[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const add = (bytes: Uint8Array): void =>
    void parts.push(Uint8Array.of(bytes.length & 255, bytes.length >> 8), bytes);
  for (const { name, model, inputs, outputs } of tests) {
    add(new TextEncoder().encode(name));
    parts.push(Uint8Array.of(inputs.length, outputs.length));
    for (const bytes of [model, ...inputs, ...outputs]) add(bytes);
  }
  return new Uint8Array(Buffer.concat(parts));
}

export function unpackTests(bytes: Uint8Array): Map<string, NodeTest> {
  const tests = new Map<string, NodeTest>();
  let at = 0;
  const next = (): Uint8Array => {
    const length = bytes[at] + 256 * bytes[at + 1];
    at += 2 + length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const name = new TextDecoder().decode(next());
    const [inputs, outputs] = [bytes[at++], bytes[at++]];
    const model = next();
    const tensors = (count: number) => Array.from({ length: count }, () => decodeOnnxTensor(next()));
    tests.set(name, { model, inputs: tensors(inputs), outputs: tensors(outputs) });
  }
  return tests;
}
