/**
 * Functions of one element. On codes they are operators where TFLite has one that takes codes, and otherwise a table, which
 * CAST and GATHER read: exactly the codes of the runtime here.
 */
import { buildLut, leakyRelu, UNARY_FUNCTIONS } from '../../../../kernels/index.js';
import type { QParams } from '../../../core/index.js';
import type { Node, NodeOf, UnaryFunction } from '../../../graph/index.js';
import { codesOf, offsetOf, type Exporter } from './exporter.js';
import type { Codes, TensorId } from './writer.js';

type Unary = NodeOf<'unary'>;

/** Codes of results in [0, 1] and in [-1, 1]: what LOGISTIC, SOFTMAX and TANH make, and nothing else. */
export const UNIT: Codes = fixed(1 / 256, -128);
const SYMMETRIC = fixed(1 / 128, 0);

function fixed(scale: number, zeroPoint: number): Codes {
  return { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint), dimension: 0 };
}

export function unary(node: Unary, e: Exporter): TensorId {
  if (!e.isInteger(node)) return REAL[node.fn](node, e, e.real(node.inputs[0]));
  const operator = e.options.functions === 'operators' ? CODES[node.fn] : undefined;
  return (
    operator?.(node, e, e.value(node.inputs[0])) ??
    lookup(node, e, [(x) => UNARY_FUNCTIONS[node.fn](x, node.alpha, node.beta)])
  );
}

/** x above 0, its slope times x below, per channel: a table for each. */
export function prelu(node: NodeOf<'prelu'>, e: Exporter): TensorId {
  const { data } = e.param(node.slope).array;
  if (e.isInteger(node))
    return lookup(
      node,
      e,
      Array.from(data, (slope) => (x: number) => leakyRelu(x, slope)),
    );
  const ones = new Array<number>(Math.max(e.shape(node.id).length - 2, 0)).fill(1);
  const slope = e.write.constant(node.slope, 'float32', [...ones, data.length], Float32Array.from(data));
  return e.realNode(node, 'PRELU', [e.real(node.inputs[0]), slope], null);
}

/** The table of 256 codes that the runtime here makes, in codes of the file. */
function tableOf(x: QParams, y: QParams, f: (x: number) => number, rounding: 'even' | 'away'): Int8Array {
  const side = (qp: QParams) => ({
    dtype: 'int8' as const,
    scale: qp.scale[0],
    zeroPoint: qp.zeroPoint[0] + offsetOf(qp),
  });
  const range = { min: y.quantMin + offsetOf(y), max: y.quantMax + offsetOf(y) };
  return buildLut(f, side(x), { ...side(y), ...range }, rounding) as Int8Array;
}

function lookup(
  node: Unary | NodeOf<'prelu'>,
  e: Exporter,
  functions: readonly ((x: number) => number)[],
): TensorId {
  const [x, y] = [node.inputs[0], node.id].map((value) => e.qparams(value)!);
  const rounding = e.graph.numerics.numerics === 'float' ? 'even' : 'away';
  const table = new Int8Array(256 * functions.length);
  functions.forEach((f, i) => table.set(tableOf(x, y, f, rounding), 256 * i));
  return throughTable(node, e, table);
}

/** A table that the graph has, in codes of the file. */
export function lookedUp(node: NodeOf<'lookup'>, e: Exporter): TensorId {
  const offset = offsetOf(e.qparams(node.id)!);
  return throughTable(
    node,
    e,
    Int8Array.from(e.param(node.table).array.data, (code) => code + offset),
  );
}

/** Element i of the result is table[256 * channel + code + 128]. */
function throughTable(node: Node, e: Exporter, table: Int8Array): TensorId {
  const { write } = e;
  const [id] = node.inputs;
  const y = e.qparams(node.id)!;
  const shape = e.shape(id);
  const wide = write.int32Tensor(`${node.id}/int32`, shape);
  write.operator('CAST', [e.value(id)], { inDataType: 'int8', outDataType: 'int32' }, [wide]);
  const starts = write.int32s(Array.from({ length: table.length / 256 }, (_, i) => 256 * i + 128));
  const index = write.int32Tensor(`${node.id}/index`, shape);
  write.operator('ADD', [wide, starts], { activation: 'NONE', potScaleInt16: true }, [index]);
  const entries = write.constant(`${node.id}/table`, 'int8', [table.length], table, codesOf(y));
  const output = write.reservedTensor(node.id, shape, codesOf(y));
  write.operator('GATHER', [entries, index], { axis: 0, batchDims: 0 }, [output]);
  return output;
}

type Lower = (node: Unary, e: Exporter, x: TensorId) => TensorId | null;

const SUM = { activation: 'NONE', potScaleInt16: true } as const;
const PRODUCT = { activation: 'NONE' } as const;

