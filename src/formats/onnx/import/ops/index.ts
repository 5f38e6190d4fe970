/** The operators that can be imported, by name. */
import { CONSTANT } from './constant.js';
import { CONVOLUTION } from './convolution.js';
import { ELEMENTWISE } from './elementwise.js';
import { MATRIX } from './matrix.js';
import { MOVEMENT } from './movement.js';
import { POOLING } from './pooling.js';
import { QUANTIZED } from './quantized.js';
import { REDUCTION } from './reduction.js';
import { RESIZE } from './resize.js';
import type { Importer } from './types.js';

export const IMPORTERS: ReadonlyMap<string, Importer> = new Map(
  [CONSTANT, CONVOLUTION, ELEMENTWISE, MATRIX, MOVEMENT, POOLING, QUANTIZED, REDUCTION, RESIZE].flatMap(
    (importers) => Object.entries(importers),
  ),
);

/** Names of the operators that {@link importOnnx} takes. */
export const ONNX_OPERATORS: readonly string[] = [...IMPORTERS.keys()].sort();
