/**
 * A small WebAssembly assembler. An expression is a value that knows its type and its bytes, so a program whose types do
 * not fit does not compile in TypeScript; statements go through a function builder, which owns locals and control flow.
 * Encoding: WebAssembly Core Specification 2.0, chapter 5.
 */

export type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const TYPE_BYTES: Readonly<Record<Type, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const NO_RESULT = 0x40;
const END = 0x0b;

/** Bytes that leave one value of type T on the stack. */
export interface Value<T extends Type> {
  readonly type: T;
  readonly code: readonly number[];
}

/** Bytes that leave nothing on the stack. */
export interface Statement {
  readonly code: readonly number[];
}

export interface Local<T extends Type> extends Value<T> {
  readonly index: number;
}

/** A value, or a constant where an i32 is meant. */
export type Int = Value<'i32'> | number;

type Signature = Readonly<Record<string, Type>>;
type Locals<P extends Signature> = { readonly [K in keyof P]: Local<P[K]> };

/** A function that others of its module can call. */
export interface Callable<P extends Signature> {
  readonly index: number;
  readonly signature: P;
}

/** LEB128, unsigned */
export function unsigned(n: number): number[] {
  const bytes: number[] = [];
  for (; n >= 0x80; n = Math.floor(n / 128)) bytes.push((n % 128) | 0x80);
  return [...bytes, n];
}

