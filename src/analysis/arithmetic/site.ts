/** One element of one value of an integer graph, with the codes and floats around it. */
import { stridesOf, type NDArray, type QParams, type Shape } from '../../core/index.js';
import {
  isLayer,
  type Graph,
  type LayerNode,
  type Numerics,
  type Node,
  type ValueId,
} from '../../graph/index.js';
import type { LayerWeights } from '../../quant/layer.js';
import { outputRange } from '../../runtime/index.js';
import { Steps, type OutputCodes } from './steps.js';

/** One code that the element is made from. */
export interface Term {
  readonly value: ValueId;
  /** Indices in that value, without the batch. */
  readonly at: readonly number[];
  readonly code: number;
  /** The code minus its zero point. */
  readonly offset: number;
  /** What the float network has there; null where no float network is known. */
  readonly float: number | null;
  /** Null where the op has no weights. */
  readonly weight: { readonly code: number; readonly float: number | null; readonly product: number } | null;
}

/** What ran: the codes of every value, and what the float network has in their place. */
export interface Run {
  readonly graph: Graph;
  codes(id: ValueId): NDArray;
  float(id: ValueId): NDArray | null;
  /** Weights and bias with batch norm folded in; null where no float network is known. */
  floatLayer(node: LayerNode): LayerWeights | null;
}

export class Site {
  readonly run: Run;
  readonly node: Node;
  /** Indices of the element, the batch among them. */
  readonly index: readonly number[];
  readonly steps = new Steps();
  readonly terms: Term[] = [];

  constructor(run: Run, node: Node, index: readonly number[]) {
    this.run = run;
    this.node = node;
    this.index = index;
  }

  get numerics(): Numerics {
    return this.run.graph.numerics;
  }

  get channel(): number {
    return this.index[this.index.length - 1];
  }

  shape(id: ValueId): Shape {
    return this.run.codes(id).shape;
  }

  /** Place of the element in its value. */
  get flat(): number {
    const strides = stridesOf(this.shape(this.node.id));
    return this.index.reduce((sum, i, axis) => sum + i * strides[axis], 0);
  }

  qparams(id: ValueId): QParams {
    return this.run.graph.values.get(id)!.qparams!;
  }

  /** Scale and zero point. */
  grid(id: ValueId): { readonly scale: number; readonly zeroPoint: number } {
    const { scale, zeroPoint } = this.qparams(id);
    return { scale: scale[0], zeroPoint: zeroPoint[0] };
  }

  /** What the output may be, its clamp included. */
  get output(): OutputCodes {
    const { node } = this;
    const qparams = this.qparams(node.id);
    const activation = isLayer(node) || 'activation' in node ? node.activation : 'none';
    return { zeroPoint: qparams.zeroPoint[0], ...outputRange(activation, qparams, this.numerics) };
  }

  /** Reads element `flat` of a value: a term. With a weight, its product too. */
  read(id: ValueId, flat: number, weight?: { readonly code: number; readonly float: number | null }): Term {
    const array = this.run.codes(id);
    const code = array.data[flat];
    const offset = code - this.grid(id).zeroPoint;
    const term: Term = {
      value: id,
      at: withoutBatch(
        stridesOf(array.shape).map((stride, axis) => Math.floor(flat / stride) % array.shape[axis]),
        array.shape,
      ),
      code,
      offset,
      float: this.run.float(id)?.data[flat] ?? null,
      weight: weight === undefined ? null : { ...weight, product: offset * weight.code },
    };
    this.terms.push(term);
    return term;
  }
}

/** Of one value for each axis, those that are not the batch. A fixed graph of one image has an axis of it too. */
export function withoutBatch<T>(values: readonly T[], shape: Shape): readonly T[] {
  return shape.length > 1 && shape[0] === 1 ? values.slice(1) : values;
}
