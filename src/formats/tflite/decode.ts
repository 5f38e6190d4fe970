/** Bytes of a .tflite file -> {@link TfliteModel}. */
import { FormatError } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { BUILTINS, CUSTOM } from './builtins.js';
import { checkModel } from './check.js';
import { fromStored, storedBytes, tensorType, type TfliteArray } from './dtypes.js';
import { FlatFile } from './file.js';
import { builtin } from './operators.js';
import { FILE_IDENTIFIER, MODEL } from './schema.js';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './types.js';

type FileModel = ReturnType<typeof MODEL.read>;
type FileSubgraph = FileModel['subgraphs'][number];
type FileTensor = FileSubgraph['tensors'][number];
type FileOperator = FileSubgraph['operators'][number];

/**
 * Reads a model. Constants are copies of the file's; tensors that share a buffer share the array. What follows the
 * FlatBuffer, such as an archive of labels, is not looked at.
 *
 * Throws {@link FormatError} for a damaged or foreign file, and UnsupportedError for string tensors, sparse tensors,
 * custom quantization and data outside the FlatBuffer. Operators that are not known here are no error: they come as
 * `op: 'CUSTOM'` or `'OTHER'`.
 */
export function decodeTflite(bytes: Uint8Array): TfliteModel {
  const file = new FlatFile(bytes);
  const root = MODEL.read(file, file.root(FILE_IDENTIFIER));
  const constants = new Constants(file, root.buffers);
  const model: TfliteModel = {
    version: root.version,
    description: root.description,
    subgraphs: root.subgraphs.map(({ name, tensors, inputs, outputs, operators }) => ({
      name,
      tensors: tensors.map((tensor) => decodeTensor(tensor, constants)),
      inputs,
      outputs,
      operators: operators.map((operator) => decodeOperator(operator, root.operatorCodes, file)),
    })),
    metadata: new Map(
      root.metadata.map(({ name, buffer }) => [name, constants.bytesOf(buffer) ?? new Uint8Array(0)]),
    ),
    signatureDefs: root.signatureDefs,
  };
  checkModel(model, (message) => new FormatError(`bytes: ${message}; the file is corrupt`));
  return model;
}

/** The buffers of the file as typed arrays, each made once. */
class Constants {
  readonly #file: FlatFile;
  readonly #buffers: FileModel['buffers'];
  readonly #made = new Map<string, TfliteArray>();

  constructor(file: FlatFile, buffers: FileModel['buffers']) {
    this.#file = file;
    this.#buffers = buffers;
  }

  bytesOf(index: number): Uint8Array | null {
    if (index >= this.#buffers.length)
      throw new FormatError(`bytes: buffer ${index} does not exist; the file has ${this.#buffers.length}`);
    return this.#buffers[index].data;
  }

  arrayOf({ name, buffer, shape }: FileTensor, dtype: TfliteTensor['dtype']): TfliteArray | null {
    const stored = this.bytesOf(buffer);
    const count = sizeOf(shape);
    // Buffer 0 is empty by convention, and so is the buffer of a tensor that is computed.
    if (stored === null || buffer === 0 || (stored.length === 0 && count !== 0)) return null;
    if (stored.length !== storedBytes(dtype, count))
      throw new FormatError(
        `bytes: tensor ${JSON.stringify(name)}: ${count} elements of ${dtype} take ${storedBytes(dtype, count)} bytes, its buffer has ${stored.length}; the file is corrupt`,
      );
    const key = `${buffer} ${dtype} ${count}`;
    let array = this.#made.get(key);
    if (array === undefined) {
      if (dtype === 'int4') this.#file.charge(count);
      array = fromStored(dtype, stored, count);
      this.#made.set(key, array);
    }
    return array;
  }
}

function decodeTensor(tensor: FileTensor, constants: Constants): TfliteTensor {
  const { name, shape, shapeSignature, quantization, isVariable } = tensor;
  const dtype = tensorType(tensor.type, name);
  return {
    name,
    shape,
    // Some writers put an empty vector where there is nothing to say.
    shapeSignature: shapeSignature?.length === 0 ? null : shapeSignature,
    dtype,
    data: constants.arrayOf(tensor, dtype),
    quantization: decodeQuantization(quantization),
    isVariable,
  };
}

/** Writers give float tensors a table without content. */
function decodeQuantization(stored: FileTensor['quantization']): TfliteTensor['quantization'] {
  if (stored === null) return null;
  const { scale, zeroPoint, quantizedDimension, min, max } = stored;
  return scale.length + zeroPoint.length + min.length + max.length === 0
    ? null
    : { scale, zeroPoint, quantizedDimension, min, max };
}

function decodeOperator(
  { opcodeIndex, inputs, outputs, optionsType, options, customOptions }: FileOperator,
  codes: FileModel['operatorCodes'],
  file: FlatFile,
): TfliteOperator {
  if (opcodeIndex >= codes.length)
    throw new FormatError(`bytes: operator code ${opcodeIndex} does not exist; the file has ${codes.length}`);
  const { shortCode, code: longCode, version, customCode } = codes[opcodeIndex];
  const code = Math.max(shortCode, longCode);
  const base = { version, inputs, outputs };
  if (code === CUSTOM) return { ...base, op: 'CUSTOM', name: customCode, options: customOptions };
  const name: string = BUILTINS[code] ?? `builtin operator ${code}`;
  const known = builtin(name);
  if (known === null) return { ...base, op: 'OTHER', name };
  const { place } = options;
  if (known.options !== null && place !== null && optionsType !== known.optionsType)
    throw new FormatError(`bytes: ${name} has options of kind ${optionsType}, not ${known.optionsType}`);
  const record = known.options?.read(file, place) ?? null;
  return { ...base, op: known.op, options: record } as TfliteOperator;
}
