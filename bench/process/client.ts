/** The outer side of a measured process. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Case } from '../types.js';
import { decode, encode, type Reply, type Request } from './protocol.js';

export interface Command {
  readonly binary: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Longer than the slowest call: loading a network into an interpreter. */
const TIMEOUT_MS = 180_000;

export class Client {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  /** The last of what it wrote to standard error. */
  #errors = '';
  #gone = false;
  threads = 1;
  version = '';

  private constructor({ binary, args, env }: Command) {
    this.#process = spawn(binary, args, { stdio: 'pipe', env: { ...process.env, ...env } });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    this.#process.on('error', (error) => (this.#errors += error.message));
    this.#process.on('exit', () => (this.#gone = true));
    this.#process.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Throws an Error with what the process said when it does not come up. */
  static async start(command: Command): Promise<Client> {
    const client = new Client(command);
    try {
      const reply = await client.#reply();
      if (reply.is !== 'ready') throw new Error(reply.is === 'failed' ? reply.why : `it says ${reply.is}`);
      client.threads = reply.threads;
      client.version = reply.version;
      return client;
    } catch (error) {
      client.stop();
      throw error;
    }
  }

  load(c: Case): Promise<Reply> {
    return this.#ask({ do: 'load', case: c });
  }

  /** Milliseconds per run. */
  async sample(ms: number, cpu: boolean): Promise<number> {
    const reply = await this.#ask({ do: 'sample', ms, cpu });
    if (reply.is !== 'sampled') throw new Error(reply.is === 'failed' ? reply.why : `it says ${reply.is}`);
    return reply.ms;
  }

  async unload(): Promise<void> {
    await this.#ask({ do: 'unload' });
  }

  stop(): void {
    this.#process.kill();
  }

  get gone(): boolean {
    return this.#gone;
  }

  async #ask(request: Request): Promise<Reply> {
    this.#process.stdin.write(`${encode(request)}\n`);
    return this.#reply();
  }

  async #reply(): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.stop();
        reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`));
      }, TIMEOUT_MS);
    });
    try {
      const next = await Promise.race([this.#lines.next(), timeout]);
      if (next.done) throw new Error(`the process ended: ${this.#errors.trim().split('\n').at(-1) ?? ''}`);
      return decode(next.value) as Reply;
    } finally {
      clearTimeout(timer);
    }
  }
}
