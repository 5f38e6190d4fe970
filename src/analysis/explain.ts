/** One value's way through an integer network, as arithmetic that can be followed by hand. */
import { noGrad, Tensor } from '../autograd/index.js';
import { ArgumentError, formatShape, NDArray, sameShape } from '../core/index.js';
import { isLayer, type Graph, type LayerNode, type Node, type ValueId } from '../graph/index.js';
import { dequantizeArray } from '../ops/index.js';
import { convert, inputCodes, QuantizedModule, type GraphInputs } from '../quant/index.js';
import { namedInputs } from '../quant/inputs.js';
import { foldedWeights, type LayerWeights } from '../quant/layer.js';
import { Session } from '../runtime/index.js';
import { GraphModule } from '../trace/index.js';
import type { Explanation, Grid } from './arithmetic/explanation.js';
import { BILINEAR, codeAt } from './arithmetic/ops.js';
import { Site, withoutBatch, type Run } from './arithmetic/site.js';
import { explanationText } from './arithmetic/text.js';
import { matchValues } from './match.js';
import { inputsFor, openVariant, toTensors } from './variant.js';

/** Which value. */
export interface Where {
  /** A node of the integer graph, as `printGraph` and `octograd inspect` show it; the name of an input serves for its codes. */
  readonly layer: ValueId;
  /** Index of the last axis. Default 0. */
  readonly channel?: number;
  /** Indices of the axes between batch and channels: [y, x] in images, [] after flattening. Default: zeros. */
  readonly position?: readonly number[];
}

export interface ExplainOptions {
  /**
   * What the network was made from, its values matched as in {@link compareVariants}. Default: the float network of a module; none
   * for an integer graph.
   */
  readonly float?: Graph;
}

/** The runs that explanations are taken from: make one to explain many values of one input. */
export class Explainer {
  readonly graph: Graph;
  readonly #codes: ReadonlyMap<ValueId, NDArray>;
  readonly #network: GraphModule | null;
  readonly #float: ReadonlyMap<ValueId, Tensor> | null;
  /** Values of the float network, by those of the integer graph. */
  readonly #partner: ReadonlyMap<ValueId, ValueId>;
  readonly #here = new Map<ValueId, NDArray | null>();

  /**
   * @param model a calibrated module, or an integer graph
   * @param input one, with a batch of 1
   * @throws ArgumentError for more than one input, and for a float network that has no layer in common with the model; what
   *   `convert` throws for a module without an integer form
   */
  constructor(model: QuantizedModule | Graph, input: GraphInputs, options: ExplainOptions = {}) {
    const module = model instanceof QuantizedModule ? model : null;
    this.graph = module === null ? (model as Graph) : convert(module);
    const inputs = namedInputs(this.graph, input);
    for (const [id, { shape }] of inputs)
      if (this.graph.batch === 'free' && shape[0] !== 1)
        throw new ArgumentError(`input: ${id} has ${formatShape(shape)}; give one, with a batch of 1`);
    const session = new Session(this.graph, { keep: true });
    session.runAll(new Map(Array.from(inputs, ([id, { value }]) => [id, value])));
    const ids = [...this.graph.values.keys()];
    this.#codes = new Map(ids.map((id) => [id, copy(session.tensor(id))]));
    session.dispose();
    const source = options.float ?? module?.graph ?? null;
    if (source === null) {
      [this.#network, this.#float, this.#partner] = [null, null, new Map()];
      return;
    }
    const [float, integers] = [openVariant(source), openVariant(this.graph)];
    const { matches } = matchValues(float.values, integers.values);
    if (!matches.some(({ b }) => b.op !== 'input'))
      throw new ArgumentError(
        'float: this network shares no value with the integer one; give the one it was made from',
      );
    const network = new GraphModule(float.graph).eval();
    this.#network = network;
    this.#float = noGrad(() => network.runAll(toTensors(inputsFor(float, this.graph, input))));
    this.#partner = new Map(matches.map(({ a, b }) => [b.id, a.id]));
  }

  /** Throws ArgumentError, saying what there is, for a layer, channel or position that does not exist. */
  at(where: Where): Explanation {
    const { node, index } = this.#find(where);
    const site = new Site(this.#run, node, index);
    const computed = codeAt(site);
    const code = this.#codes.get(node.id)!;
    const { graph } = this;
    const isCode = graph.values.get(node.id)!.qparams !== null;
    const source = isCode ? node.id : node.inputs[0];
    const [runtime, { scale, zeroPoint }] = [this.#codes.get(source)!.data[site.flat], site.grid(source)];
    const real = site.steps.real(runtime, scale, zeroPoint);
    const float = this.#floatOf(node.id)?.data[site.flat] ?? null;
    const here = this.#floatHere(node)?.data[site.flat] ?? null;
    const weights = isLayer(node) ? graph.params.get(node.weight)!.qparams!.scale : null;
    const reads = node.inputs.filter((id) => graph.values.get(id)!.qparams !== null);
    const explanation: Omit<Explanation, 'toString'> = {
      layer: node.id,
      op: node.op,
      activation: 'activation' in node ? node.activation : 'none',
      numerics: graph.numerics,
      channel: site.channel,
      position: withoutBatch(index, code.shape).slice(0, -1),
      reads: Object.fromEntries(reads.map((id) => [id, gridOf(site, id)])),
      weightScale: weights === null ? null : weights[weights.length === 1 ? 0 : site.channel],
      terms: site.terms,
      steps: site.steps.list,
      rule: isCode && computed === null ? BILINEAR : null,
      output: isCode ? { ...gridOf(site, node.id), ...site.output } : null,
      code: isCode ? runtime : null,
      real,
      float,
      floatHere: here,
      error:
        float === null || here === null
          ? null
          : { total: real - float, before: here - float, here: real - here },
    };
    Object.defineProperty(explanation, 'toString', { value: () => explanationText(explanation) });
    return explanation;
  }

  #find({ layer, channel = 0, position }: Where): { node: Node; index: number[] } {
    const { nodes } = this.graph;
    const node = nodes.find(({ id }) => id === layer) ?? nodes.find(({ id }) => id === inputCodes(layer));
    if (node === undefined)
      throw new ArgumentError(
        `layer: ${layer} is not in the network; it has ${nodes.map(({ id }) => id).join(', ')}`,
      );
    const { shape } = this.#codes.get(node.id)!;
    const channels = shape[shape.length - 1];
    if (!Number.isInteger(channel) || channel < 0 || channel >= channels)
      throw new ArgumentError(
        `channel: ${channel} is not in ${node.id}, which has channels 0 to ${channels - 1}`,
      );
    const axes = withoutBatch(shape, shape).slice(0, -1);
    const at = position ?? axes.map(() => 0);
    if (at.length !== axes.length || !at.every((i, axis) => Number.isInteger(i) && i >= 0 && i < axes[axis]))
      throw new ArgumentError(
        `position: [${at.join(', ')}] is not in ${node.id}; ${
          axes.length === 0
            ? 'it has channels only, leave position out'
            : `give [${axes.map((size) => `0 to ${size - 1}`).join(', ')}]`
        }`,
      );
    const lead = new Array<number>(shape.length - axes.length - 1).fill(0);
    return { node, index: [...lead, ...at, channel] };
  }

  get #run(): Run {
    return {
      graph: this.graph,
      codes: (id) => this.#codes.get(id)!,
      float: (id) => this.#floatOf(id),
      floatLayer: (node) => this.#floatLayer(node),
    };
  }

  /** What a value of codes and its number are both made from. */
  #origin(id: ValueId): ValueId {
    const node = this.graph.nodes.find((node) => node.id === id);
    return node?.op === 'quantize' || node?.op === 'dequantize' ? this.#origin(node.inputs[0]) : id;
  }

