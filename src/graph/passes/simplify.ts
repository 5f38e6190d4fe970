/**
 * Rules that bring networks from other frameworks into the form that layers, integer kernels and exporters know: one node for
 * hard-swish and SiLU, divisions by constants as products, what scales or shifts a layer in its weights.
 */
import { NDArray, sizeOf } from '../../core/index.js';
import type { NodeDraft } from '../builder.js';
import type { Graph, LayerNode, Node, ValueId } from '../ir.js';
import { fuseBatchNorm, fuseLayers } from './fuse.js';
import { rewrite, type Rule, type Site } from './rewrite.js';
import { removeTransposes } from './transposes.js';

/** The same constant through a function of each element. */
function mapped(site: Site, id: ValueId, name: string, f: (v: number) => number): ValueId {
  return site.once(`${name} ${id}`, () => {
    const array = site.constant(id)!;
    return site.build.constant(id, new NDArray(Float32Array.from(array.data, f), array.shape));
  });
}

/** The operand that is a constant last. */
function ordered(node: Node, site: Site): [ValueId, ValueId] {
  const [a, b] = node.inputs;
  return site.constant(a) !== null ? [b, a] : [a, b];
}

const sameShape = (site: Site, a: ValueId, b: ValueId): boolean =>
  site.build.shape(a).join() === site.build.shape(b).join();

/** Subtraction and division by a constant become addition and multiplication; what changes nothing goes. */
const arithmetic: Rule = (node, site) => {
  const { op } = node;
  if ((op === 'sub' || op === 'div') && site.constant(node.inputs[1]) !== null) {
    const [x, c] = node.inputs;
    const operand = mapped(site, c, op, op === 'sub' ? (v) => -v : (v) => Math.fround(1 / v));
    return { op: op === 'sub' ? 'add' : 'mul', inputs: [x, operand], activation: node.activation };
  }
  if ((op === 'add' || op === 'mul') && node.activation === 'none') {
    const [x, c] = ordered(node, site);
    if (site.number(c) === (op === 'add' ? 0 : 1) && site.build.shape(x).join() === shapeOf(node, site))
      return x;
  }
  if (op === 'maximum') {
    const [x, c] = ordered(node, site);
    if (site.number(c) === 0 && shapeOf(node, site) === site.build.shape(x).join())
      return { op: 'activation', inputs: [x], activation: 'relu' };
  }
  return null;
};

function shapeOf(node: Node, { build }: Site): string {
  const [a, b] = node.inputs.map((id) => build.shape(id));
  return a.map((d, i) => (d === 1 ? b[i] : d)).join();
}

/** Clips that have a name. */
const clips: Rule = (node) => {
  if (node.op !== 'unary' || node.fn !== 'clip' || node.alpha !== 0) return null;
  if (node.beta === 6) return { op: 'activation', inputs: node.inputs, activation: 'relu6' };
  return node.beta > 3e38 ? { op: 'activation', inputs: node.inputs, activation: 'relu' } : null;
};

/** x where `id` is relu6(x + 3), read by nobody else. */
function shiftedRelu6(site: Site, id: ValueId): ValueId | null {
  const clip = site.only(id, 'activation');
  if (clip?.activation !== 'relu6') return null;
  const sum = site.only(clip.inputs[0], 'add');
  if (sum === null || sum.activation !== 'none') return null;
  const [x, c] = ordered(sum, site);
  return site.number(c) === 3 && sameShape(site, x, sum.id) ? x : null;
}

const isSixth = (v: number | null): boolean => v !== null && Math.abs(v - 1 / 6) < 1e-6;
const unary = (fn: 'hardsigmoid' | 'hardswish' | 'silu', x: ValueId) =>
  ({ op: 'unary', inputs: [x], fn, alpha: 0, beta: 0 }) as const;

/** relu6(x + 3) / 6, and its products with x in any order; x * sigmoid(x). */
const gates: Rule = (node, site) => {
  if (node.op !== 'mul' || node.activation !== 'none') return null;
  const [a, b] = ordered(node, site);
  if (isSixth(site.number(b))) {
    const x = shiftedRelu6(site, a);
    if (x !== null) return unary('hardsigmoid', x);
    const product = site.only(a, 'mul');
    if (product === null || product.activation !== 'none') return null;
    const [p, q] = product.inputs;
    return shiftedRelu6(site, q) === p
      ? unary('hardswish', p)
      : shiftedRelu6(site, p) === q
        ? unary('hardswish', q)
        : null;
  }
  for (const [x, gate] of [
    [a, b],
    [b, a],
  ]) {
    const factor = site.only(gate, 'unary');
    if (factor?.inputs[0] === x && factor.fn === 'sigmoid') return unary('silu', x);
    if (factor?.inputs[0] === x && factor.fn === 'hardsigmoid') return unary('hardswish', x);
    const scaled = site.only(gate, 'mul');
    if (scaled !== null) {
      const [y, c] = ordered(scaled, site);
      if (isSixth(site.number(c)) && shiftedRelu6(site, y) === x) return unary('hardswish', x);
    }
  }
  return null;
};

