/** What the schema cannot say: indices that lead somewhere, constants that fill their shapes, scales that fit them. */
import { formatShape, sizeOf } from '../../core/shape.js';
import { holds } from './dtypes.js';
import { SCHEMA_VERSION } from './schema.js';
import type { TfliteModel, TfliteOperator, TfliteSubgraph, TfliteTensor } from './types.js';

/** Throws what `fail` makes of the first fault. */
export function checkModel(model: TfliteModel, fail: (message: string) => Error): void {
  if (model.version !== SCHEMA_VERSION)
    throw fail(`version: schema version ${model.version} is not supported; ${SCHEMA_VERSION} is`);
  if (model.subgraphs.length === 0) throw fail('subgraphs: there is none');
  model.subgraphs.forEach((graph, i) => checkSubgraph(graph, `subgraph ${i}`, fail));
  for (const { key, subgraph, inputs, outputs } of model.signatureDefs) {
    const name = `signature ${JSON.stringify(key)}`;
    checkIndices(name, 'subgraph', [subgraph], 0, model.subgraphs.length, fail);
    const { tensors } = model.subgraphs[subgraph];
    for (const named of [inputs, outputs])
      checkIndices(
        name,
        'tensors',
        named.map((n) => n.tensor),
        0,
        tensors.length,
        fail,
      );
  }
}

function checkSubgraph(graph: TfliteSubgraph, name: string, fail: (message: string) => Error): void {
  const count = graph.tensors.length;
  graph.tensors.forEach((tensor, i) => {
    const fault = faultOf(tensor);
    if (fault !== null) throw fail(`${name}, tensor ${i} ${JSON.stringify(tensor.name)}: ${fault}`);
  });
  checkIndices(name, 'inputs', graph.inputs, 0, count, fail);
  checkIndices(name, 'outputs', graph.outputs, 0, count, fail);
  graph.operators.forEach((operator, i) => {
    const where = `${name}, operator ${i} ${operatorName(operator)}`;
    checkIndices(where, 'inputs', operator.inputs, -1, count, fail);
    checkIndices(where, 'outputs', operator.outputs, 0, count, fail);
  });
}

/** As the schema or the runtime that defines it calls it. */
export function operatorName(operator: TfliteOperator): string {
  return operator.op === 'CUSTOM' || operator.op === 'OTHER' ? operator.name : operator.op;
}

function faultOf({ shape, shapeSignature, dtype, data, quantization }: TfliteTensor): string | null {
  if (!shape.every((d) => Number.isInteger(d) && d >= 0)) return `${formatShape(shape)} is not a shape`;
  if (shapeSignature !== null && shapeSignature.length !== shape.length)
    return `shape ${formatShape(shape)} and shape signature ${formatShape(shapeSignature)} differ in rank`;
  if (data !== null) {
    if (!holds(dtype, data)) return `the typed array of its data does not hold ${dtype}`;
    if (data.length !== sizeOf(shape))
      return `${data.length} elements do not fill shape ${formatShape(shape)}`;
  }
  if (quantization === null) return null;
  const { scale, zeroPoint, quantizedDimension: axis } = quantization;
  if (scale.length !== zeroPoint.length)
    return `${scale.length} scales and ${zeroPoint.length} zero points; there is one of each per channel`;
  if (scale.length > 1 && shape[axis] !== scale.length)
    return `${scale.length} scales along dimension ${axis} of shape ${formatShape(shape)}`;
  return null;
}

function checkIndices(
  where: string,
  what: string,
  indices: readonly number[],
  low: number,
  end: number,
  fail: (message: string) => Error,
): void {
  for (const index of indices)
    if (!Number.isInteger(index) || index < low || index >= end)
      throw fail(`${where}: ${what}: index ${index} is outside [${low}, ${end - 1}]`);
}
