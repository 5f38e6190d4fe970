/**
 * Structured pruning: whole channels go, and with them rows and columns of weights, so that the network that is left is
 * smaller and faster by itself. By the norm of filters (Li et al. 2017, "Pruning filters for efficient ConvNets",
 * arXiv:1608.08710) or by the gamma of batch norm (Liu et al. 2017, "Learning efficient convolutional networks through
 * network slimming", arXiv:1708.06519).
 */
import { checkWhole } from '../core/checks.js';
import { ArgumentError, GraphError, NDArray, sizeOf } from '../core/index.js';
import { shown } from '../core/text.js';
import { GraphBuilder, isLayer, requireFloat, type Graph, type Node, type ValueId } from '../graph/index.js';
import { Channels, type Unit } from './channels.js';

export interface ChannelOptions {
  /** Share of the channels of each layer that goes, at least 0 and below 1; by the name of the layer where they differ. */
  readonly fraction: number | ((layer: ValueId) => number);
  /** What makes a channel important: the L1 norm of its filter ('l1', default), or |gamma| of its batch norm. */
  readonly criterion?: 'l1' | 'batchNorm';
  /** The number of channels left is rounded up to a multiple of this; kernels like 4 or 8. Default 1. */
  readonly multipleOf?: number;
}

interface Plan {
  readonly channels: Channels;
  readonly removed: ReadonlySet<Unit>;
}

/** Layers whose output channels are joined (residual sums, depthwise layers) lose the same ones. */
interface Group {
  readonly layers: ValueId[];
  readonly scores: Map<Unit, number>;
}

/**
 * The network without its least important channels. Layers that are joined lose the same channels; inputs, outputs and
 * what ops read that do not treat channels alike stay whole. Parameters are copies.
 *
 * @throws ArgumentError for options out of range; QuantizationError for an integer graph; GraphError where there is no batch
 *   norm to go by
 */
export function pruneChannels(graph: Graph, options: ChannelOptions): Graph {
  const { channels, removed } = plan(graph, options);
  const lives = (unit: Unit): boolean => !removed.has(channels.find(unit));
  const build = new GraphBuilder(graph.numerics);
  for (const { id, array } of graph.params.values()) {
    const smaller = (channels.labels.get(id) ?? []).reduce(
      (a, { axis, units }) =>
        take(
          a,
          axis,
          Array.from(units.keys()).filter((i) => lives(units[i])),
        ),
      array.clone(),
    );
    build.param(id, smaller);
  }
  for (const id of graph.inputs) build.input(id, graph.values.get(id)!.shape);
  const count = (id: ValueId): number => channels.values.get(id)!.filter(lives).length;
  for (const node of graph.nodes) build.node(node.id, resized(node, count));
  return build.finish(graph.outputs, graph.batch);
}

/** The network as large as before, with 0 in the channels that {@link pruneChannels} removes: it computes the same. */
export function maskChannels(graph: Graph, options: ChannelOptions): Graph {
  const { channels, removed } = plan(graph, options);
  const params = new Map(
    Array.from(graph.params, ([id, param]) => {
      const array = param.array.clone();
      for (const { axis, units, role } of channels.labels.get(id) ?? []) {
        if (role === 'follows') continue;
        const inner = sizeOf(array.shape.slice(axis + 1));
        for (let i = 0; i < array.size; i++)
          if (removed.has(channels.find(units[Math.floor(i / inner) % units.length]))) array.data[i] = 0;
      }
      return [id, { ...param, array }] as const;
    }),
  );
  return { ...graph, params };
}

function resized(node: Node, count: (id: ValueId) => number): Node {
  if (node.op === 'conv2d' && node.groups > 1) {
    const inputs = count(node.inputs[0]);
    return inputs < node.groups ? { ...node, groups: inputs } : node;
  }
  if (node.op === 'reshape') return { ...node, shape: [...node.shape.slice(0, -1), count(node.id)] };
  return node;
}

