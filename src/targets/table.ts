/** All targets, by name. */
import { QuantizationError } from '../core/index.js';
import { edgetpu } from './edgetpu.js';
import { onnxruntime } from './onnxruntime.js';
import { openvino } from './openvino.js';
import { qnn } from './qnn.js';
import { tensorrt } from './tensorrt.js';
import { tflite } from './tflite.js';
import { tfliteMicro } from './tfliteMicro.js';
import type { Target, TargetName } from './types.js';
import { w8a7 } from './w8a7.js';

export const TARGETS: Readonly<Record<TargetName, Target>> = {
  onnxruntime,
  tflite,
  'tflite-micro': tfliteMicro,
  edgetpu,
  openvino,
  tensorrt,
  qnn,
  w8a7,
};

/** Throws QuantizationError for an unknown name. */
export function targetNamed(name: TargetName): Target {
  if (!Object.hasOwn(TARGETS, name))
    throw new QuantizationError(
      `target: ${String(name)} is unknown; use one of ${Object.keys(TARGETS).join(', ')}`,
    );
  return TARGETS[name];
}
