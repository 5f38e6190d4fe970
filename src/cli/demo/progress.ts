/** Progress of the demo's jobs: a bar each in a terminal, a line each elsewhere. */
import cliProgress from 'cli-progress';
import type { Io } from '../command.js';
import type { JobEvent } from './job.js';

const FORMAT = '{model} {bar} {percentage}%  {text}';

export class JobProgress {
  readonly #io: Io;
  readonly #quiet: boolean;
  readonly #bars = new Map<string, cliProgress.SingleBar>();
  readonly #last = new Map<string, string>();
  #multi: cliProgress.MultiBar | null = null;

  constructor(io: Io, quiet: boolean) {
    this.#io = io;
    this.#quiet = quiet;
  }

  show({ model, text, done }: JobEvent): void {
    if (this.#quiet) return;
    if (!this.#io.isTTY) {
      this.#line(model, text);
      return;
    }
    this.#multi ??= new cliProgress.MultiBar(
      { format: FORMAT, barsize: 24, hideCursor: true, gracefulExit: false, stream: process.stderr },
      cliProgress.Presets.shades_classic,
    );
    let bar = this.#bars.get(model);
    if (bar === undefined) {
      bar = this.#multi.create(100, 0, { model: model.padEnd(10), text });
      this.#bars.set(model, bar);
    }
    bar.update(Math.floor(100 * done), { text });
  }

  /** Where there is no terminal, only the ends of epochs and new stages make a line. */
  #line(model: string, text: string): void {
    const stage = text.split(',')[0];
    if (this.#last.get(model) === stage && !text.includes('test')) return;
    this.#last.set(model, stage);
    this.#io.stderr(`${model.padEnd(10)} ${text}`);
  }

  stop(): void {
    this.#multi?.stop();
    this.#multi = null;
  }
}
