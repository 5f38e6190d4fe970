/** Checks that a graph keeps its rules; for graphs from files and for passes under test. */
import { checkQParams, formatShape, GraphError, qdtypeOf, sameQParams, sameShape } from '../core/index.js';
import { paramsOf, type Graph, type Node, type OpName, type Param, type Value, type ValueId } from './ir.js';
import { inferShape } from './shapes.js';

/** How many inputs each op takes; Infinity for one or more. */
const ARITY: { readonly [O in OpName]: number } = {
  conv2d: 1,
  linear: 1,
  dynamicLinear: 1,
  batchNorm: 1,
  activation: 1,
  unary: 1,
  prelu: 1,
  lookup: 1,
  constant: 0,
  add: 2,
  sub: 2,
  mul: 2,
  div: 2,
  maximum: 2,
  minimum: 2,
  matmul: 2,
  maxPool2d: 1,
  avgPool2d: 1,
  globalAvgPool: 1,
  reduce: 1,
  concat: Infinity,
  reshape: 1,
  transpose: 1,
  slice: 1,
  gather: 1,
  pad: 1,
  resize: 1,
  softmax: 1,
  quantize: 1,
  dequantize: 1,
};

function checkParam({ id, array, qparams }: Param): void {
  if (qparams === null) return;
  checkQParams(qparams, id);
  if (qparams.axis !== null && array.shape[qparams.axis] !== qparams.scale.length)
    throw new GraphError(
      `parameter ${id}: ${qparams.scale.length} scales for axis ${qparams.axis} of shape ${formatShape(array.shape)}`,
    );
}

/** Codes of a value are 8 bits at most and have one scale. */
function checkValue({ id, qparams }: Value): void {
  if (qparams === null) return;
  checkQParams(qparams, id);
  const { axis, quantMin, quantMax } = qparams;
  if (axis !== null) throw new GraphError(`value ${id}: has scales on axis ${axis}; values have one scale`);
  if (qdtypeOf(qparams) === 'int32')
    throw new GraphError(`value ${id}: codes of [${quantMin}, ${quantMax}] do not fit 8 bits`);
}

/** These only move codes, which mean the same where they arrive. */
const MOVES: ReadonlySet<OpName> = new Set<OpName>([
  'maxPool2d',
  'reshape',
  'transpose',
  'slice',
  'gather',
  'pad',
  'resize',
]);

/** Whether a node takes codes as they are and makes codes of the same qparams. */
export function movesCodes(op: OpName): boolean {
  return MOVES.has(op);
}

function checkMoved(graph: Graph, node: Node): void {
  if (!movesCodes(node.op)) return;
  const [from, to] = [node.inputs[0], node.id].map((id) => graph.values.get(id)!.qparams);
  if (from === null ? to !== null : to === null || !sameQParams(from, to))
    throw new GraphError(
      `node ${node.id}: ${node.op} moves codes, so its output needs the qparams of ${node.inputs[0]}`,
    );
}

/** Floats in, floats out, and weights as kernels take them. */
function checkDynamic(graph: Graph, node: Node): void {
  if (node.op !== 'dynamicLinear') return;
  const { qparams } = graph.params.get(node.weight)!;
  const symmetric =
    qparams !== null &&
    ['int8', 'int4'].includes(qparams.dtype) &&
    (qparams.axis ?? 0) === 0 &&
    qparams.zeroPoint.every((z) => z === 0);
  const values = [node.inputs[0], node.id].map((id) => graph.values.get(id)!.qparams);
  const bias = node.bias === null ? null : graph.params.get(node.bias)!.array.dtype;
  if (!symmetric || values.some((qp) => qp !== null) || (bias ?? 'float32') !== 'float32')
    throw new GraphError(
      `node ${node.id}: dynamicLinear takes and gives floats, with symmetric 8-bit weights, scales along axis 0, and a float bias`,
    );
}

const BINARY: ReadonlySet<OpName> = new Set<OpName>(['add', 'sub', 'mul', 'div', 'maximum', 'minimum']);

