/** What lowering needs to know of the values around a node, and how qparams and shapes become parameters of kernels. */
import {
  activationRange,
  buildRequantization,
  roundHalfEven,
  type AnyKernel,
  type CodeArray,
  type OpParams,
  type QuantizedArray,
  type Requantization,
  type TieRounding,
  type WindowGeometry,
} from '../../kernels/index.js';
import { GraphError, sizeOf, type QParams, type Shape, type TypedArray } from '../core/index.js';
import type { Activation, Node, Numerics, Padding, Pair, Param, ParamId, ValueId } from '../graph/index.js';

/** A value with its storage. `shape` includes the real batch. */
export interface Bound {
  readonly shape: Shape;
  readonly data: TypedArray;
  readonly qparams: QParams | null;
}

export interface Bindings {
  readonly numerics: Numerics;
  value(id: ValueId): Bound;
  param(id: ParamId): Param;
}

type KernelOp = AnyKernel['op'];
export type KernelCall = { [O in KernelOp]: { readonly op: O; readonly params: OpParams[O] } }[KernelOp];

export function qparamsOf(bound: Bound, id: ValueId): QParams {
  if (bound.qparams === null)
    throw new GraphError(
      `value ${id} has no qparams: the graph is not an integer graph; use convert() first`,
    );
  return bound.qparams;
}

export function quantized(bindings: Bindings, id: ValueId): QuantizedArray {
  const bound = bindings.value(id);
  const qp = qparamsOf(bound, id);
  return { data: bound.data as CodeArray, scale: qp.scale[0], zeroPoint: qp.zeroPoint[0] };
}

/** The code of a number. */
export function codeOf(value: number, { scale, zeroPoint, quantMin, quantMax }: QParams): number {
  const code = roundHalfEven(Math.fround(value / scale[0])) + zeroPoint[0];
  return Math.min(Math.max(code, quantMin), quantMax);
}

/** The codes that a fused clamp lets through. */
export function outputRange(
  activation: Activation,
  qp: QParams,
  numerics: Numerics,
): { min: number; max: number } {
  const ties = tieRounding(numerics);
  return activationRange(activation, qp.scale[0], qp.zeroPoint[0], qp.quantMin, qp.quantMax, ties);
}

/** Half to even, as ONNX quantizes; TFLite's fixed-point kernels round half away from zero. */
export function tieRounding(numerics: Numerics): TieRounding {
  return numerics.numerics === 'float' ? 'even' : 'away';
}

/** From accumulators of a layer with input scale `sx` and weight scales `sw` to the output's codes. */
export function layerRequantization(
  numerics: Numerics,
  sx: number,
  sw: Float32Array,
  output: QParams,
  activation: Activation,
): Requantization {
  return buildRequantization(numerics, {
    inputScale: sx,
    weightScale: sw,
    outputScale: output.scale[0],
    zeroPoint: output.zeroPoint[0],
    ...outputRange(activation, output, numerics),
  });
}

interface WindowLike {
  readonly stride: Pair;
  readonly padding: Padding;
}

/** Geometry of a window op from the shapes of its NHWC input and output. */
export function geometryOf(
  x: Shape,
  y: Shape,
  kernel: Pair,
  node: WindowLike,
  dilation: Pair,
): WindowGeometry {
  return {
    batch: x[0],
    inHeight: x[1],
    inWidth: x[2],
    outHeight: y[1],
    outWidth: y[2],
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideHeight: node.stride[0],
    strideWidth: node.stride[1],
    dilationHeight: dilation[0],
    dilationWidth: dilation[1],
    padTop: node.padding[0],
    padLeft: node.padding[2],
  };
}

/** Whole range of the output's qparams, for ops without a fused clamp. */
export function fullRange(b: Bindings, id: ValueId): { min: number; max: number } {
  const qp = qparamsOf(b.value(id), id);
  return { min: qp.quantMin, max: qp.quantMax };
}

/** Axes that are neighbours and go as one: elements before, in and after them. */
export function extents(
  node: Node,
  x: Shape,
  axes: readonly number[],
): { outer: number; reduce: number; inner: number } {
  const first = axes[0] ?? 0;
  const end = first + axes.length;
  if (axes.some((axis, i) => axis !== first + i))
    throw new GraphError(
      `node ${node.id}: axes [${axes.join(', ')}] do not lie side by side; transpose the input, or reduce in two steps`,
    );
  return {
    outer: sizeOf(x.slice(0, first)),
    reduce: sizeOf(x.slice(first, end)),
    inner: sizeOf(x.slice(end)),
  };
}
