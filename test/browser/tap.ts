/**
 * Stands in for tap in a page: the assertions that the tests of kernels and runtime use. Where tap is lenient (`same`
 * takes '1' for 1), this is strict; an assertion that is missing here fails the test that calls it.
 */
export interface Result {
  readonly file: string;
  readonly title: string;
  readonly failures: readonly string[];
}

/** Of the tests that have ended, in order. */
export const results: Result[] = [];

type Body = (t: PageTest) => unknown;
interface Chain {
  tail: Promise<void>;
}

/** The tests of all files, one after the other. */
const chain: Chain = { tail: Promise.resolve() };

/** What `import t from 'tap'` is in `file`. */
export const suite = (file: string): PageTest => new PageTest(file, '', chain);

/** Waits for the tests that have been declared. */
export const finished = (): Promise<void> => chain.tail;

class PageTest {
  readonly #children: Chain;
  readonly #failures: string[] = [];
  readonly #teardowns: (() => unknown)[] = [];

  constructor(
    readonly file: string,
    readonly name: string,
    children: Chain = { tail: Promise.resolve() },
  ) {
    this.#children = children;
  }

  test(name: string, body: Body): Promise<void> {
    const child = new PageTest(this.file, this.name === '' ? name : `${this.name} > ${name}`);
    return (this.#children.tail = this.#children.tail.then(() => child.#run(body)));
  }

  async #run(body: Body): Promise<void> {
    try {
      await body(this);
      await this.#children.tail;
      for (const teardown of this.#teardowns.reverse()) await teardown();
    } catch (error) {
      this.#failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    results.push({
      file: this.file,
      title: this.name,
      failures: this.#failures,
    });
  }

  teardown(fn: () => unknown): void {
    this.#teardowns.push(fn);
  }

  end(): void {
    // A body ends when it returns or resolves.
  }

  ok(value: unknown, message = 'expected a truthy value'): void {
    if (!value) this.#failures.push(message);
  }

  notOk(value: unknown, message = 'expected a falsy value'): void {
    this.ok(!value, message);
  }

  fail(message = 'failed'): void {
    this.ok(false, message);
  }

  pass(): void {
    this.ok(true);
  }

  equal(got: unknown, want: unknown, message = ''): void {
    this.ok(Object.is(got, want), `${message} expected ${show(want)}, got ${show(got)}`);
  }

  not(got: unknown, other: unknown, message = ''): void {
    this.ok(!Object.is(got, other), `${message} expected something else than ${show(other)}`);
  }

  same(got: unknown, want: unknown, message = ''): void {
    this.ok(sameValue(got, want), `${message} expected ${show(want)}, got ${show(got)}`);
  }

  strictSame(got: unknown, want: unknown, message = ''): void {
    this.same(got, want, message);
  }

  notSame(got: unknown, other: unknown, message = ''): void {
    this.ok(!sameValue(got, other), `${message} expected something else than ${show(other)}`);
  }

  match(got: unknown, pattern: unknown, message = ''): void {
    this.ok(matches(got, pattern), `${message} expected ${show(got)} to match ${show(pattern)}`);
  }

  doesNotThrow(fn: () => unknown, message = ''): void {
    let thrown = '';
    try {
      fn();
    } catch (error) {
      thrown = `: ${String(error)}`;
    }
    this.ok(thrown === '', `${message} threw${thrown}`);
  }

  throws(fn: () => unknown, pattern?: unknown, message = ''): void {
    try {
      fn();
    } catch (error) {
      return this.match(error, pattern, message);
    }
    this.fail(`${message} expected an error`);
  }

  async rejects(
    value: Promise<unknown> | (() => Promise<unknown>),
    pattern?: unknown,
    message = '',
  ): Promise<void> {
    try {
      await (typeof value === 'function' ? value() : value);
    } catch (error) {
      return this.match(error, pattern, message);
    }
    this.fail(`${message} expected a rejection`);
  }
}

type Indexed = Record<string, unknown>;
const isObject = (x: unknown): x is Indexed => typeof x === 'object' && x !== null;

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map || a instanceof Set)
    return sameValue([...a], [...(b as unknown as Iterable<unknown>)]);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]))
  );
}

/** Whether `value` has everything that `pattern` names: keys of objects, regular expressions, classes, parts of strings. */
function matches(value: unknown, pattern: unknown): boolean {
  if (pattern === undefined) return true;
  if (pattern instanceof RegExp) return pattern.test(String(value));
  if (typeof pattern === 'function') return value instanceof pattern;
  if (typeof pattern === 'string') return String(value).includes(pattern);
  if (!isObject(pattern) || !isObject(value)) return sameValue(value, pattern);
  return Object.entries(pattern).every(([key, part]) => matches(value[key], part));
}

function show(x: unknown): string {
  if (x instanceof RegExp || x instanceof Error || typeof x !== 'object') return String(x);
  const text = JSON.stringify(x) ?? String(x);
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
