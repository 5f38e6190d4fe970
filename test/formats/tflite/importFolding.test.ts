/** Operators that are computed at import, and those that become several nodes. */
import t from 'tap';
import { importTflite, type TfliteTensor } from '../../../src/formats/tflite/index.js';
import { fileOf, run, tensor } from './build.js';

t.test('arithmetic on shapes is folded', (t) => {
  const ints = (name: string, data: number[]) =>
    tensor(name, [data.length], { dtype: 'int32', data: Int32Array.from(data) });
  const computed = (name: string, shape: number[]) => tensor(name, shape, { dtype: 'int32' });
  const masks = {
    beginMask: 0,
    endMask: 0,
    ellipsisMask: 0,
    newAxisMask: 0,
    shrinkAxisMask: 1,
    offset: false,
  };
  const file = fileOf(
    [
      tensor('x', [1, 2, 3]),
      computed('shape', [3]),
      ints('zero', [0]),
      ints('one', [1]),
      computed('batch', []),
      tensor('rest', [], { dtype: 'int32', data: Int32Array.of(-1) }),
      computed('target', [2]),
      tensor('y', [1, 6]),
    ],
    [
      { op: 'SHAPE', inputs: [0], outputs: [1], options: { outType: 'int32' } },
      { op: 'STRIDED_SLICE', inputs: [1, 2, 3, 3], outputs: [4], options: masks },
      { op: 'PACK', inputs: [4, 5], outputs: [6], options: { valuesCount: 2, axis: 0 } },
      { op: 'RESHAPE', inputs: [0, 6], outputs: [7], options: { newShape: null } },
    ],
  );
  const { graph } = importTflite(file);
  t.same(
    graph.nodes.map(({ op }) => op),
    ['reshape'],
  );
  t.same(graph.values.get(graph.outputs[0])!.shape, [1, 6]);
  t.end();
});

t.test('constants are computed', (t) => {
  const floats = (...data: number[]) => tensor('c', [data.length], { data: Float32Array.from(data) });
  const ints = (...data: number[]) =>
    tensor('i', [data.length], { dtype: 'int32', data: Int32Array.from(data) });
  const bools = (...data: number[]) =>
    tensor('b', [data.length], { dtype: 'bool', data: Uint8Array.from(data) });
  const number = (value: number) => tensor('n', [], { data: Float32Array.of(value) });
  const cases: [string, TfliteTensor[], number[], object?][] = [
    ['RANGE', [number(1), number(4), number(1)], [1, 2, 3]],
    ['FILL', [ints(3), number(2.5)], [2.5, 2.5, 2.5]],
    ['ZEROS_LIKE', [floats(1, 2, 3)], [0, 0, 0]],
    ['SELECT', [bools(1, 0, 1), floats(1, 2, 3), floats(4, 5, 6)], [1, 5, 3]],
    ['SELECT_V2', [bools(0), floats(1), floats(4, 5, 6)], [4, 5, 6]],
    ['FLOOR_DIV', [floats(7, -7, 1), floats(2)], [3, -4, 0]],
    ['FLOOR_MOD', [floats(7, -7, 1), floats(2)], [1, 1, 1]],
    ['MAXIMUM', [floats(7, -7, 1), floats(2)], [7, 2, 2]],
    ['POW', [floats(1, 2, 3), floats(2)], [1, 4, 9]],
    ['ROUND', [floats(0.5, 1.5, -0.75)], [0, 2, -1]],
    ['SIGN', [floats(3, -2, 0)], [1, -1, 0]],
    ['RSQRT', [floats(1, 4, 16)], [1, 0.5, 0.25]],
    ['DIV', [floats(1, 4, 9), floats(2)], [0.5, 2, 4.5], { activation: 'NONE' }],
    ['REVERSE_V2', [floats(1, 2, 3), ints(0)], [3, 2, 1]],
    ['TILE', [floats(1), ints(3)], [1, 1, 1]],
    ['SLICE', [floats(0, 1, 2, 3, 4), ints(1), ints(3)], [1, 2, 3]],
    ['GATHER', [floats(5, 6, 7), ints(2, 0, 2)], [7, 5, 7], { axis: 0, batchDims: 0 }],
    ['CONCATENATION', [floats(1), floats(2, 3)], [1, 2, 3], { axis: 0, activation: 'NONE' }],
    ['CAST', [ints(1, 2, 3)], [1, 2, 3], { inDataType: 'int32', outDataType: 'float32' }],
    ...(
      [
        ['MEAN', 2],
        ['SUM', 6],
        ['REDUCE_MAX', 3],
        ['REDUCE_MIN', 1],
        ['REDUCE_PROD', 6],
      ] as const
    ).map(([op, y]): [string, TfliteTensor[], number[], object] => [
      op,
      [floats(1, 2, 3), ints(0)],
      [y, y, y],
      { keepDims: true },
    ]),
  ];
  for (const [op, operands, want, options = null] of cases) {
    const at = 1 + operands.length;
    const file = fileOf(
      [tensor('x', [1, 3]), ...operands, tensor('made', want.length === 3 ? [3] : [1]), tensor('y', [1, 3])],
      [
        { op, inputs: operands.map((_, i) => i + 1), outputs: [at], options },
        {
          op: 'ADD',
          inputs: [0, at],
          outputs: [at + 1],
          options: { activation: 'NONE', potScaleInt16: true },
        },
      ],
    );
    const read = importTflite(file);
    t.ok(
      read.graph.nodes.every((node) => node.op === 'constant' || node.op === 'add'),
      op,
    );
    t.same(
      run(read, [Float32Array.of(10, 20, 30)])[0].data,
      want.map((v, i) => 10 * (i + 1) + v),
      op,
    );
  }
  t.end();
});

