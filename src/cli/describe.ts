/** What a model is made of, as plain data for `inspect`. Sizes are those of the file, work is per image. */
import type { OpenedModel } from '../contract/index.js';
import { bitsOf, NDArray, type QParams, type Shape } from '../core/index.js';
import { isLayer, macsOf, paramsOf, storageOf, type Graph, type Node, type Param } from '../graph/index.js';
import { Session, type LayerProfile } from '../runtime/index.js';

const PROFILE_ROUNDS = 100;

export interface CodesDescription {
  readonly bits: number;
  readonly signed: boolean;
  /** Smallest and largest, where there is one per channel. */
  readonly scale: readonly [number, number];
  /** null where zero points differ between channels. */
  readonly zero_point: number | null;
  readonly granularity: 'per-tensor' | 'per-channel';
  readonly range: readonly [number, number];
}

export interface LayerDescription {
  readonly id: string;
  readonly op: string;
  readonly activation: string;
  readonly inputs: readonly string[];
  /** Without the batch. */
  readonly shape: Shape;
  readonly codes: CodesDescription | null;
  readonly weight: WeightDescription | null;
  /** Of all parameters. */
  readonly parameters: number;
  readonly bytes: number;
  /** Multiply-adds. */
  readonly macs: number;
  readonly kernel: string | null;
  /** Measured, where that was asked for; see `Session.profile`. */
  readonly profile: Pick<LayerProfile, 'ms' | 'gops' | 'share'> | null;
}

export interface WeightDescription {
  readonly id: string;
  readonly shape: Shape;
  readonly codes: CodesDescription | null;
  /** Smallest and largest weight, as real numbers. */
  readonly min: number;
  readonly max: number;
}

export interface ModelDescription {
  readonly kind: OpenedModel['kind'];
  readonly numerics: string;
  readonly inputs: readonly { readonly id: string; readonly shape: Shape }[];
  readonly outputs: readonly { readonly id: string; readonly shape: Shape }[];
  readonly labels: readonly string[];
  readonly normalization: OpenedModel['info']['normalization'];
  readonly layers: readonly LayerDescription[];
  readonly parameters: number;
  readonly parameter_bytes: number;
  readonly macs: number;
  /** Of the activations of one image; only of what runs in integers. */
  readonly arena_bytes: number | null;
  readonly unshared_bytes: number | null;
}

/** @param profile measure what each layer of an integer model takes, on one image of zeros */
export function describeModel({ graph, info, kind }: OpenedModel, profile: boolean): ModelDescription {
  const session = kind === 'integer' || kind === 'mixed' ? new Session(graph) : null;
  const kernels = new Map(session?.kernels.map(({ id, kernel }) => [id, kernel]));
  const times = new Map(
    session !== null && profile
      ? session.profile(inputOf(graph), PROFILE_ROUNDS).map((layer) => [layer.id, layer])
      : [],
  );
  session?.dispose();
  const layers = graph.nodes.map((node) =>
    describeNode(graph, node, kernels.get(node.id) ?? null, times.get(node.id) ?? null),
  );
  const value = (id: string): { id: string; shape: Shape } => ({ id, shape: shapeOf(graph, id) });
  const params = [...graph.params.values()];
  const { numerics } = graph;
  return {
    kind,
    numerics: numerics.numerics === 'float' ? 'float' : `fixed-${numerics.rounding}`,
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    labels: info.labels,
    normalization: info.normalization,
    layers,
    parameters: params.reduce((sum, p) => sum + p.array.size, 0),
    parameter_bytes: params.reduce((sum, p) => sum + bytesOf(p), 0),
    macs: layers.reduce((sum, l) => sum + l.macs, 0),
    arena_bytes: session?.memory.arenaBytes ?? null,
    unshared_bytes: session?.memory.unsharedBytes ?? null,
  };
}

function shapeOf(graph: Graph, id: string): Shape {
  return graph.values.get(id)!.shape.slice(1);
}

/** One image of zeros. */
function inputOf(graph: Graph): NDArray {
  const value = graph.values.get(graph.inputs[0])!;
  return NDArray.zeros([1, ...shapeOf(graph, value.id)], storageOf(value));
}

function describeNode(
  graph: Graph,
  node: Node,
  kernel: string | null,
  time: LayerProfile | null,
): LayerDescription {
  const params = [...new Set(paramsOf(node))].map((id) => graph.params.get(id)!);
  return {
    id: node.id,
    op: node.op === 'unary' ? node.fn : node.op,
    activation: 'activation' in node ? node.activation : 'none',
    inputs: node.inputs,
    shape: shapeOf(graph, node.id),
    codes: describeCodes(graph.values.get(node.id)!.qparams),
    weight: isLayer(node) ? describeWeight(graph.params.get(node.weight)!) : null,
    parameters: params.reduce((sum, p) => sum + p.array.size, 0),
    bytes: params.reduce((sum, p) => sum + bytesOf(p), 0),
    macs: macsOf(graph, node),
    kernel,
    profile: time && { ms: time.ms, gops: time.gops, share: time.share },
  };
}

/** Codes of 4 bits are stored two to a byte; scales are part of the parameter. */
function bytesOf({ array, qparams }: Param): number {
  if (qparams === null) return array.data.byteLength;
  const codes = qparams.dtype === 'int4' ? Math.ceil(array.size / 2) : array.data.byteLength;
  return codes + qparams.scale.byteLength;
}

function describeCodes(qparams: QParams | null): CodesDescription | null {
  if (qparams === null) return null;
  const { scale, zeroPoint, axis, quantMin, quantMax } = qparams;
  const same = zeroPoint.every((z) => z === zeroPoint[0]);
  return {
    bits: bitsOf(qparams),
    signed: quantMin < 0,
    scale: extremes(scale),
    zero_point: same ? zeroPoint[0] : null,
    granularity: axis === null ? 'per-tensor' : 'per-channel',
    range: [quantMin, quantMax],
  };
}

function describeWeight({ id, array, qparams }: Param): WeightDescription {
  const [min, max] = extremes(qparams === null ? array.data : realWeights(array, qparams));
  return { id, shape: array.shape, codes: describeCodes(qparams), min, max };
}

/** The numbers that weight codes stand for; scales run along axis 0 or are one. */
function realWeights({ data, size, shape }: NDArray, { scale, zeroPoint }: QParams): Float64Array {
  const perScale = scale.length === 1 ? size : size / shape[0];
  return Float64Array.from(data, (code, i) => {
    const c = Math.floor(i / perScale);
    return (code - zeroPoint[c]) * scale[c];
  });
}

/** Smallest and largest; [NaN, NaN] if any is NaN, [0, 0] of nothing. */
export function extremes(values: ArrayLike<number>): [number, number] {
  let [low, high] = values.length === 0 ? [0, 0] : [values[0], values[0]];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return [low, high];
}
