/** importOnnx op by op: results by hand, differences between operator sets, folding, batches, what is refused. */
import t from 'tap';
import { ArgumentError, FormatError, UnsupportedError } from '../../../src/core/index.js';
import {
  importOnnx,
  ONNX_OPERATORS,
  type OnnxImportOptions,
  type OnnxTensor,
} from '../../../src/formats/onnx/index.js';
import { counting, float, ints, node, onnx, tensor, type Written } from './build.js';
import { runImport } from './nodeTest.js';

type Inputs = Readonly<Record<string, OnnxTensor>>;

/** The outputs, rounded for comparison. */
function run(written: Written, inputs: Inputs, options: OnnxImportOptions = {}): number[][] {
  const network = importOnnx(onnx(written), options);
  const results = runImport(network, new Map(Object.entries(inputs)));
  return results.map(({ data }) => Array.from(data, (v) => Number(v.toFixed(5)) + 0));
}

const opsOf = (written: Written, options: OnnxImportOptions = {}): string[] =>
  importOnnx(onnx(written), options).graph.nodes.map(({ op }) => op);

t.test('convolutions: automatic padding, groups, dilation, sequences', (t) => {
  const x = counting(1, 1, 3, 3);
  const kernel = tensor([1, 1, 2, 2], [1, 0, 0, 1]);
  const conv = (attributes: Parameters<typeof node>[3]): number[] =>
    run(
      {
        inputs: { x: [1, 1, 3, 3] },
        constants: { w: kernel },
        nodes: [node('Conv', 'x w', 'y', attributes)],
      },
      { x },
    )[0];
  t.same(conv({}), [6, 8, 12, 14]);
  t.same(conv({ auto_pad: 'SAME_UPPER' }), [6, 8, 3, 12, 14, 6, 7, 8, 9]);
  t.same(conv({ auto_pad: 'SAME_LOWER' }), [1, 2, 3, 4, 6, 8, 7, 12, 14]);
  t.same(conv({ auto_pad: 'VALID', pads: [1, 1, 1, 1] }), [6, 8, 12, 14]);
  t.same(conv({ dilations: [2, 2] }), [10]);
  t.same(conv({ strides: [2, 2], pads: [0, 0, 1, 1] }), [6, 3, 7, 9]);

  const grouped = run(
    {
      inputs: { x: [1, 2, 1, 2] },
      constants: { w: tensor([2, 1, 1, 1], [10, 100]), b: tensor([2], [1, 2]) },
      nodes: [node('Conv', 'x w b', 'y', { group: 2 })],
    },
    { x: counting(1, 2, 1, 2) },
  );
  t.same(grouped, [[11, 21, 302, 402]]);
  const sequence = run(
    {
      inputs: { x: [1, 1, 4] },
      constants: { w: tensor([1, 1, 2], [1, -1]) },
      nodes: [node('Conv', 'x w', 'y', { pads: [1, 0] })],
    },
    { x: counting(1, 1, 4) },
  );
  t.same(sequence, [[-1, -1, -1, -1]]);
  t.end();
});

t.test('transposed convolutions', (t) => {
  const convTranspose = (attributes: Parameters<typeof node>[3]): number[] =>
    run(
      {
        inputs: { x: [1, 1, 1, 2] },
        constants: { w: tensor([1, 1, 1, 3], [1, 2, 3]) },
        nodes: [node('ConvTranspose', 'x w', 'y', attributes)],
      },
      { x: tensor([1, 1, 1, 2], [10, 100]) },
    )[0];
  t.same(convTranspose({}), [10, 120, 230, 300]);
  t.same(convTranspose({ strides: [1, 2] }), [10, 20, 130, 200, 300]);
  t.same(convTranspose({ strides: [1, 2], output_padding: [0, 1] }), [10, 20, 130, 200, 300, 0]);
  t.same(convTranspose({ strides: [1, 2], pads: [0, 1, 0, 1] }), [20, 130, 200]);
  t.same(convTranspose({ strides: [1, 3] }), [10, 20, 30, 100, 200, 300]);
  t.same(convTranspose({ pads: [0, 2, 0, 1] }), [230]);
  t.same(convTranspose({ dilations: [1, 2] }), [10, 100, 20, 200, 30, 300]);
  t.same(convTranspose({ strides: [1, 2], output_shape: [1, 4] }), [20, 130, 200, 300]);
  t.same(convTranspose({ strides: [1, 2], auto_pad: 'SAME_UPPER' }), [10, 20, 130, 200]);
  t.same(convTranspose({ strides: [1, 2], auto_pad: 'SAME_LOWER' }), [20, 130, 200, 300]);
  t.end();
});

