/** {@link TfliteModel} -> bytes of a .tflite file. */
import { Builder } from 'flatbuffers';
import { ArgumentError, UnsupportedError } from '../../core/errors.js';
import { BUILTINS, CUSTOM } from './builtins.js';
import { checkModel, operatorName } from './check.js';
import { TENSOR_TYPES, toStored } from './dtypes.js';
import type { UnionValue } from './fields.js';
import { builtin } from './operators.js';
import { FILE_IDENTIFIER, MODEL } from './schema.js';
import type { TfliteModel, TfliteOperator, TfliteSubgraph, TfliteTensor } from './types.js';
import { requiredVersion } from './versions.js';

const MAX_BYTES = 2 ** 31 - 1;
const NO_OPTIONS: UnionValue = { place: null, write: null };

/**
 * Writes a model. Constants stand at multiples of 16 bytes; arrays that are the same object are written once, and
 * scalars that have the value of the schema are left out.
 *
 * Throws {@link ArgumentError} for a model that no runtime would take: indices that lead nowhere, constants that do not
 * fill their shapes. Throws {@link UnsupportedError} for operators of unknown options, and beyond 2 GB.
 */
export function encodeTflite(model: TfliteModel): Uint8Array {
  checkModel(model, (message) => new ArgumentError(`model: ${message}`));
  const buffers = new Buffers();
  const codes = new OperatorCodes();
  const root = {
    version: model.version,
    description: model.description,
    subgraphs: model.subgraphs.map((graph) => encodeSubgraph(graph, buffers, codes)),
    metadata: [...model.metadata].map(([name, bytes]) => ({ name, buffer: buffers.indexOf(bytes, bytes) })),
    signatureDefs: model.signatureDefs,
    operatorCodes: codes.list,
    buffers: buffers.list,
  };
  if (buffers.bytes > MAX_BYTES)
    throw new UnsupportedError(`model: ${buffers.bytes} bytes of constants; a .tflite file ends at 2 GB`);
  const builder = new Builder(buffers.bytes + 65_536);
  builder.finish(MODEL.write(builder, root), FILE_IDENTIFIER);
  return builder.asUint8Array().slice();
}

class Buffers {
  /** The first is empty: what tensors without data refer to. */
  readonly list: { readonly data: Uint8Array | null; readonly offset: undefined }[] = [
    { data: null, offset: undefined },
  ];
  readonly #indices = new Map<unknown, number>();
  bytes = 0;

  /** The index of the buffer of `owner`, which the first call makes. */
  indexOf(owner: unknown, data: Uint8Array): number {
    let index = this.#indices.get(owner);
    if (index === undefined) {
      index = this.list.push({ data, offset: undefined }) - 1;
      this.#indices.set(owner, index);
      this.bytes += data.length + 32;
    }
    return index;
  }
}

class OperatorCodes {
  readonly list: { shortCode: number; code: number; customCode: string; version: number }[] = [];
  readonly #indices = new Map<string, number>();

  indexOf(code: number, customCode: string, version: number): number {
    const key = `${code} ${version} ${customCode}`;
    let index = this.#indices.get(key);
    if (index === undefined) {
      const shortCode = Math.min(code, BUILTINS.indexOf('PLACEHOLDER_FOR_GREATER_OP_CODES'));
      index = this.list.push({ shortCode, code, customCode, version }) - 1;
      this.#indices.set(key, index);
    }
    return index;
  }
}

function encodeSubgraph(graph: TfliteSubgraph, buffers: Buffers, codes: OperatorCodes) {
  return {
    ...graph,
    tensors: graph.tensors.map((tensor) => encodeTensor(tensor, buffers)),
    operators: graph.operators.map((operator) => encodeOperator(operator, graph.tensors, codes)),
  };
}

function encodeTensor(tensor: TfliteTensor, buffers: Buffers) {
  const { name, shape, shapeSignature, dtype, data, quantization, isVariable } = tensor;
  // One array may be codes of 8 bits here and of 4 there, which are different bytes.
  const owner = dtype === 'int4' ? tensor : data;
  return {
    name,
    shape,
    shapeSignature,
    type: TENSOR_TYPES.indexOf(dtype),
    buffer: data === null ? 0 : buffers.indexOf(owner, toStored(dtype, data)),
    quantization: quantization === null ? null : { ...quantization, detailsType: undefined },
    isVariable,
    sparsity: undefined,
  };
}

function encodeOperator(operator: TfliteOperator, tensors: readonly TfliteTensor[], codes: OperatorCodes) {
  const { inputs, outputs } = operator;
  const version = operator.version ?? requiredVersion(operator, tensors);
  const base = { inputs, outputs, largeCustomOptionsOffset: undefined };
  if (operator.op === 'CUSTOM')
    return {
      ...base,
      opcodeIndex: codes.indexOf(CUSTOM, operator.name, version),
      optionsType: 0,
      options: NO_OPTIONS,
      customOptions: operator.options,
    };
  const known = builtin(operator.op);
  if (known === null)
    throw new UnsupportedError(
      `model: the options of ${operatorName(operator)} are not known here, so that it cannot be written`,
    );
  const { code, optionsType, options } = known;
  const record = (operator as { readonly options?: unknown }).options;
  return {
    ...base,
    opcodeIndex: codes.indexOf(code, '', version),
    optionsType,
    options:
      options === null
        ? NO_OPTIONS
        : { place: null, write: (builder: Builder) => options.write(builder, record) },
    customOptions: null,
  };
}