t.test('truth values are computed', (t) => {
  const cases: [string, number[]][] = [
    ['EQUAL', [0, 1, 0]],
    ['NOT_EQUAL', [1, 0, 1]],
    ['GREATER', [0, 0, 1]],
    ['GREATER_EQUAL', [0, 1, 1]],
    ['LESS', [1, 0, 0]],
    ['LESS_EQUAL', [1, 1, 0]],
    ['LOGICAL_AND', [1, 1, 1]],
    ['LOGICAL_OR', [1, 1, 1]],
  ];
  for (const [op, want] of cases) {
    const floats = (name: string, ...data: number[]) => tensor(name, [3], { data: Float32Array.from(data) });
    const file = fileOf(
      [
        tensor('x', [1, 3]),
        floats('a', 1, 2, 3),
        floats('b', 2, 2, 2),
        tensor('truth', [3], { dtype: 'bool' }),
        tensor('float', [3]),
        tensor('y', [1, 3]),
      ],
      [
        { op, inputs: [1, 2], outputs: [3], options: null },
        { op: 'CAST', inputs: [3], outputs: [4], options: { inDataType: 'bool', outDataType: 'float32' } },
        { op: 'MUL', inputs: [0, 4], outputs: [5], options: { activation: 'NONE' } },
      ],
    );
    t.same(run(importTflite(file), [Float32Array.of(1, 1, 1)])[0].data, want, op);
  }
  t.end();
});

t.test('blocks of pixels as images of their own, and back', (t) => {
  const pairs = (name: string, ...data: number[]) =>
    tensor(name, [2, 2], { dtype: 'int32', data: Int32Array.from(data) });
  const sizes = tensor('sizes', [2], { dtype: 'int32', data: Int32Array.of(2, 2) });
  const file = (last: number) =>
    fileOf(
      [
        tensor('x', [1, 2, 3, 1]),
        sizes,
        pairs('pads', 0, 0, 1, 0),
        tensor('apart', [4, 1, 2, 1]),
        ...(last === 5 ? [pairs('crops', 0, 0, 1, 0), tensor('y', [1, 2, 3, 1])] : []),
      ],
      [
        { op: 'SPACE_TO_BATCH_ND', inputs: [0, 1, 2], outputs: [3], options: null },
        { op: 'BATCH_TO_SPACE_ND', inputs: [3, 1, 4], outputs: [5], options: null },
      ].slice(0, last === 5 ? 2 : 1),
    );
  const x = Float32Array.of(1, 2, 3, 4, 5, 6);
  const apart = importTflite(file(3));
  t.equal(apart.graph.batch, 'fixed');
  t.same(run(apart, [x])[0].data, [0, 2, 1, 3, 0, 5, 4, 6]);
  t.same(run(importTflite(file(5)), [x])[0].data, x);
  t.end();
});

t.test('operators made of several nodes', (t) => {
  const one = (
    op: string,
    inputs: TfliteTensor[],
    given: Float32Array,
    want: number[],
    options: object | null = null,
  ) => {
    const n = given.length;
    const file = fileOf(
      [tensor('x', [1, n]), ...inputs, tensor('y', [1, n])],
      [{ op, inputs: [0, ...inputs.map((_, i) => i + 1)], outputs: [1 + inputs.length], options }],
    );
    const [got] = run(importTflite(file), [given]);
    t.ok(
      want.every((v, i) => Math.abs(v - Number(got.data[i])) < 1e-5),
      `${op}: ${String(got.data)}`,
    );
  };
  one('GELU', [], Float32Array.of(-1, 0, 1), [-0.158808, 0, 0.841192], { approximate: true });
  one(
    'SQUARED_DIFFERENCE',
    [tensor('c', [2], { data: Float32Array.of(1, 5) })],
    Float32Array.of(3, 3),
    [4, 4],
  );
  one('ADD_N', [tensor('c', [1, 2], { data: Float32Array.of(1, 5) })], Float32Array.of(3, 3), [4, 8]);
  one('PRELU', [tensor('c', [1, 1], { data: Float32Array.of(0.5) })], Float32Array.of(3, -3), [3, -1.5]);
  one(
    'PRELU',
    [tensor('c', [1, 2], { data: Float32Array.of(0.5, 0.25) })],
    Float32Array.of(-4, -4),
    [-2, -1],
  );
  one('L2_NORMALIZATION', [], Float32Array.of(3, 4), [0.6, 0.8], { activation: 'NONE' });
  one('LOG_SOFTMAX', [], Float32Array.of(0, 1), [-1.313262, -0.313262]);
  one('ADD', [tensor('c', [1], { data: Float32Array.of(1) })], Float32Array.of(-3, 3), [-1, 1], {
    activation: 'RELU_N1_TO_1',
    potScaleInt16: true,
  });
  one('SUB', [tensor('c', [1], { data: Float32Array.of(1) })], Float32Array.of(1, 2), [0, Math.tanh(1)], {
    activation: 'TANH',
    potScaleInt16: true,
  });
  t.end();
});