t.test('pools: ceil mode and what counts', (t) => {
  const pool = (op: string, attributes: Parameters<typeof node>[3]): number[] =>
    run(
      { inputs: { x: [1, 1, 1, 4] }, nodes: [node(op, 'x', 'y', attributes)] },
      { x: counting(1, 1, 1, 4) },
    )[0];
  const window = { kernel_shape: [1, 3], strides: [1, 2] };
  t.same(pool('MaxPool', window), [3]);
  t.same(pool('MaxPool', { ...window, ceil_mode: 1 }), [3, 4]);
  t.same(pool('MaxPool', { kernel_shape: [1, 2], dilations: [1, 2] }), [3, 4]);
  t.same(pool('AveragePool', { ...window, ceil_mode: 1 }), [2, 3.5]);
  t.same(pool('AveragePool', { ...window, pads: [0, 1, 0, 0] }), [1.5, 3]);
  t.same(pool('AveragePool', { ...window, pads: [0, 1, 0, 0], count_include_pad: 1 }), [1, 3]);
  // The last window reaches one cell beyond the padding, which does not count.
  t.same(
    pool('AveragePool', {
      kernel_shape: [1, 4],
      strides: [1, 3],
      pads: [0, 1, 0, 1],
      ceil_mode: 1,
      count_include_pad: 1,
    }),
    [1.5, 2.33333],
  );
  t.same(pool('GlobalAveragePool', {}), [2.5]);
  t.same(pool('GlobalMaxPool', {}), [4]);
  t.end();
});

t.test('products: layers of constants, products of values', (t) => {
  const b = tensor([2, 2], [1, 2, 3, 4]);
  const product = (nodes: Written['nodes'], constants: Inputs = { b }): Written => ({
    inputs: { x: ['n', 2] },
    constants,
    nodes,
  });
  const x = tensor([1, 2], [1, 10]);
  t.same(run(product([node('MatMul', 'x b', 'y')]), { x }), [[31, 42]]);
  t.same(run(product([node('Gemm', 'x b', 'y', { transB: 1 })]), { x }), [[21, 43]]);
  const deep: Written = {
    inputs: { x: ['n', 1, 2] },
    constants: { b: { ...b, dims: [1, 2, 2] } },
    nodes: [node('MatMul', 'x b', 'y')],
  };
  t.same(run(deep, { x: tensor([1, 1, 2], [1, 10]) }), [[31, 42]]);
  t.same(opsOf(deep), ['linear'], 'a matrix with a size of 1 in front is a layer all the same');
  const c = tensor([2], [1, 2]);
  const gemm = product([node('Gemm', 'x b c', 'y', { alpha: float(0.5), beta: float(2) })], { b, c });
  t.same(run(gemm, { x }), [[17.5, 25]]);
  t.same(opsOf(gemm), ['linear']);
  // A bias with a row for each row of the product is no bias of a layer.
  const rows = product([node('Gemm', 'x b c', 'y')], { b, c: tensor([1, 1], [7]) });
  t.same(run(rows, { x }), [[38, 49]]);
  const values: Written = { inputs: { a: [2, 3], x: [3] }, nodes: [node('MatMul', 'a x', 'y')] };
  t.same(run(values, { a: counting(2, 3), x: counting(3) }), [[14, 32]]);
  t.equal(importOnnx(onnx(values)).graph.batch, 'fixed');
  t.end();
});