/** Why a node does not treat the rows of a batch alike; null if it does. */
function mixesRows(graph: Graph, node: Node): string | null {
  const x = node.inputs.length === 0 ? null : graph.values.get(node.inputs[0])!.shape;
  switch (node.op) {
    case 'concat':
    case 'gather':
      return node.axis === 0 ? `its axis is 0` : null;
    case 'transpose':
      return node.perm[0] === 0 ? null : 'it moves axis 0';
    case 'reduce':
      return node.axes.includes(0) ? 'it reduces axis 0' : null;
    case 'slice':
      return node.count[0] === x![0] && node.step[0] === 1 ? null : 'it slices axis 0';
    case 'pad':
      return node.pads[0].every((p) => p === 0) ? null : 'it pads axis 0';
    case 'softmax':
    case 'linear':
    case 'dynamicLinear':
      return x!.length < 2 ? 'its input has no axis but the batch' : null;
    case 'matmul':
      return x!.length < 3 ? 'it multiplies along the batch' : null;
    default:
      return null;
  }
}

/** Throws GraphError unless every node leaves axis 0 alone, the batch of all values but constants. */
function checkBatch(graph: Graph): void {
  const constants = new Set(graph.nodes.filter(({ op }) => op === 'constant').map(({ id }) => id));
  for (const node of graph.nodes) {
    const why = mixesRows(graph, node);
    if (why !== null) throw new GraphError(`node ${node.id}: ${node.op} mixes the rows of a batch, ${why}`);
    const constant = node.inputs.filter((id) => constants.has(id));
    if (constant.length > 0 && (constant.length === node.inputs.length || !BINARY.has(node.op)))
      throw new GraphError(
        `node ${node.id}: ${node.op} cannot take the constant ${constant[0]} for every row`,
      );
  }
  for (const id of graph.outputs)
    if (constants.has(id)) throw new GraphError(`output ${id} is a constant, not the result of a batch`);
}

/**
 * Returns the graph. Throws GraphError for an unknown op, an undefined or doubly defined value, a missing parameter,
 * a wrong number of inputs, a batch axis that is not 1, or values whose qparams no kernel takes; QuantizationError for
 * invalid qparams.
 */
export function validate(graph: Graph): Graph {
  const defined = new Set<ValueId>();
  const define = (id: ValueId): void => {
    if (defined.has(id)) throw new GraphError(`value ${id} is defined twice; names must be unique`);
    const value = graph.values.get(id);
    if (value === undefined) throw new GraphError(`value ${id} has no shape; add it to values`);
    if (graph.batch !== 'fixed' && (value.shape.length === 0 || value.shape[0] !== 1))
      throw new GraphError(
        `value ${id} has shape ${formatShape(value.shape)}; axis 0 is the batch and has size 1`,
      );
    checkValue(value);
    defined.add(id);
  };
  if (graph.inputs.length === 0) throw new GraphError('inputs: a graph needs at least one');
  if (graph.outputs.length === 0) throw new GraphError('outputs: a graph needs at least one');
  graph.inputs.forEach(define);
  for (const node of graph.nodes) {
    const arity = Object.hasOwn(ARITY, node.op) ? ARITY[node.op] : undefined;
    if (arity === undefined) throw new GraphError(`node ${node.id}: op ${String(node.op)} is unknown`);
    if (arity === Infinity ? node.inputs.length === 0 : node.inputs.length !== arity)
      throw new GraphError(`node ${node.id}: ${node.op} takes ${arity} inputs, not ${node.inputs.length}`);
    for (const id of node.inputs)
      if (!defined.has(id)) throw new GraphError(`node ${node.id}: input ${id} is not defined before it`);
    const shape = inferShape(graph, node);
    for (const id of paramsOf(node)) checkParam(graph.params.get(id)!);
    define(node.id);
    checkMoved(graph, node);
    checkDynamic(graph, node);
    const declared = graph.values.get(node.id)!.shape;
    if (!sameShape(shape, declared))
      throw new GraphError(
        `node ${node.id}: makes shape ${formatShape(shape)}, but its value says ${formatShape(declared)}`,
      );
  }
  for (const id of graph.outputs)
    if (!defined.has(id)) throw new GraphError(`output ${id} is not a value of the graph`);
  if (graph.batch !== 'fixed') checkBatch(graph);
  return graph;
}
