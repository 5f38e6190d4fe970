/**
 * Every error the library throws on purpose. Each message names the argument, says what was given and what to
 * do about it; `code` is stable and meant for programs.
 */
export type ErrorCode =
  | 'argument'
  | 'shape'
  | 'dtype'
  | 'disposed'
  | 'autograd'
  | 'graph'
  | 'quantization'
  | 'data'
  | 'format'
  | 'unsupported';

export class OctogradError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** An argument has a value that the function cannot use. */
export class ArgumentError extends OctogradError {
  constructor(message: string) {
    super('argument', message);
  }
}

/** Shapes do not fit each other or the operation. */
export class ShapeError extends OctogradError {
  constructor(message: string) {
    super('shape', message);
  }
}

/** A tensor has an element type that the operation does not take. */
export class DTypeError extends OctogradError {
  constructor(message: string) {
    super('dtype', message);
  }
}

/** The elements of an array are used after they were freed. */
export class DisposedError extends OctogradError {
  constructor(message: string) {
    super('disposed', message);
  }
}

/** The tape was used in a way it does not allow (a second backward, a gradient of a constant, ...). */
export class AutogradError extends OctogradError {
  constructor(message: string) {
    super('autograd', message);
  }
}

/** A model cannot be traced, or a graph breaks its own rules. */
export class GraphError extends OctogradError {
  constructor(message: string) {
    super('graph', message);
  }
}

/** A model cannot be quantized as asked: not calibrated, NaN in the calibration set, accumulator overflow, ... */
export class QuantizationError extends OctogradError {
  constructor(message: string) {
    super('quantization', message);
  }
}

/** A data set is missing, empty or malformed. */
export class DataError extends OctogradError {
  constructor(message: string) {
    super('data', message);
  }
}

/** A file is truncated, corrupt or of another format. */
export class FormatError extends OctogradError {
  constructor(message: string) {
    super('format', message);
  }
}

/** The request is valid, but this build, engine or backend cannot serve it. */
export class UnsupportedError extends OctogradError {
  constructor(message: string) {
    super('unsupported', message);
  }
}