t.test('functions of one element', (t) => {
  const x = tensor([1, 4], [-4, -1, 0.5, 7]);
  const f = (nodes: Written['nodes'], constants: Inputs = {}, opset = 17): number[] =>
    run({ inputs: { x: [1, 4] }, constants, nodes, opset }, { x })[0];
  t.same(f([node('Relu', 'x', 'y')]), [0, 0, 0.5, 7]);
  t.same(f([node('Clip', 'x', 'y', { min: float(-2), max: float(3) })], {}, 9), [-2, -1, 0.5, 3]);
  const bounds = { low: tensor([], [-2]), high: tensor([], [3]) };
  t.same(f([node('Clip', 'x low high', 'y')], bounds), [-2, -1, 0.5, 3]);
  t.same(f([node('Clip', 'x - high', 'y')], bounds), [-4, -1, 0.5, 3]);
  t.same(f([node('HardSigmoid', 'x', 'y')]), [0, 0.3, 0.6, 1]);
  t.same(f([node('HardSigmoid', 'x', 'y', { alpha: float(1 / 6) })]), [0, 0.33333, 0.58333, 1]);
  t.same(f([node('LeakyRelu', 'x', 'y', { alpha: float(0.5) })]), [-2, -0.5, 0.5, 7]);
  t.same(f([node('Reciprocal', 'x', 'y')]), [-0.25, -1, 2, 0.14286]);
  t.same(f([node('Pow', 'x e', 'y')], { e: tensor([], [2]) }), [16, 1, 0.25, 49]);
  t.same(f([node('Softsign', 'x', 'y')]), [-0.8, -0.5, 0.33333, 0.875]);
  t.same(f([node('PRelu', 'x s', 'y')], { s: tensor([4], [1, 2, 3, 4]) }), [-4, -2, 0.5, 7]);
  t.same(f([node('PRelu', 'x s', 'y')], { s: tensor([1], [0.25]) }), [-1, -0.25, 0.5, 7]);
  t.same(f([node('Sum', 'x x x', 'y')]), [-12, -3, 1.5, 21]);
  t.same(f([node('Mean', 'x c', 'y')], { c: tensor([4], [0, 1, 0.5, 1]) }), [-2, 0, 0.5, 4]);
  t.same(f([node('Max', 'x c', 'y')], { c: tensor([], [0.75]) }), [0.75, 0.75, 0.75, 7]);
  t.same(f([node('Dropout', 'x', 'y', { ratio: float(0.5) })], {}, 9), [-4, -1, 0.5, 7]);
  t.same(f([node('Cast', 'x', 'h', { to: 10 }), node('Cast', 'h', 'y', { to: 1 })]), [-4, -1, 0.5, 7]);
  t.end();
});

t.test('softmax: over all axes from one on, and since operator set 13 over one', (t) => {
  const soft = (opset: number, attributes = {}): number[] =>
    run(
      { opset, inputs: { x: [1, 2, 2] }, nodes: [node('Softmax', 'x', 'y', attributes)] },
      { x: tensor([1, 2, 2], [0, 0, 0, 0]) },
    )[0];
  t.same(soft(12), [0.25, 0.25, 0.25, 0.25]);
  t.same(soft(13), [0.5, 0.5, 0.5, 0.5]);
  t.same(soft(12, { axis: 2 }), [0.5, 0.5, 0.5, 0.5]);
  const over = run(
    { inputs: { x: [1, 2, 2] }, nodes: [node('LogSoftmax', 'x', 'y', { axis: 1 })] },
    { x: tensor([1, 2, 2], [0, 1000, 0, 1000]) },
  );
  const classes = importOnnx(
    onnx({
      inputs: { x: ['n', 2, 3, 3] },
      constants: { w: counting(4, 2, 1, 1) },
      nodes: [node('Conv', 'x w', 'c'), node('Softmax', 'c', 'y', { axis: 1 })],
    }),
    { layout: 'nhwc' },
  );
  t.same(
    classes.graph.nodes.map(({ op }) => op),
    ['conv2d', 'softmax'],
    'over the channels of an image',
  );
  t.same(over, [[-0.69315, -0.69315, -0.69315, -0.69315]]);
  t.end();
});

t.test('reductions: axes as attributes and as inputs', (t) => {
  const x = counting(1, 2, 3);
  const reduce = (op: string, opset: number, attributes = {}, axes: OnnxTensor | null = null): number[] =>
    run(
      {
        opset,
        inputs: { x: [1, 2, 3] },
        constants: axes === null ? {} : { axes },
        nodes: [node(op, axes === null ? 'x' : 'x axes', 'y', attributes)],
      },
      { x },
    )[0];
  t.same(reduce('ReduceSum', 11, { axes: [-1], keepdims: 0 }), [6, 15]);
  t.same(reduce('ReduceSum', 13, { keepdims: 0 }, ints(1)), [5, 7, 9]);
  t.same(reduce('ReduceSum', 13, { noop_with_empty_axes: 1 }), [1, 2, 3, 4, 5, 6]);
  t.same(reduce('ReduceMean', 17, { axes: [1, 2] }), [3.5]);
  t.same(reduce('ReduceMean', 18, {}, ints(1, 2)), [3.5]);
  t.same(reduce('ReduceMax', 18, {}, ints(2)), [3, 6]);
  t.same(reduce('ReduceL2', 13, { axes: [2] }), [3.74166, 8.77496]);
  t.same(reduce('ReduceLogSumExp', 13, { axes: [2], keepdims: 0 }), [3.40761, 6.40761]);
  t.end();
});

