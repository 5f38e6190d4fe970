/** A graph as text: one line a node, with shapes, parameters and quantization. */
import { formatShape, type QParams } from '../core/index.js';
import { paramsOf, type Graph, type Node } from './ir.js';

function formatQParams(qp: QParams): string {
  const scale =
    qp.axis === null ? qp.scale[0].toPrecision(4) : `${qp.scale.length} scales on axis ${qp.axis}`;
  return `${qp.dtype}(${scale}, zp ${qp.zeroPoint[0]}, [${qp.quantMin}, ${qp.quantMax}])`;
}

function formatNode(graph: Graph, node: Node): string {
  const value = graph.values.get(node.id);
  const qparams = value?.qparams ? ` : ${formatQParams(value.qparams)}` : '';
  const params = paramsOf(node).map((id) => `${id} ${formatShape(graph.params.get(id)?.array.shape ?? [])}`);
  const clamp = 'activation' in node && node.activation !== 'none' ? ` + ${node.activation}` : '';
  const op =
    node.op === 'activation' && node.activation !== 'none'
      ? node.activation
      : node.op === 'unary'
        ? node.fn
        : node.op + clamp;
  return (
    `${node.id} ${formatShape(value?.shape ?? [])}${qparams} = ${op}` +
    `(${[...node.inputs, ...params].join(', ')})`
  );
}

/** Inputs first, then the nodes in execution order, then the outputs. */
export function printGraph(graph: Graph): string {
  return [
    ...graph.inputs.map((id) => `input ${id} ${formatShape(graph.values.get(id)?.shape ?? [])}`),
    ...graph.nodes.map((node) => formatNode(graph, node)),
    `output ${graph.outputs.join(', ')}`,
  ].join('\n');
}
