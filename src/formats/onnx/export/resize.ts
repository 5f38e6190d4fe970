/** Resize, whose output size ONNX takes as factors or as a whole shape. */
import type { NodeOf } from '../../../graph/index.js';
import type { Exporter } from './exporter.js';
import { channelsFirstShape } from './layers.js';
import { NHWC_IN_NCHW, type View } from './view.js';

const COORDINATES = { asymmetric: 'asymmetric', halfPixel: 'half_pixel', alignCorners: 'align_corners' };

/**
 * Nearest pixels: ONNX rounds a position that lies half a pixel lower than TFLite's with half-pixel centres, so what is
 * rounded down there is rounded half up here.
 */
function mode({ mode, coordinates }: NodeOf<'resize'>) {
  const transformation = { coordinate_transformation_mode: COORDINATES[coordinates] };
  if (mode === 'bilinear') return { mode: 'linear', ...transformation };
  const nearest_mode = coordinates === 'asymmetric' ? 'floor' : 'round_prefer_ceil';
  return { mode: 'nearest', nearest_mode, ...transformation };
}

/** [scales, sizes], one of them ''. */
function target(node: NodeOf<'resize'>, e: Exporter, x: string, from: readonly number[]): [string, string] {
  const shape = channelsFirstShape(e.graph.values.get(node.id)!.shape);
  const factors = shape.map((size, i) => size / from[i]);
  const exact = factors.every((f, i) => Math.fround(f) === f && f * from[i] === shape[i]);
  if (exact) return [e.build.floats(`${node.id}/scales`, factors, [4]), ''];
  if (e.graph.batch === 'fixed') return ['', e.build.int64s(`${node.id}/sizes`, shape)];
  // The batch is known when the network runs.
  const all = e.build.node('Shape', `${node.id}/shape`, [x]);
  const [start, end] = [0, 1].map((i) => e.build.int64s(`${node.id}/${i}`, [i]));
  const batch = e.build.node('Slice', `${node.id}/batch`, [all, start, end]);
  const rest = e.build.int64s(`${node.id}/rest`, shape.slice(1));
  return ['', e.build.node('Concat', `${node.id}/sizes`, [batch, rest], { axis: 0 })];
}

export function resize(node: NodeOf<'resize'>, e: Exporter): View {
  const x = e.channelsFirst(node.inputs[0]);
  const shape = channelsFirstShape(e.graph.values.get(node.id)!.shape);
  const inputs = ['', ...target(node, e, x.name, x.shape)];
  if (inputs.at(-1) === '') inputs.pop();
  if (node.mode === 'nearest')
    return e.hold(
      node.id,
      e.move(x, 'Resize', `${node.id}/resized`, shape, inputs, mode(node)),
      NHWC_IN_NCHW,
    );
  const real = e.build.node('Resize', `${node.id}/resized`, [e.real(x), ...inputs], mode(node));
  return e.result(node, real, shape, NHWC_IN_NCHW);
}