t.test('moving elements', (t) => {
  const x = counting(1, 2, 3);
  const move = (nodes: Written['nodes'], constants: Inputs = {}, opset = 17): number[] =>
    run({ opset, inputs: { x: [1, 2, 3] }, constants, nodes, outputs: 'y' }, { x })[0];
  t.same(move([node('Slice', 'x', 'y', { starts: [1], ends: [1000], axes: [2] })], {}, 9), [2, 3, 5, 6]);
  const reversed = { s: ints(-1), e: tensor([1], [-(2 ** 62)], 'int64'), a: ints(2), step: ints(-2) };
  t.same(move([node('Slice', 'x s e a step', 'y')], reversed), [3, 1, 6, 4]);
  t.same(move([node('Gather', 'x i', 'y', { axis: 2 })], { i: ints(-1, 0) }), [3, 1, 6, 4]);
  t.same(move([node('Gather', 'x i', 'y', { axis: 1 })], { i: tensor([], [1], 'int64') }), [4, 5, 6]);
  t.same(move([node('Split', 'x', 'a y', { axis: 2, split: [1, 2] })], {}, 11), [2, 3, 5, 6]);
  t.same(move([node('Split', 'x s', 'a y', { axis: 2 })], { s: ints(2, 1) }), [3, 6]);
  t.same(move([node('Split', 'x', 'a y', { axis: 2, num_outputs: 2 })], {}, 18), [3, 6]);
  t.same(move([node('Transpose', 'x', 'y', { perm: [0, 2, 1] })]), [1, 4, 2, 5, 3, 6]);
  t.same(
    move([node('Pad', 'x p v', 'y')], { p: ints(0, 0, 1, 0, 0, -1), v: tensor([], [9]) }),
    [9, 1, 2, 9, 4, 5],
  );
  t.same(
    move([node('Pad', 'x', 'y', { pads: [0, 0, 1, 0, 0, 1], mode: 'reflect' })], {}, 9),
    [2, 1, 2, 3, 2, 5, 4, 5, 6, 5],
  );
  t.same(
    move([node('Pad', 'x p', 'y', { mode: 'edge' })], { p: ints(0, 0, 1, 0, 0, 0) }),
    [1, 1, 2, 3, 4, 4, 5, 6],
  );
  t.same(
    move([node('Pad', 'x p', 'y', { mode: 'wrap' })], { p: ints(0, 0, 1, 0, 0, 1) }, 19),
    [3, 1, 2, 3, 1, 6, 4, 5, 6, 4],
  );
  t.same(move([node('Tile', 'x r', 'y')], { r: ints(1, 1, 2) }), [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
  t.same(move([node('Expand', 'x s', 'y')], { s: ints(2, 1, 1) }), [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  t.same(
    move([node('Concat', 'x c', 'y', { axis: 2 })], { c: tensor([1, 2, 1], [0, 0]) }),
    [1, 2, 3, 0, 4, 5, 6, 0],
  );
  t.same(move([node('Reshape', 'x s', 'y')], { s: ints(0, -1) }), [1, 2, 3, 4, 5, 6]);
  t.same(
    move([node('Squeeze', 'x', 'z', { axes: [0] }), node('Unsqueeze', 'z', 'y', { axes: [0, 3] })], {}, 11),
    [1, 2, 3, 4, 5, 6],
  );
  t.end();
});

t.test('joined with repeated numbers is padding, which leaves the batch free', (t) => {
  const written: Written = {
    inputs: { x: ['n', 2, 4, 4] },
    constants: {
      c: tensor([1, 1, 4, 4], new Array<number>(16).fill(0)),
      d: tensor([1, 2, 4, 4], new Array<number>(32).fill(3)),
    },
    nodes: [node('Concat', 'd x c', 'y', { axis: 1 })],
  };
  const { graph } = importOnnx(onnx(written));
  t.same(
    graph.nodes.map(({ op }) => op),
    ['pad', 'pad'],
  );
  t.equal(graph.batch, 'free');
  const [y] = run(written, { x: tensor([2, 2, 4, 4], new Array<number>(64).fill(1)) });
  t.equal(y.length, 160);
  t.same(
    [0, 32, 64, 80, 112].map((i) => y[i]),
    [3, 1, 0, 3, 1],
  );
  t.end();
});

t.test('resizing: every way to count pixels', (t) => {
  const resize = (attributes: Parameters<typeof node>[3], scale: number, width = 4): number[] =>
    run(
      {
        inputs: { x: [1, 1, 1, width] },
        constants: { roi: tensor([0], []), s: tensor([4], [1, 1, 1, scale]) },
        nodes: [node('Resize', 'x roi s', 'y', attributes)],
      },
      { x: counting(1, 1, 1, width) },
    )[0];
  const nearest = (coordinate_transformation_mode: string, nearest_mode: string, scale: number): number[] =>
    resize({ coordinate_transformation_mode, nearest_mode }, scale);
  t.same(nearest('asymmetric', 'floor', 2), [1, 1, 2, 2, 3, 3, 4, 4]);
  t.same(nearest('asymmetric', 'ceil', 2), [1, 2, 2, 3, 3, 4, 4, 4]);
  t.same(nearest('half_pixel', 'round_prefer_floor', 2), [1, 1, 2, 2, 3, 3, 4, 4]);
  t.same(nearest('half_pixel', 'round_prefer_floor', 0.5), [1, 3]);
  t.same(nearest('half_pixel', 'round_prefer_ceil', 0.5), [2, 4]);
  t.same(nearest('align_corners', 'round_prefer_floor', 1.5), [1, 2, 2, 3, 3, 4]);
  t.same(nearest('tf_half_pixel_for_nn', 'floor', 0.75), [1, 3, 4]);
  t.equal(resize({}, 2.3, 10).length, 23, 'the factor is a float32 below 2.3');
  const linear = (coordinate_transformation_mode: string, scale: number): number[] =>
    resize({ mode: 'linear', coordinate_transformation_mode }, scale, 2);
  t.same(linear('half_pixel', 2), [1, 1.25, 1.75, 2]);
  t.same(linear('asymmetric', 2), [1, 1.5, 2, 2]);
  t.same(linear('align_corners', 2), [1, 1.33333, 1.66667, 2]);
  t.same(linear('pytorch_half_pixel', 0.5), [1]);
  t.same(linear('half_pixel', 0.5), [1.5]);
  const upsample: Written = {
    opset: 9,
    inputs: { x: [1, 1, 1, 2] },
    constants: { s: tensor([4], [1, 1, 2, 2]) },
    nodes: [node('Upsample', 'x s', 'y')],
  };
  t.same(run(upsample, { x: counting(1, 1, 1, 2) }), [[1, 1, 2, 2, 1, 1, 2, 2]]);
  t.same(opsOf(upsample, { layout: 'nhwc' }), ['resize']);
  t.end();
});

t.test('shape arithmetic is folded', (t) => {
  const written: Written = {
    opset: 13,
    inputs: { x: ['batch', 2, 3, 4] },
    constants: { zero: ints(0), two: tensor([], [2], 'int64'), axes: ints(0), minus: ints(-1) },
    nodes: [
      node('Shape', 'x', 's'),
      node('Gather', 's zero', 'n'),
      node('Slice', 's zero minus', 'front'),
      node('Gather', 'front two', 'h'),
      node('Mul', 'h two', 'h2'),
      node('Unsqueeze', 'h2 axes', 'h3'),
      node('Cast', 'h3', 'f', { to: 1 }),
      node('Floor', 'f', 'g'),
      node('Cast', 'g', 'h4', { to: 7 }),
      node('Concat', 'n h4 minus', 'shape', { axis: 0 }),
      node('Reshape', 'x shape', 'y'),
    ],
  };
  t.same(opsOf(written), ['reshape']);
  const { graph, outputs } = importOnnx(onnx(written));
  t.equal(graph.batch, 'free');
  t.same(outputs[0].shape, [1, 6, 4]);
  t.end();
});

t.test('NCHW networks: batch norm joins its layer, gates become one node, transposes go', (t) => {
  const written: Written = {
    inputs: { x: ['n', 3, 8, 8] },
    constants: {
      w: counting(4, 3, 3, 3),
      ...Object.fromEntries(['gamma', 'beta', 'mean', 'variance'].map((name) => [name, counting(4)])),
      w2: counting(5, 4 * 4 * 4),
    },
    nodes: [
      node('Conv', 'x w', 'c', { pads: [1, 1, 1, 1] }),
      node('BatchNormalization', 'c gamma beta mean variance', 'b'),
      node('Sigmoid', 'b', 'gate'),
      node('Mul', 'b gate', 'silu'),
      node('MaxPool', 'silu', 'p', { kernel_shape: [2, 2], strides: [2, 2] }),
      node('Flatten', 'p', 'f'),
      node('Gemm', 'f w2', 'y', { transB: 1 }),
    ],
  };
  const { graph } = importOnnx(onnx(written), { layout: 'nhwc' });
  t.same(
    graph.nodes.map(({ op }) => op),
    ['conv2d', 'unary', 'maxPool2d', 'reshape', 'linear'],
  );
  t.same([graph.inputs, graph.outputs], [['x'], ['y']], 'named as in the file');
  t.same(graph.values.get(graph.inputs[0])!.shape, [1, 8, 8, 3]);
  const [conv] = graph.nodes;
  t.ok(conv.op === 'conv2d' && conv.batchNorm !== null, 'it can be trained on');
  t.end();
});

t.test('names that JavaScript has a meaning for, and float16 weights', (t) => {
  const written: Written = {
    inputs: { ['__proto__']: [1, 2] },
    constants: { constructor: tensor([2, 2], [1, 2, 3, 4], 'float16') },
    nodes: [
      node('Cast', 'constructor', 'toString', { to: 1 }),
      node('MatMul', '__proto__ toString', 'hasOwnProperty'),
    ],
    outputs: 'hasOwnProperty',
  };
  const network = importOnnx(onnx(written));
  const [y] = runImport(network, new Map([['__proto__', tensor([1, 2], [1, 10])]]));
  t.same([...y.data], [31, 42]);
  t.end();
});

t.test('shapes that the file leaves open', (t) => {
  const relu = (dims: Written['inputs']['x']): Uint8Array =>
    onnx({ inputs: { x: dims }, nodes: [node('Relu', 'x', 'y')] });
  t.equal(importOnnx(relu(['n', 3])).graph.batch, 'free');
  t.equal(importOnnx(relu([4, 3])).graph.batch, 'fixed');
  t.throws(() => importOnnx(relu(['n', 'c'])), { name: 'UnsupportedError', message: /\[n, c\] open/ });
  t.throws(() => importOnnx(relu(null)), {
    message: /input "x": the file leaves its shape open; give it in inputShapes/,
  });
  t.same(importOnnx(relu(['n', 'c']), { inputShapes: { x: [1, 5] } }).outputs[0].shape, [1, 5]);
  t.throws(() => importOnnx(relu([1, 3]), { inputShapes: { x: [1, 4] } }), ArgumentError);
  t.throws(() => importOnnx(relu([1, 3]), { inputShapes: { z: [1, 4] } }), { message: /"z" is no input/ });
  t.end();
});

t.test('what cannot be imported is refused by name', (t) => {
  const refused = (nodes: Written['nodes'], message: RegExp, rest: Partial<Written> = {}): void => {
    const bytes = onnx({ inputs: { x: [1, 3, 4, 4] }, nodes, ...rest });
    t.throws(() => importOnnx(bytes), { name: 'UnsupportedError', message }, String(message));
  };
  refused(
    [node('NonMaxSuppression', 'x', 'y')],
    /NonMaxSuppression_node" \(NonMaxSuppression\): this operator .*post-processing/,
  );
  refused([node('FusedConv', 'x', 'y', {}, 'com.microsoft')], /com\.microsoft\.FusedConv/);
  refused(
    [node('MaxPool', 'x', 'y', { kernel_shape: [2, 2], surprise: 1 })],
    /attribute surprise is not supported/,
  );
  refused([node('MaxPool', 'x', 'y i', { kernel_shape: [2, 2] })], /output 1 \("i"\) is not supported/);
  refused(
    [node('Resize', 'x - s', 'y', { mode: 'cubic' })],
    /mode cubic is not supported; use nearest or linear/,
    {
      constants: { s: tensor([4], [1, 1, 2, 2]) },
    },
  );
  refused([node('Conv', 'x x', 'y')], /its weight \(input 1\) is computed/);
  refused([node('MaxPool', 'x', 'y', { kernel_shape: [1, 1, 1] })], /pools values of rank 5/, {
    inputs: { x: [1, 1, 2, 2, 2] },
  });
  refused([node('Relu', 'x', 'y')], /operator set 8; 9 to 21 are supported/, { opset: 8 });
  refused([node('Relu', 'x', 'y')], /operator set 22/, { opset: 22 });
  refused([node('Relu', 'x', 'y')], /input "x": is int64/, { dtypes: { x: 'int64' } });
  refused([node('Greater', 'x x', 'y')], /between constants only/);
  refused([node('If', 'x', 'y')], /onnxsim/);
  t.ok(ONNX_OPERATORS.includes('Conv'));
  t.end();
});

t.test('files that break rules', (t) => {
  const broken = (nodes: Written['nodes'], message: RegExp, rest: Partial<Written> = {}): void => {
    const bytes = onnx({ inputs: { x: [1, 3, 4, 4] }, nodes, ...rest });
    t.throws(() => importOnnx(bytes), { name: 'FormatError', message }, String(message));
  };
  broken([node('Relu', 'z', 'y')], /reads "z", which nothing before it makes/);
  broken([node('Relu', 'x', 'z')], /nothing makes output "y"/);
  broken([node('Relu', '', 'y')], /input 0 is missing/);
  broken([node('Transpose', 'x', 'y', { perm: [0, 1, 1, 2] })], /no order of 4 axes/);
  broken([node('Concat', 'x x', 'y', { axis: 7 })], /axis 7 is none/);
  broken([node('Conv', 'x w', 'y')], /weight .* does not fit/, { constants: { w: counting(2, 5, 1, 1) } });
  broken([node('Reshape', 'x s', 'y')], /cannot make/, { constants: { s: ints(7, -1) } });
  broken([node('MaxPool', 'x', 'y', { kernel_shape: 'big' })], /kernel_shape is of type string/);
  broken([node('Add', 'x c', 'y')], /do not broadcast/, { constants: { c: counting(5) } });
  broken([node('Slice', 'x s e a t', 'y')], /step of 0/, {
    constants: { s: ints(0), e: ints(1), a: ints(1), t: ints(0) },
  });
  t.end();
});

t.test('small files that ask for much memory are refused', (t) => {
  const huge = (nodes: Written['nodes'], constants: Inputs, dims: readonly number[] = [1, 2]): void => {
    const bytes = onnx({ inputs: { x: dims }, constants, nodes });
    try {
      importOnnx(bytes);
      t.fail('is taken');
    } catch (error) {
      t.ok(error instanceof UnsupportedError || error instanceof FormatError, String(error));
    }
  };
  huge([node('ConstantOfShape', 's', 'c'), node('Add', 'x c', 'y')], { s: ints(1, 2 ** 40) });
  huge([node('Tile', 'x r', 'y')], { r: ints(1, 2 ** 40) });
  huge([node('Expand', 'x s', 'y')], { s: ints(2 ** 40, 1) });
  huge([node('Pad', 'x p', 'y', { mode: 'edge' })], { p: ints(0, 0, 0, 2 ** 40) });
  huge([node('Pad', 'x p', 'y')], { p: ints(0, 0, 0, 2 ** 52) });
  huge([node('Resize', 'x - s', 'y')], { s: tensor([4], [1, 1, 2 ** 30, 2 ** 30]) }, [1, 1, 2, 2]);
  huge([node('Range', 'a b c', 'r'), node('Add', 'x r', 'y')], {
    a: tensor([], [0]),
    b: tensor([], [2 ** 40]),
    c: tensor([], [1]),
  });
  // each doubles what was there
  const doubling = Array.from({ length: 40 }, (_, i) =>
    node('Concat', `c${i} c${i}`, `c${i + 1}`, { axis: 0 }),
  );
  huge([...doubling, node('Add', 'x c40', 'y')], { c0: counting(64) });
  t.end();
});