/** LEB128, signed, of an int32 */
export function signed(n: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = n & 0x7f;
    n >>= 7;
    if ((n === 0 && byte < 0x40) || (n === -1 && byte >= 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

export function constant(n: number): Value<'i32'> {
  return { type: 'i32', code: [0x41, ...signed(n | 0)] };
}

export function toInt(n: Int): Value<'i32'> {
  return typeof n === 'number' ? constant(n) : n;
}

function append(to: number[], bytes: readonly number[]): void {
  for (const byte of bytes) to.push(byte);
}

/** Builds the body of one function. Control flow takes closures; what they emit becomes the nested block. */
export class Func {
  readonly #types: Type[] = [];
  readonly #body: number[] = [];

  constructor(
    readonly index: number,
    readonly name: string,
    readonly signature: Signature,
  ) {}

  /** A new local, zero, or `initial` from here on. */
  local<T extends Type>(type: T, initial?: Value<T>): Local<T> {
    const made = local(type, Object.keys(this.signature).length + this.#types.length);
    this.#types.push(type);
    if (initial !== undefined) this.set(made, initial);
    return made;
  }

  locals<T extends Type>(type: T, count: number): Local<T>[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  set<T extends Type>(to: Local<T>, value: Value<T>): void {
    this.emit(value, { code: [0x21, ...unsigned(to.index)] });
  }

  /** to += n */
  add(to: Local<'i32'>, n: Int): void {
    this.set(to, { type: 'i32', code: [...to.code, ...toInt(n).code, 0x6a] });
  }

  emit(...statements: Statement[]): void {
    for (const { code } of statements) append(this.#body, code);
  }

  if(condition: Value<'i32'>, then: () => void, otherwise?: () => void): void {
    this.emit(condition, { code: [0x04, NO_RESULT] });
    then();
    if (otherwise !== undefined) {
      this.emit({ code: [0x05] });
      otherwise();
    }
    this.emit({ code: [END] });
  }

  /** do body while condition */
  doWhile(body: () => void, condition: () => Value<'i32'>): void {
    this.emit({ code: [0x03, NO_RESULT] });
    body();
    this.emit(condition(), { code: [0x0d, 0, END] });
  }

  /** Runs `body` while `count`, which it consumes, is above zero; takes `step` off each time. */
  repeat(count: Local<'i32'>, body: () => void, step = 1): void {
    this.if({ type: 'i32', code: [...count.code, 0x41, 0, 0x4a] }, () => {
      this.repeatAtLeastOnce(count, body, step);
    });
  }

  /** As {@link repeat} for a count that is known to be above zero. */
  repeatAtLeastOnce(count: Local<'i32'>, body: () => void, step = 1): void {
    this.doWhile(body, () => ({
      type: 'i32',
      // count = count - step; count > 0
      code: [...count.code, ...constant(step).code, 0x6b, 0x22, ...unsigned(count.index), 0x41, 0, 0x4a],
    }));
  }

  /** for (i = from; i < to; i += step), signed; `i` may be changed by the body. */
  for(from: Int, to: Int, step: Int, body: (i: Local<'i32'>) => void): void {
    const i = this.local('i32', toInt(from));
    const below = (): Value<'i32'> => ({ type: 'i32', code: [...i.code, ...toInt(to).code, 0x48] });
    this.if(below(), () => {
      this.doWhile(() => {
        body(i);
        this.add(i, step);
      }, below);
    });
  }

  /** A call of a function of the same module; none returns a value. */
  call<P extends Signature>(
    f: Callable<P>,
    args: { readonly [K in keyof P]: P[K] extends 'i32' ? Int : Value<P[K]> },
  ): void {
    for (const key of Object.keys(f.signature)) {
      const arg: Int | Value<Type> = args[key];
      this.emit(typeof arg === 'number' ? constant(arg) : arg);
    }
    this.emit({ code: [0x10, ...unsigned(f.index)] });
  }

  /** @internal the function type */
  get type(): number[] {
    const params = Object.values(this.signature).map((type) => TYPE_BYTES[type]);
    return [0x60, params.length, ...params, 0];
  }

  /** @internal locals and body */
  get code(): number[] {
    const groups: number[][] = [];
    this.#types.forEach((type, i) => {
      if (i > 0 && this.#types[i - 1] === type) groups[groups.length - 1][0]++;
      else groups.push([1, TYPE_BYTES[type]]);
    });
    const locals = [...unsigned(groups.length), ...groups.flatMap(([n, type]) => [...unsigned(n), type])];
    return [...unsigned(locals.length + this.#body.length + 1), ...locals, ...this.#body, END];
  }
}

function local<T extends Type>(type: T, index: number): Local<T> {
  return { type, index, code: [0x20, ...unsigned(index)] };
}

function text(s: string): number[] {
  return [...unsigned(s.length), ...Array.from(s, (c) => c.charCodeAt(0))];
}

/** A module that imports its memory as `env.memory` and exports the functions that have a name. */
export class Module {
  readonly #functions: Func[] = [];

  /** @param name the export's name, or '' for an inner function */
  func<const P extends Signature>(
    name: string,
    params: P,
    build: (f: Func, params: Locals<P>) => void,
  ): Callable<P> {
    const f = new Func(this.#functions.length, name, params);
    this.#functions.push(f);
    const locals = Object.keys(params).map((key, i) => [key, local(params[key], i)]);
    build(f, Object.fromEntries(locals) as Locals<P>);
    return { index: f.index, signature: params };
  }

  /** @param maximumPages required of a shared memory, and part of the import's type */
  bytes(memory: { shared: boolean; maximumPages: number }): Uint8Array<ArrayBuffer> {
    const section = (id: number, items: readonly (readonly number[])[]): number[] => {
      const body = unsigned(items.length);
      for (const item of items) append(body, item);
      return [id, ...unsigned(body.length), ...body];
    };
    const functions = this.#functions;
    const parts = [
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(
        1,
        functions.map((f) => f.type),
      ),
      section(2, [
        [...text('env'), ...text('memory'), 2, memory.shared ? 3 : 1, 1, ...unsigned(memory.maximumPages)],
      ]),
      section(
        3,
        functions.map((_, i) => unsigned(i)),
      ),
      section(
        7,
        functions.filter((f) => f.name !== '').map((f) => [...text(f.name), 0, ...unsigned(f.index)]),
      ),
      section(
        10,
        functions.map((f) => f.code),
      ),
    ];
    return Uint8Array.from(parts.flat());
  }
}
