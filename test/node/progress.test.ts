import { Writable } from 'node:stream';
import t from 'tap';
import { createProgress } from '../../src/node/index.js';
import type { EpochEvent, StepEvent } from '../../src/train/index.js';

function terminal(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  const size = {
    isTTY,
    columns: 120,
    rows: 30,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  };
  return { stream: Object.assign(stream, size) as unknown as NodeJS.WriteStream, text: () => text };
}

const step: StepEvent = {
  epoch: 1,
  epochs: 3,
  batch: 4,
  batches: 10,
  loss: 0.5,
  accuracy: 0.75,
  lr: 0.1,
  gradNorm: null,
  imagesPerSecond: 1234.5,
  secondsLeft: 3725,
};
const epoch: EpochEvent = {
  epoch: 1,
  epochs: 3,
  loss: 0.4,
  accuracy: 0.8,
  validation: { loss: 0.3, accuracy: 0.9, images: 10 },
  seconds: 12,
};

t.test('a terminal shows a bar with epoch, loss, accuracy, speed and time left', (t) => {
  const { stream, text } = terminal(true);
  const lines: string[] = [];
  const progress = createProgress({ stream, onLine: (line) => lines.push(line) });
  progress.onStep(step);
  progress.onStep({ ...step, batch: 9, secondsLeft: 59.2 });
  progress.onEpoch(epoch);
  progress.stop();
  for (const part of [
    'epoch 2/3',
    '5/10',
    'loss 0.5000',
    'accuracy 75.00 %',
    '1235 images/s',
    '1:02:05 left',
  ])
    t.match(text(), part);
  t.same(lines, ['epoch 2/3  loss 0.4000  accuracy 80.00 %  test loss 0.3000  accuracy 90.00 %  12.0 s']);
  t.end();
});

t.test('without a terminal there is no bar, only a line per epoch', (t) => {
  const { stream, text } = terminal(false);
  const lines: string[] = [];
  const progress = createProgress({ stream, onLine: (line) => lines.push(line) });
  progress.onStep(step);
  progress.onEpoch({ ...epoch, accuracy: null, validation: null });
  progress.stop();
  t.equal(text(), '');
  t.same(lines, ['epoch 2/3  loss 0.4000  12.0 s']);
  t.end();
});

t.test('it may be stopped before it began, and twice', (t) => {
  const progress = createProgress({ stream: terminal(true).stream });
  progress.stop();
  progress.onStep(step);
  progress.stop();
  progress.stop();
  t.end();
});