/** A constant with one number per channel, the last axis, or one for all; null where it is neither. */
function perChannel(site: Site, id: ValueId, channels: number): ArrayLike<number> | null {
  const array = site.constant(id);
  if (array === null) return null;
  if (array.size === 1) return new Float32Array(channels).fill(array.data[0]);
  const last = array.shape[array.rank - 1];
  return array.size === channels && last === channels ? array.data : null;
}

/** A layer's weights and bias, changed: `weight * scale[o]`, `bias * scale[o] + shift[o]`. */
function scaled(
  site: Site,
  node: LayerNode,
  scale: ArrayLike<number> | null,
  shift: ArrayLike<number> | null,
): NodeDraft {
  const weight = site.build.array(node.weight);
  const [channels] = weight.shape;
  const per = sizeOf(weight.shape) / channels;
  const old = node.bias === null ? null : site.build.array(node.bias).data;
  const bias = Float32Array.from(
    { length: channels },
    (_, o) => (old?.[o] ?? 0) * (scale?.[o] ?? 1) + (shift?.[o] ?? 0),
  );
  const name = node.bias ?? `${node.id}.bias`;
  const changes =
    scale === null
      ? {}
      : {
          weight: site.build.param(
            node.weight,
            new NDArray(
              Float32Array.from(weight.data, (v, i) => v * scale[Math.floor(i / per)]),
              weight.shape,
            ),
          ),
        };
  return { ...node, ...changes, bias: site.build.param(name, new NDArray(bias, [channels])) };
}

/** A product or sum with one number per channel moves into the layer before it. */
const affine: Rule = (node, site) => {
  if (node.op !== 'add' && node.op !== 'mul') return null;
  const [x, c] = ordered(node, site);
  const layer = site.only(x, 'conv2d') ?? site.only(x, 'linear');
  if (layer === null || layer.activation !== 'none' || layer.batchNorm !== null) return null;
  if (node.op === 'mul' && !site.own(layer.weight)) return null;
  const values = perChannel(site, c, site.build.array(layer.weight).shape[0]);
  if (values === null || site.build.shape(x).join() !== shapeOf(node, site)) return null;
  const draft = node.op === 'add' ? scaled(site, layer, null, values) : scaled(site, layer, values, null);
  return { ...draft, activation: node.activation } as NodeDraft;
};

/** Batch norm that follows no layer, as a product and a sum. */
const looseBatchNorm: Rule = (node, site) => {
  if (node.op !== 'batchNorm') return null;
  const [gamma, beta, mean, variance] = [node.gamma, node.beta, node.mean, node.variance].map(
    (id) => site.build.array(id).data,
  );
  const [x] = node.inputs;
  const shape = site.build.shape(x).map((d, i, all) => (i === all.length - 1 ? d : 1));
  const factor = Float32Array.from(gamma, (g, i) => g / Math.sqrt(variance[i] + node.eps));
  const offset = Float32Array.from(beta, (b, i) => b - mean[i] * factor[i]);
  const constant = (name: string, data: Float32Array): ValueId =>
    site.build.constant(`${node.id}.${name}`, new NDArray(data, shape));
  const product = site.build.node(`${node.id}.mul`, {
    op: 'mul',
    inputs: [x, constant('scale', factor)],
    activation: 'none',
  });
  return { op: 'add', inputs: [product, constant('shift', offset)], activation: 'none' };
};

/** Zeros around an image become padding of the convolution that reads them. */
const padding: Rule = (node, site) => {
  if (node.op !== 'conv2d') return null;
  const pad = site.only(node.inputs[0], 'pad');
  if (pad === null || pad.value !== 0) return null;
  const [batch, rows, columns, channels] = pad.pads;
  if ([...batch, ...channels].some((n) => n !== 0)) return null;
  const [top, bottom, left, right] = node.padding;
  return {
    ...node,
    inputs: pad.inputs,
    padding: [top + rows[0], bottom + rows[1], left + columns[0], right + columns[1]],
  };
};

/**
 * The form of a graph that quantization, export and the runtime do best with; it computes the same up to rounding. Batch norm
 * behind a layer stays batch norm, so that the graph can be trained on. For `edges` see {@link removeTransposes}.
 */
export function simplify(graph: Graph, edges: 'keep' | 'nhwc' = 'keep'): Graph {
  let simple = fuseBatchNorm(removeTransposes(graph, edges));
  for (const rule of [looseBatchNorm, arithmetic, clips, gates, affine, padding])
    simple = rewrite(simple, rule);
  return fuseLayers(simple);
}