function intoFixed(op: 'LOGISTIC' | 'TANH', codes: Codes): Lower {
  return (node, e, x) => {
    const own = e.codes(node.id)!;
    if (own.scale[0] === codes.scale[0] && own.zeroPoint[0] === codes.zeroPoint[0])
      return e.node(node, op, [x], null);
    const y = e.operator(op, [x], null, `${node.id}/fixed`, e.shape(node.id), codes);
    return e.converted(node, y, codes);
  };
}

/** Null where a table is better. */
const CODES: { readonly [F in UnaryFunction]?: Lower } = {
  sigmoid: intoFixed('LOGISTIC', UNIT),
  tanh: intoFixed('TANH', SYMMETRIC),
  hardswish: (node, e, x) => e.node(node, 'HARD_SWISH', [x], null),
  leakyRelu: (node, e, x) => e.node(node, 'LEAKY_RELU', [x], { alpha: node.alpha }),
  elu: (node, e, x) => (node.alpha === 1 ? e.node(node, 'ELU', [x], null) : null),
  silu(node, e, x) {
    const gate = e.operator('LOGISTIC', [x], null, `${node.id}/gate`, e.shape(node.id), UNIT);
    return e.node(node, 'MUL', [x, gate], PRODUCT);
  },
};

/** A step between the input and the result, in floats. */
function step(
  node: Unary,
  e: Exporter,
  op: 'ABS' | 'NEG' | 'EXP' | 'RELU' | 'ELU' | 'LOGISTIC' | 'MINIMUM' | 'MAXIMUM',
  ...inputs: readonly TensorId[]
): TensorId {
  return e.operator(op, inputs, null, `${node.id}/${op.toLowerCase()}`, e.shape(node.id), null);
}

const sum = (node: Unary, e: Exporter, a: TensorId, b: number, activation: 'NONE' | 'RELU6' = 'NONE') =>
  e.operator('ADD', [a, e.scalar(b)], { ...SUM, activation }, `${node.id}/sum`, e.shape(node.id), null);

const plain =
  (op: 'LOGISTIC' | 'TANH' | 'HARD_SWISH' | 'EXP' | 'LOG' | 'SQRT' | 'ABS' | 'NEG') =>
  (node: Unary, e: Exporter, x: TensorId): TensorId =>
    e.realNode(node, op, [x], null);

const REAL: { readonly [F in UnaryFunction]: (node: Unary, e: Exporter, x: TensorId) => TensorId } = {
  sigmoid: plain('LOGISTIC'),
  tanh: plain('TANH'),
  hardswish: plain('HARD_SWISH'),
  /** relu6(x + 3) / 6 */
  hardsigmoid: (node, e, x) =>
    e.realNode(node, 'MUL', [sum(node, e, x, 3, 'RELU6'), e.scalar(1 / 6)], PRODUCT),
  silu: (node, e, x) => e.realNode(node, 'MUL', [x, step(node, e, 'LOGISTIC', x)], PRODUCT),
  /** max(x, 0) + log(1 + exp(-|x|)) */
  softplus(node, e, x) {
    const power = step(node, e, 'EXP', step(node, e, 'NEG', step(node, e, 'ABS', x)));
    const log = e.operator('LOG', [sum(node, e, power, 1)], null, `${node.id}/log`, e.shape(node.id), null);
    return e.realNode(node, 'ADD', [step(node, e, 'RELU', x), log], SUM);
  },
  leakyRelu: (node, e, x) => e.realNode(node, 'LEAKY_RELU', [x], { alpha: node.alpha }),
  /** ELU is that of alpha 1: max(x, 0) + alpha * elu(min(x, 0)) */
  elu(node, e, x) {
    if (node.alpha === 1) return e.realNode(node, 'ELU', [x], null);
    const below = step(node, e, 'ELU', step(node, e, 'MINIMUM', x, e.scalar(0)));
    const scaled = e.operator(
      'MUL',
      [below, e.scalar(node.alpha)],
      PRODUCT,
      `${node.id}/below`,
      e.shape(node.id),
      null,
    );
    return e.realNode(node, 'ADD', [step(node, e, 'RELU', x), scaled], SUM);
  },
  clip: (node, e, x) =>
    e.realNode(
      node,
      'MINIMUM',
      [step(node, e, 'MAXIMUM', x, e.scalar(node.alpha)), e.scalar(node.beta)],
      null,
    ),
  exp: plain('EXP'),
  log: plain('LOG'),
  sqrt: plain('SQRT'),
  pow: (node, e, x) => e.realNode(node, 'POW', [x, e.scalar(node.alpha)], null),
  abs: plain('ABS'),
  neg: plain('NEG'),
};
