/** Trainings inside other commands: what their checkpoints say about the command line, and how they end. */
import { FormatError } from '../../core/index.js';
import type { BatchSource } from '../../train/index.js';
import { optionWord, wordsOf } from '../args.js';
import { FailedRun, StoppedRun, UsageError, type Io, type ParsedArgs } from '../command.js';
import { withEnding } from '../files.js';
import { shellWord } from '../text.js';
import { Checkpoints, readCheckpoint } from './checkpoints.js';
import type { Run } from './run.js';
import { savedFit } from './savedFit.js';
import { decodeRun, type Job, type LoadedRecord, type SavedRun } from './state.js';

export const resumeOption = {
  resume: {
    kind: 'text',
    placeholder: 'CHECKPOINT',
    help: 'go on with a stopped run of the same model and options',
  },
} as const;

/** Where the checkpoint of what is written to `out` lies. */
export function checkpointBeside(out: string): string {
  const path = withEnding(out, '.checkpoint');
  if (path === out)
    throw new UsageError(`--out: ${out} is what the checkpoint will be called; name the model FILE.octo`);
  return path;
}

/** Throws FormatError for a checkpoint of another command. */
export function requireCommand({ command }: LoadedRecord, wanted: string): void {
  if (command !== wanted)
    throw new FormatError(`the checkpoint is one of octograd ${String(command)}; give it to that`);
}

function checkSame(saved: LoadedRecord, config: Job['config']): void {
  for (const [key, value] of Object.entries(config)) {
    if (saved[key] === value) continue;
    if (key === 'model') throw new UsageError('--resume: the run began with another model file');
    const show = (v: unknown): string => (v === null || v === undefined || v === false ? 'none' : String(v));
    throw new UsageError(
      `--${optionWord(key)}: ${show(value)} here, ${show(saved[key])} in the checkpoint; give what the run began with`,
    );
  }
}

/** The training of a command, begun or gone on with. */
export class Training {
  readonly saved: SavedRun | null;
  readonly #job: Job;
  readonly #files: Checkpoints;
  readonly #again: string;

  /**
   * @param out what the command writes when all is done; the checkpoint lies beside it
   * @param config the options that decide how the training goes, and a checksum of the `model`
   * @throws DataError, FormatError for a checkpoint that cannot be read, UsageError for one of another run
   */
  constructor(
    command: string,
    args: ParsedArgs,
    { out, resume, config }: { out: string; resume: string | undefined; config: Job['config'] },
    io: Io,
  ) {
    const path = checkpointBeside(out);
    this.#job = { config: { command, ...config } };
    this.#again = wordsOf(command, args, { resume: path }).map(shellWord).join(' ');
    const read = resume === undefined ? null : readCheckpoint(resume, decodeRun, (line) => io.stderr(line));
    if (read !== null) {
      requireCommand(read.config, command);
      checkSame(read.config, this.#job.config);
    }
    this.saved = read;
    this.#files = read?.files.path === path ? read.files : new Checkpoints(path);
  }

  /**
   * Trains to the end, from where the checkpoint stands where `resumes`.
   * @throws StoppedRun after an abort, FailedRun where the run diverges
   */
  async fit(
    run: Run,
    options: { readonly resumes: boolean; readonly made?: Job['made']; readonly validation?: BatchSource },
    io: Io,
  ): Promise<void> {
    const { resumes, made, validation } = options;
    const outcome = await savedFit(
      run,
      {
        job: { ...this.#job, made },
        files: this.#files,
        saved: resumes ? this.saved : null,
        validation,
      },
      io,
    );
    if (outcome.stopped === 'diverged') throw new FailedRun(outcome.message);
    if (outcome.stopped === 'aborted') {
      const { epoch, batch } = outcome.position;
      throw new StoppedRun(
        `stopped before batch ${batch + 1} of epoch ${epoch + 1}; go on with: ${this.#again}`,
      );
    }
  }

  /** When the result is written, there is nothing to go on with. */
  done(): void {
    this.#files.remove();
  }
}
