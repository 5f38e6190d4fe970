/** A progress bar for training and evaluation in a terminal, driven by the events of the training loop. */
import cliProgress from 'cli-progress';
import type { EpochEvent, StepEvent } from '../train/index.js';

export interface Progress {
  readonly onStep: (event: StepEvent) => void;
  readonly onEpoch: (event: EpochEvent) => void;
  /** Ends the bar, so that other text can follow. Call it also when training fails. */
  readonly stop: () => void;
}

const FORMAT = 'epoch {epoch} {bar} {value}/{total}  loss {loss}{accuracy}  {rate} images/s  {left} left';

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const pad = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

function percent(accuracy: number | null): string {
  return accuracy === null ? '' : `  accuracy ${(100 * accuracy).toFixed(2)} %`;
}

/** One line on an epoch, for logs and for the terminal. */
export function describeEpoch({ epoch, epochs, loss, accuracy, validation, seconds }: EpochEvent): string {
  const tested =
    validation === null ? '' : `  test loss ${validation.loss.toFixed(4)}${percent(validation.accuracy)}`;
  return `epoch ${epoch + 1}/${epochs}  loss ${loss.toFixed(4)}${percent(accuracy)}${tested}  ${seconds.toFixed(1)} s`;
}

/**
 * A bar per epoch on `stream` (default: standard error). Where that is no terminal there is no bar, only what
 * `onLine` gets: one line per epoch (default: nothing).
 */
export function createProgress(
  options: { stream?: NodeJS.WriteStream; onLine?: (line: string) => void } = {},
): Progress {
  const { stream = process.stderr, onLine } = options;
  let bar: cliProgress.SingleBar | null = null;
  const stop = (): void => {
    bar?.stop();
    bar = null;
  };
  return {
    onStep(e) {
      if (!stream.isTTY) return;
      const payload = {
        epoch: `${e.epoch + 1}/${e.epochs}`,
        loss: e.loss.toFixed(4),
        accuracy: percent(e.accuracy),
        rate: e.imagesPerSecond.toFixed(0),
        left: clock(e.secondsLeft),
      };
      if (bar === null) {
        // Ctrl-C belongs to the caller, who stops the run and writes a checkpoint.
        const style = { format: FORMAT, stream, barsize: 20, clearOnComplete: true, gracefulExit: false };
        bar = new cliProgress.SingleBar(style, cliProgress.Presets.shades_classic);
        bar.start(e.batches, e.batch + 1, payload);
      } else bar.update(e.batch + 1, payload);
    },
    onEpoch(e) {
      stop();
      onLine?.(describeEpoch(e));
    },
    stop,
  };
}