/** The elements at `indices` of one axis. */
function take(a: NDArray, axis: number, indices: readonly number[]): NDArray {
  const shape = a.shape.map((d, i) => (i === axis ? indices.length : d));
  const inner = sizeOf(a.shape.slice(axis + 1));
  const out = NDArray.zeros(shape, a.dtype);
  const block = indices.length * inner;
  for (let o = 0; o * block < out.size; o++)
    indices.forEach((index, i) => {
      const from = (o * a.shape[axis] + index) * inner;
      out.data.set(a.data.subarray(from, from + inner) as never, o * block + i * inner);
    });
  return out;
}

function plan(graph: Graph, { fraction, criterion = 'l1', multipleOf = 1 }: ChannelOptions): Plan {
  requireFloat(graph);
  if (criterion !== 'l1' && criterion !== 'batchNorm')
    throw new ArgumentError(`criterion: ${String(criterion)} is unknown; use 'l1' or 'batchNorm'`);
  checkWhole('multipleOf', multipleOf);
  const channels = new Channels(graph);
  const removed = new Set<Unit>();
  for (const { layers, scores } of groupsOf(graph, channels, criterion)) {
    const shares = layers.map((id) => {
      const share: unknown = typeof fraction === 'function' ? fraction(id) : fraction;
      if (typeof share === 'number' && share >= 0 && share < 1) return share;
      throw new ArgumentError(`fraction: ${shown(share)} (${id}) must be a number of at least 0 and below 1`);
    });
    const share = Math.min(...shares);
    const free = [...scores.keys()].filter((unit) => !channels.isKept(unit));
    const left = scores.size - Math.floor(free.length * share);
    const target = Math.ceil(Math.max(left, 1) / multipleOf) * multipleOf;
    free.sort((a, b) => scores.get(a)! - scores.get(b)! || a - b);
    for (const unit of free.slice(0, Math.max(scores.size - target, 0))) removed.add(unit);
  }
  return { channels, removed };
}

function groupsOf(graph: Graph, channels: Channels, criterion: 'l1' | 'batchNorm'): Set<Group> {
  const groups = new Map<Unit, Group>();
  for (const node of graph.nodes) {
    const scores = scoresOf(graph, node, criterion);
    if (scores === null) continue;
    const units = channels.values.get(node.id)!.map((unit) => channels.find(unit));
    const met = new Set(units.flatMap((unit) => groups.get(unit) ?? []));
    const group: Group = { layers: [], scores: new Map() };
    for (const { layers, scores: before } of met) {
      group.layers.push(...layers);
      for (const [unit, score] of before) group.scores.set(unit, score);
    }
    if (isLayer(node)) group.layers.push(node.id);
    units.forEach((unit, i) => group.scores.set(unit, (group.scores.get(unit) ?? 0) + scores[i]));
    for (const unit of group.scores.keys()) groups.set(unit, group);
  }
  const found = new Set(groups.values());
  for (const { layers, scores } of found)
    if (
      [...scores.values()].every((score) => score === 0) &&
      [...scores.keys()].some((u) => !channels.isKept(u))
    )
      throw new GraphError(
        `${layers.join(', ')}: all channels are equally important; criterion 'batchNorm' needs a batch norm, use 'l1'`,
      );
  return found;
}

/** Importance per output channel, 1 on average; null for nodes that make no channels of their own. */
function scoresOf(graph: Graph, node: Node, criterion: 'l1' | 'batchNorm'): number[] | null {
  const array = (id: string): NDArray => graph.params.get(id)!.array;
  const bn = node.op === 'batchNorm' ? node : isLayer(node) ? node.batchNorm : null;
  if (criterion === 'batchNorm') {
    if (bn !== null) return Array.from(array(bn.gamma).data, Math.abs);
    return isLayer(node) ? new Array<number>(array(node.weight).shape[0]).fill(0) : null;
  }
  if (!isLayer(node)) return null;
  const { data, shape } = array(node.weight);
  const norms = new Array<number>(shape[0]).fill(0);
  data.forEach((w, i) => (norms[Math.floor((i * shape[0]) / data.length)] += Math.abs(w)));
  const mean = norms.reduce((a, b) => a + b, 0) / norms.length;
  return mean === 0 ? norms : norms.map((norm) => norm / mean);
}
