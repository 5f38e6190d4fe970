/**
 * Float graph models of TensorFlow.js (`model.json` and its weight files): read, not written. The format is that of
 * tensorflowjs_converter 1.x to 4.x; https://www.tensorflow.org/js/guide/conversion.
 */
import type { NDArray } from '../../core/index.js';
import { FormatError, GraphError, UnsupportedError, type Shape } from '../../core/index.js';
import { GraphBuilder, simplify, type Graph, type ValueId } from '../../graph/index.js';
import { isJsonObject, parseJson, type Json } from '../json.js';
import { IMPORTS, refuse, type Site } from './ops.js';
import { baseName, readNodes, shapeAttr, type TfNode } from './topology.js';
import { readWeights } from './weights.js';

export interface TfjsOptions {
  /** Shapes of inputs that the model leaves open, by name; unknown batch sizes are taken as 1. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
}

/** Names that a signature gives, without output numbers; null where there is no signature. */
function outputNames(signature: Json | undefined): string[] | null {
  const outputs = isJsonObject(signature) ? signature['outputs'] : undefined;
  if (!isJsonObject(outputs)) return null;
  return Object.entries(outputs).map(([key, value]) => {
    const name = isJsonObject(value) ? value['name'] : undefined;
    return baseName(typeof name === 'string' ? name : key);
  });
}

/**
 * @param model the text of `model.json`
 * @param weights all files of its manifest, one after the other
 * @throws FormatError for a broken or truncated model, UnsupportedError naming the node for what cannot be read
 */
export function importTfjs(model: string, weights: Uint8Array, options: TfjsOptions = {}): Graph {
  const root = parseJson(model, 'model.json');
  if (!isJsonObject(root)) throw new FormatError('model.json: is not an object');
  if (root['format'] !== undefined && root['format'] !== 'graph-model')
    throw new UnsupportedError(
      `model.json: format ${JSON.stringify(root['format'])} is not read; convert to a graph model with tensorflowjs_converter`,
    );
  const nodes = readNodes(root['modelTopology']);
  const importer = new Importer(readWeights(root['weightsManifest'], weights), options);
  for (const node of nodes) importer.add(node);
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const names =
    outputNames(root['signature'] ?? root['userDefinedMetadata']) ??
    nodes.filter(({ name, op }) => op !== 'Const' && !read.has(name)).map(({ name }) => name);
  return simplify(importer.finish(names));
}

class Importer {
  readonly #build = new GraphBuilder();
  readonly #weights: ReadonlyMap<string, NDArray>;
  readonly #options: TfjsOptions;
  readonly #values = new Map<string, ValueId>();
  readonly #constants = new Map<string, NDArray>();

  constructor(weights: ReadonlyMap<string, NDArray>, options: TfjsOptions) {
    this.#weights = weights;
    this.#options = options;
  }

  add(node: TfNode): void {
    if (node.op === 'Const') this.#constants.set(node.name, this.#weight(node.name));
    else if (node.op === 'Placeholder') this.#values.set(node.name, this.#input(node));
    else if (node.op === 'Identity' && this.#constants.has(node.inputs[0]))
      this.#constants.set(node.name, this.#constants.get(node.inputs[0])!);
    else {
      const read = Object.hasOwn(IMPORTS, node.op) ? IMPORTS[node.op] : undefined;
      if (read === undefined)
        refuse({ node }, `this op is not read; these are: ${Object.keys(IMPORTS).sort().join(', ')}`);
      this.#values.set(node.name, read(this.#site(node)));
    }
  }

  finish(names: readonly string[]): Graph {
    const outputs = names.map((name) => {
      const id = this.#values.get(name);
      if (id === undefined) throw new FormatError(`signature: output ${name} is no value of the model`);
      return id;
    });
    try {
      return this.#build.finish(outputs, 'free');
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      return this.#build.finish(outputs, 'fixed');
    }
  }

  #weight(name: string): NDArray {
    const array = this.#weights.get(name);
    if (array === undefined) throw new FormatError(`node ${name}: its weights are not in the manifest`);
    return array;
  }

  #input(node: TfNode): ValueId {
    const { inputShapes = {} } = this.#options;
    const given = Object.hasOwn(inputShapes, node.name) ? inputShapes[node.name] : shapeAttr(node, 'shape');
    const shape = given?.map((d, i) => (d === -1 && i === 0 ? 1 : d));
    if (shape === undefined || shape.some((d) => d < 1))
      throw new UnsupportedError(
        `input ${node.name}: has shape ${given === null || given === undefined ? 'unknown' : `[${given.join(', ')}]`}; give inputShapes`,
      );
    return this.#build.input(node.name, shape);
  }

  #site(node: TfNode): Site {
    const name = (i: number): string => {
      if (i >= node.inputs.length)
        throw new FormatError(
          `node ${node.name} (${node.op}): reads ${node.inputs.length} values, input ${i} is missing`,
        );
      return node.inputs[i];
    };
    const constant = (i: number): NDArray =>
      this.#constants.get(name(i)) ?? refuse({ node }, `input ${name(i)} must be a constant`);
    return {
      node,
      build: this.#build,
      constant,
      isConstant: (i) => this.#constants.has(name(i)),
      value: (i, rank) => {
        const known = this.#values.get(name(i));
        if (known !== undefined) return known;
        const array = constant(i);
        const shape = [...new Array<number>(Math.max((rank ?? 0) - array.rank, 0)).fill(1), ...array.shape];
        return this.#build.constant(name(i), array.astype('float32').reshape(shape));
      },
    };
  }
}
