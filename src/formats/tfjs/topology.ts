/** The nodes of a TensorFlow.js graph model: a TensorFlow GraphDef as JSON. */
import { FormatError, type Shape } from '../../core/index.js';
import { isJsonObject, type Json } from '../json.js';
import { list, object, text } from '../modelSchema.js';

export interface TfNode {
  readonly name: string;
  readonly op: string;
  /** Names of the nodes read, without output numbers; those that only order the execution are left out. */
  readonly inputs: readonly string[];
  readonly attrs: { readonly [name: string]: Json };
}

const attribute = (node: TfNode, name: string): { readonly [key: string]: Json } | null => {
  const value = Object.hasOwn(node.attrs, name) ? node.attrs[name] : undefined;
  return isJsonObject(value) ? value : null;
};

const fail = (node: TfNode, name: string): never => {
  throw new FormatError(`node ${node.name} (${node.op}): attribute ${name} is missing or broken`);
};

/** Text attributes stand in base64. */
function decoded(value: Json | undefined): string {
  try {
    return typeof value === 'string' ? atob(value) : '';
  } catch {
    return '';
  }
}

const numberOf = (value: Json | undefined): number =>
  typeof value === 'string' ? Number(value) : (value as number);

export const textAttr = (node: TfNode, name: string): string => decoded(attribute(node, name)?.['s']);
export const boolAttr = (node: TfNode, name: string): boolean => attribute(node, name)?.['b'] === true;
export const floatAttr = (node: TfNode, name: string, missing: number): number => {
  const value = attribute(node, name)?.['f'];
  return typeof value === 'number' ? value : missing;
};

function listOf(node: TfNode, name: string, key: 'i' | 's'): readonly Json[] {
  const values = attribute(node, name)?.['list'];
  const items = isJsonObject(values) && Object.hasOwn(values, key) ? values[key] : [];
  return Array.isArray(items) ? (items as readonly Json[]) : fail(node, name);
}

/** Whole numbers; empty where there are none. */
export function intsAttr(node: TfNode, name: string): number[] {
  return listOf(node, name, 'i').map((v) => {
    const n = numberOf(v);
    return Number.isSafeInteger(n) ? n : fail(node, name);
  });
}

export const textsAttr = (node: TfNode, name: string): string[] => listOf(node, name, 's').map(decoded);

/** The shape of a placeholder; null where its rank is unknown. -1 stands for an unknown size. */
export function shapeAttr(node: TfNode, name: string): Shape | null {
  const value = attribute(node, name)?.['shape'];
  if (!isJsonObject(value) || value['unknownRank'] === true) return null;
  const dims = Object.hasOwn(value, 'dim') ? value['dim'] : [];
  return list((d, where) => {
    const n = isJsonObject(d) ? numberOf(d['size']) : NaN;
    if (!Number.isSafeInteger(n) || n < -1) throw new FormatError(`${where}: a size is missing or broken`);
    return n;
  })(dims, `node ${node.name}: shape`);
}

/** 'name:0' and 'name' are one; '^name' is no input. */
export function baseName(input: string): string {
  return input.replace(/:0$/, '');
}

/** Nodes in an order in which each comes after those it reads. Throws FormatError for a cycle or a name that is missing. */
export function readNodes(topology: Json | undefined): TfNode[] {
  const { node: values } = object({ node: list((v) => v as Json) })(topology, 'modelTopology');
  const nodes = new Map<string, TfNode>();
  for (const value of values) {
    const { name, op } = object({ name: text, op: text })(value, 'modelTopology.node');
    const { input = [], attr = {} } = value as { readonly input?: Json; readonly attr?: Json };
    const inputs = list(text)(input, `node ${name}: input`)
      .filter((id) => !id.startsWith('^'))
      .map(baseName);
    if (!isJsonObject(attr))
      throw new FormatError(`node ${name}: attr is not an object; the file is corrupt`);
    if (nodes.has(name)) throw new FormatError(`node ${name} appears twice; the file is corrupt`);
    nodes.set(name, { name, op, inputs, attrs: attr });
  }
  const readers = new Map<string, TfNode[]>();
  const missing = new Map<string, number>();
  for (const node of nodes.values()) {
    missing.set(node.name, node.inputs.length);
    for (const input of node.inputs) {
      if (!nodes.has(input)) throw new FormatError(`node ${node.name}: reads ${input}, which is no node`);
      readers.set(input, [...(readers.get(input) ?? []), node]);
    }
  }
  const order = [...nodes.values()].filter((node) => node.inputs.length === 0);
  for (const node of order)
    for (const reader of readers.get(node.name) ?? []) {
      const left = missing.get(reader.name)! - 1;
      missing.set(reader.name, left);
      if (left === 0) order.push(reader);
    }
  if (order.length < nodes.size) throw new FormatError('modelTopology: nodes read each other in a circle');
  return order;
}
