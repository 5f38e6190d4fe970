/**
 * The tables of the TFLite schema, version 3c, that inference needs: names of this library, ids of the schema.
 *
 * Source: tensorflow/compiler/mlir/lite/schema/schema.fbs (https://github.com/tensorflow/tensorflow), whose fields are
 * only ever added at the end. A list here may therefore stop early, but not leave one out.
 */
import {
  bool,
  bytes,
  child,
  children,
  float32,
  floats,
  GAP,
  int32,
  int8,
  ints,
  longs,
  oneOf,
  optionalInts,
  refused,
  string,
  table,
  uint32,
  uint8,
  union,
} from './fields.js';
import { TENSOR_TYPES } from './dtypes.js';

const PADDINGS = ['SAME', 'VALID'] as const;
const ACTIVATIONS = ['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6', 'TANH', 'SIGN_BIT'] as const;
export type TflitePadding = (typeof PADDINGS)[number];
export type TfliteActivation = (typeof ACTIVATIONS)[number];

const padding = oneOf(PADDINGS);
const activation = oneOf(ACTIVATIONS);
const dtype = oneOf(TENSOR_TYPES);
const OUTSIDE = 'data outside its FlatBuffer, as files above 2 GB have';

export const QUANTIZATION = table({
  min: floats(),
  max: floats(),
  scale: floats(),
  zeroPoint: longs(),
  detailsType: refused(1, 'custom quantization'),
  details: GAP,
  quantizedDimension: int32(),
});

export const TENSOR = table({
  shape: ints(),
  type: int8(),
  buffer: uint32(),
  name: string(),
  quantization: child(QUANTIZATION),
  isVariable: bool(),
  sparsity: refused(4, 'sparse tensors'),
  shapeSignature: optionalInts(),
});

export const OPERATOR_CODE = table({
  /** The code, or 127 for one that does not fit a byte. */
  shortCode: int8(),
  customCode: string(),
  version: int32(1),
  code: int32(),
});

export const OPERATOR = table({
  opcodeIndex: uint32(),
  inputs: ints(),
  outputs: ints(),
  optionsType: uint8(),
  options: union(),
  customOptions: bytes(),
  customOptionsFormat: GAP,
  mutatingVariableInputs: GAP, // recurrent ops only
  intermediates: GAP, // the same
  largeCustomOptionsOffset: refused(8, OUTSIDE),
});

export const SUBGRAPH = table({
  tensors: children(TENSOR),
  inputs: ints(),
  outputs: ints(),
  operators: children(OPERATOR),
  name: string(),
});

export const BUFFER = table({ data: bytes(16), offset: refused(8, OUTSIDE) });
export const METADATA = table({ name: string(), buffer: uint32() });
export const TENSOR_MAP = table({ name: string(), tensor: uint32() });

export const SIGNATURE = table({
  inputs: children(TENSOR_MAP),
  outputs: children(TENSOR_MAP),
  key: string(),
  tag: GAP,
  subgraph: uint32(),
});

export const MODEL = table({
  version: uint32(),
  operatorCodes: children(OPERATOR_CODE),
  subgraphs: children(SUBGRAPH),
  description: string(),
  buffers: children(BUFFER),
  metadataBuffer: GAP, // replaced by metadata
  metadata: children(METADATA),
  signatureDefs: children(SIGNATURE),
});

export const FILE_IDENTIFIER = 'TFL3';
export const SCHEMA_VERSION = 3;

const POOL = table({
  padding,
  strideW: int32(),
  strideH: int32(),
  filterWidth: int32(),
  filterHeight: int32(),
  activation,
});
const REDUCER = table({ keepDims: bool() });
const BLOCK = table({ blockSize: int32() });
const SPLIT = table({ numSplits: int32() });
const FUSED = table({ activation });
/** potScaleInt16 is for int16 tensors. */
const SUM_OF_TWO = table({ activation, potScaleInt16: bool(true) });
const ARG = table({ outputType: dtype });

/** Builtin operators with options: the index of their table in the union BuiltinOptions, and the table. */
export const OPTIONS = {
  ADD: [11, SUM_OF_TWO],
  ARG_MAX: [40, ARG],
  ARG_MIN: [57, ARG],
  AVERAGE_POOL_2D: [5, POOL],
  BATCH_MATMUL: [101, table({ adjX: bool(), adjY: bool(), asymmetricQuantizeInputs: bool() })],
  CAST: [37, table({ inDataType: dtype, outDataType: dtype })],
  CONCATENATION: [10, table({ axis: int32(), activation })],
  CONV_2D: [
    1,
    table({
      padding,
      strideW: int32(),
      strideH: int32(),
      activation,
      dilationW: int32(1),
      dilationH: int32(1),
      quantizedBiasType: dtype,
    }),
  ],
  DEPTHWISE_CONV_2D: [
    2,
    table({
      padding,
      strideW: int32(),
      strideH: int32(),
      depthMultiplier: int32(),
      activation,
      dilationW: int32(1),
      dilationH: int32(1),
    }),
  ],
  DEPTH_TO_SPACE: [94, BLOCK],
  DIV: [29, FUSED],
  FULLY_CONNECTED: [
    8,
    table({
      activation,
      weightsFormat: oneOf(['DEFAULT', 'SHUFFLED4x16INT8']),
      keepNumDims: bool(),
      asymmetricQuantizeInputs: bool(),
      quantizedBiasType: dtype,
    }),
  ],
  GATHER: [23, table({ axis: int32(), batchDims: int32() })],
  GELU: [116, table({ approximate: bool() })],
  L2_NORMALIZATION: [12, FUSED],
  LEAKY_RELU: [75, table({ alpha: float32() })],
  MAX_POOL_2D: [5, POOL],
  MEAN: [27, REDUCER],
  MIRROR_PAD: [77, table({ mode: oneOf(['REFLECT', 'SYMMETRIC']) })],
  MUL: [21, FUSED],
  PACK: [59, table({ valuesCount: int32(), axis: int32() })],
  REDUCE_MAX: [27, REDUCER],
  REDUCE_MIN: [27, REDUCER],
  REDUCE_PROD: [27, REDUCER],
  RESHAPE: [17, table({ newShape: optionalInts() })],
  RESIZE_BILINEAR: [
    15,
    table({ newHeight: GAP, newWidth: GAP, alignCorners: bool(), halfPixelCenters: bool() }),
  ],
  RESIZE_NEAREST_NEIGHBOR: [74, table({ alignCorners: bool(), halfPixelCenters: bool() })],
  SHAPE: [55, table({ outType: dtype })],
  SOFTMAX: [9, table({ beta: float32() })],
  SPACE_TO_DEPTH: [19, BLOCK],
  SPLIT: [35, SPLIT],
  SPLIT_V: [79, SPLIT],
  SQUEEZE: [30, table({ squeezeDims: ints() })],
  STRIDED_SLICE: [
    32,
    table({
      beginMask: int32(),
      endMask: int32(),
      ellipsisMask: int32(),
      newAxisMask: int32(),
      shrinkAxisMask: int32(),
      offset: bool(),
    }),
  ],
  SUB: [28, SUM_OF_TWO],
  SUM: [27, REDUCER],
  TRANSPOSE_CONV: [
    49,
    table({ padding, strideW: int32(), strideH: int32(), activation, quantizedBiasType: dtype }),
  ],
  UNPACK: [64, table({ num: int32(), axis: int32() })],
} as const;
