/** Readable ONNX files that are made to take much time or memory when they become graphs. */
import { counting, ints, node, onnx, tensor, type Written } from './build.js';

/** About that many bytes each. */
export function hostileImports(bytes: number): [name: string, file: Uint8Array][] {
  const count = Math.min(Math.floor(bytes / 150), 4000);
  const chain = (step: (i: number) => Written['nodes'][number], rest: Partial<Written> = {}): Uint8Array =>
    onnx({
      inputs: { x: [1, 2, 64, 64] },
      nodes: [node('Identity', 'x', 'v0'), ...Array.from({ length: count }, (_, i) => step(i))],
      outputs: `v${count}`,
      ...rest,
    });
  const next =
    (op: string, others = '') =>
    (i: number) =>
      node(op, `v${i}${others}`, `v${i + 1}`);
  /** Nodes that nothing reads, all of one constant as large as the file. */
  const unused = (op: string, inputs: string, constants: Written['constants']): Uint8Array =>
    onnx({
      inputs: { x: [1, 2] },
      constants: constants!,
      nodes: [node('Relu', 'x', 'y'), ...Array.from({ length: count }, (_, i) => node(op, inputs, `u${i}`))],
    });
  const long = Math.floor(bytes / 8);
  const scale = { s: tensor([], [0.1]), z: tensor([], [3], 'int8') };
  return [
    ['a long chain', chain(next('Relu'))],
    ['a chain of transposes', chain(next('Transpose'))],
    ['one constant in many sums', chain(next('Add', ' c'), { constants: { c: counting(1, 2, 64, 64) } })],
    [
      'one constant turned many times',
      chain((i) => (i === 0 ? node('Conv', 'v0 w', 'v1') : next('Div', ' c')(i)), {
        constants: { c: counting(1, 2, 64, 64), w: counting(2, 2, 1, 1) },
      }),
    ],
    [
      'one weight, scaled many times',
      chain((i) => next(i % 2 === 0 ? 'Conv' : 'Mul', i % 2 === 0 ? ' w' : ' c')(i), {
        constants: { c: counting(1), w: counting(64, 64, 1, 1) },
        inputs: { x: [1, 64, 64, 64] },
      }),
    ],
    [
      'equal parts joined',
      onnx({
        inputs: { x: [1, 2] },
        constants: { c: tensor([1, long], new Array<number>(long).fill(0)) },
        nodes: [node('Concat', `x${' c'.repeat(count)} x`, 'y', { axis: 1 })],
      }),
    ],
    [
      'moves before a quantization',
      chain(
        (i) =>
          i === 0
            ? node('QuantizeLinear', 'v0 s z', 'v1')
            : i === 1
              ? node('DequantizeLinear', 'v1 s z', 'v2')
              : next(i === 2 ? 'Sigmoid' : 'Transpose')(i),
        { constants: scale },
      ),
    ],
    ['reductions of a constant', unused('ReduceSum', 'c', { c: counting(long) })],
    ['parts of a constant', unused('Slice', 'c a b', { c: counting(long), a: ints(0), b: ints(2) })],
    [
      'products of a constant',
      unused('MatMulInteger', 'c c', { c: tensor([256, 256], new Array<number>(65536).fill(3), 'uint8') }),
    ],
    ['many inputs', onnx({ inputs: { x: [1, 2] }, nodes: [node('Sum', `x${' x'.repeat(long)}`, 'y')] })],
  ];
}