  /** The float value in the place of a value of the integer graph. */
  #floatOf(id: ValueId): NDArray | null {
    const partner = this.#partner.get(this.#origin(id));
    return partner === undefined ? null : this.#float!.get(partner)!.value;
  }

  #floatNode({ id, op, inputs }: Node): Node | null {
    const partner = this.#partner.get(id);
    const node = this.#network?.graph.nodes.find((node) => node.id === partner);
    return node !== undefined && node.op === op && node.inputs.length === inputs.length ? node : null;
  }

  #floatLayer(layer: LayerNode): LayerWeights | null {
    const node = this.#floatNode(layer);
    if (node === null || !isLayer(node)) return null;
    const float = noGrad(() => foldedWeights(node, this.#network!));
    const { shape } = this.graph.params.get(layer.weight)!.array;
    return sameShape(float.weight.shape, shape) ? float : null;
  }

  /** What the float node makes of the numbers that codes stand for. */
  #floatHere(node: Node): NDArray | null {
    if (node.op === 'quantize') return this.#floatOf(node.id);
    const cached = this.#here.get(node.id);
    if (cached !== undefined) return cached;
    const numbers = node.inputs.map((id) => {
      const { qparams } = this.graph.values.get(id)!;
      const array = this.#codes.get(id)!;
      return new Tensor(qparams === null ? array : dequantizeArray(array, qparams));
    });
    const float = this.#floatNode(node);
    const here =
      node.op === 'dequantize'
        ? numbers[0].value
        : float === null
          ? null
          : noGrad(() => this.#network!.runNode(float, numbers).value);
    this.#here.set(node.id, here);
    return here;
  }
}

/**
 * How one value of an integer network comes about: codes that are read, products with weight codes, accumulator, multiplier,
 * output code, and what the float network has in its place.
 *
 * @param model a calibrated module, or an integer graph
 * @param input one, with a batch of 1
 * @throws ArgumentError, saying what there is, for a layer, channel or position that does not exist; what `convert` throws for a
 *   module without an integer form
 */
export function explain(
  model: QuantizedModule | Graph,
  input: GraphInputs,
  where: Where,
  options: ExplainOptions = {},
): Explanation {
  return new Explainer(model, input, options).at(where);
}

function copy(array: NDArray): NDArray {
  return new NDArray(array.data.slice() as NDArray['data'], array.shape);
}

function gridOf(site: Site, id: ValueId): Grid {
  const { quantMin: min, quantMax: max } = site.qparams(id);
  return { ...site.grid(id), min, max };
}
