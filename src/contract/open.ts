/** Model files of any format that is read here, told apart by their first bytes. */
import { FormatError } from '../core/index.js';
import { decodeModel, type ModelInfo } from '../formats/index.js';
import { importOnnx, readOnnxMetadata, type SelfTest } from '../formats/onnx/index.js';
import { importTflite } from '../formats/tflite/index.js';
import { isInteger, type Graph, type ValueId } from '../graph/index.js';

export type FileFormat = 'octo' | 'onnx' | 'tflite';

export interface OpenedModel {
  readonly format: FileFormat;
  readonly graph: Graph;
  /**
   * 'mixed': partly codes and partly floats. 'fake-quantized': quantized, but in a form that only runs in float; `why` says
   * what kept it from integers.
   */
  readonly kind: 'float' | 'integer' | 'mixed' | 'fake-quantized';
  readonly why: string | null;
  readonly info: ModelInfo;
  /** Arrays by value of the graph; null where the file has none, or where images were turned on the way in. */
  readonly selfTest: SelfTest | null;
}

function formatOf(bytes: Uint8Array): FileFormat {
  const at = (i: number, text: string): boolean =>
    [...text].every((c, k) => bytes[i + k] === c.charCodeAt(0));
  if (at(4, 'TFL')) return 'tflite';
  return at(8, '{') ? 'octo' : 'onnx';
}

/** A self-test with names of the graph instead of those of the file. */
function renamed(
  test: SelfTest,
  inputs: readonly { readonly name: string; readonly id: ValueId }[],
  outputs: readonly { readonly name: string; readonly id: ValueId }[],
): SelfTest {
  const rename = (arrays: SelfTest['inputs'], ports: typeof inputs): SelfTest['inputs'] =>
    new Map(
      Array.from(arrays, ([name, array]) => {
        const port = ports.find((p) => p.name === name);
        if (port === undefined) throw new FormatError(`self-test: ${name} is no input or output of the file`);
        return [port.id, array];
      }),
    );
  const every = outputs.map(({ name, id }): [ValueId, number] => [id, test.every?.get(name) ?? 1]);
  return {
    inputs: rename(test.inputs, inputs),
    outputs: rename(test.outputs, outputs),
    every: new Map(every),
  };
}

/**
 * Reads a model file: .octo, ONNX or TFLite.
 *
 * @param layout of images at inputs and outputs: 'nhwc' (default) where the network allows it, or as in the file
 * @throws FormatError for a damaged or foreign file, UnsupportedError for what cannot be imported
 */
export function openModel(bytes: Uint8Array, layout: 'nhwc' | 'keep' = 'nhwc'): OpenedModel {
  const format = formatOf(bytes);
  switch (format) {
    case 'octo': {
      const { graph, info } = decodeModel(bytes);
      const kind = isInteger(graph) ? 'integer' : 'float';
      return { format, graph, kind, why: null, info, selfTest: null };
    }
    case 'onnx': {
      const { graph, kind, why, metadata, inputs, outputs } = importOnnx(bytes, { layout });
      const { selfTest, ...info } = readOnnxMetadata(metadata);
      const test = selfTest === null || layout === 'nhwc' ? null : renamed(selfTest, inputs, outputs);
      return { format, graph, kind, why, info, selfTest: test };
    }
    case 'tflite': {
      const { graph, kind, metadata, inputs, outputs } = importTflite(bytes);
      const { selfTest, ...info } = metadata;
      const test = selfTest === null ? null : renamed(selfTest, inputs, outputs);
      return { format, graph, kind, why: null, info, selfTest: test };
    }
  }
}
