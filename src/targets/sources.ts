/** The pages that the rules come from. */
import type { Source } from './types.js';

const source = (title: string, url: string): Source => ({ title, url });

export const LITERT_SPEC = source(
  'LiteRT 8-bit quantization specification',
  'https://ai.google.dev/edge/litert/models/quantization_spec',
);
export const TFL_OPS = source(
  'TensorFlow Lite dialect: ops and types',
  'https://www.tensorflow.org/mlir/tfl_ops',
);
export const TFLITE_CONCAT = source(
  'TensorFlow Lite, the concatenation kernel',
  'https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/kernels/concatenation.cc',
);
export const XNNPACK_DELEGATE = source(
  'XNNPACK backend for TensorFlow Lite',
  'https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/delegates/xnnpack/README.md',
);
export const TFLM_OPS = source(
  'TensorFlow Lite Micro, ops that a resolver can add',
  'https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/micro/micro_mutable_op_resolver.h',
);
export const TFLM_LINEAR = source(
  'TensorFlow Lite Micro, the fully connected kernel',
  'https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/micro/kernels/fully_connected_common.cc',
);
export const TFLM_REQUANTIZE = source(
  'TensorFlow Lite, multiplication by a quantized multiplier',
  'https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/kernels/internal/common.h',
);
export const CORAL_MODELS = source(
  'Coral: TensorFlow models on the Edge TPU',
  'https://coral.ai/docs/edgetpu/models-intro/',
);
export const AXIS_EDGE_TPU = source(
  'Axis: optimization tips for its Edge TPU (ARTPEC-7)',
  'https://developer.axis.com/computer-vision/computer-vision-on-device/optimization-tips',
);
export const ORT_QUANTIZATION = source(
  'ONNX Runtime: quantize ONNX models',
  'https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html',
);
export const ONNX_OPS = source('ONNX operators', 'https://onnx.ai/onnx/operators/');
export const ONNX_DEQUANTIZE = source(
  'ONNX DequantizeLinear',
  'https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html',
);
export const ORT_QNN = source(
  'ONNX Runtime: QNN execution provider',
  'https://onnxruntime.ai/docs/execution-providers/QNN-ExecutionProvider.html',
);
export const ORT_QNN_PER_CHANNEL = source(
  'ONNX Runtime: per-channel weights in the QNN execution provider',
  'https://github.com/microsoft/onnxruntime/pull/20154',
);
export const ORT_QNN_LINEAR = source(
  'onnxruntime-qnn: which weights of matrix products run on HTP',
  'https://github.com/onnxruntime/onnxruntime-qnn/issues/650',
);
export const OPENVINO_RULES = source(
  'OpenVINO: quantized models, compute and restrictions',
  'https://docs.openvino.ai/2024/documentation/openvino-extensibility/openvino-plugin-library/advanced-guides/quantized-models.html',
);
export const OPENVINO_OPS = source(
  'OpenVINO: supported operations',
  'https://docs.openvino.ai/2025/documentation/compatibility-and-support/supported-operations.html',
);
export const OPENVINO_FLOW = source(
  'OpenVINO: DefaultQuantization parameters',
  'https://docs.openvino.ai/latest/pot_compression_algorithms_quantization_default_README.html',
);
export const OPENVINO_SATURATION = source(
  'OpenVINO: saturation (overflow) issue workaround',
  'https://docs.openvino.ai/latest/pot_saturation_issue.html',
);
export const TENSORRT_TYPES = source(
  'TensorRT: working with quantized types',
  'https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html',
);
export const TENSORRT_BIAS = source(
  'ONNX-TensorRT: DequantizeLinear of a bias',
  'https://github.com/onnx/onnx-tensorrt/issues/850',
);
export const TENSORRT_TOOLKIT = source(
  'TensorFlow quantization toolkit for TensorRT: globals',
  'https://docs.nvidia.com/deeplearning/tensorrt/tensorflow-quantization-toolkit/docs/globals.html',
);
export const TENSORRT_OPS = source(
  'ONNX-TensorRT: supported operators',
  'https://github.com/onnx/onnx-tensorrt/blob/main/docs/operators.md',
);
export const RELAXED_SIMD = source(
  'WebAssembly: relaxed SIMD',
  'https://github.com/WebAssembly/relaxed-simd/blob/main/proposals/relaxed-simd/Overview.md',
);
