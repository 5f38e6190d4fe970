/**
 * Timing: warm up, then rounds in which every contender runs once, in turn, so that a disturbance of the machine hits all
 * of them. The median of the rounds is quoted, with the quartiles as spread.
 */

export interface Contender {
  /** Contenders of one group do the same work. */
  readonly group: string;
  readonly name: string;
  /** multiply-adds of one call */
  readonly macs: number;
  readonly run: () => void;
}

export interface Measurement {
  readonly group: string;
  readonly name: string;
  /** Milliseconds per call. */
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  /** 2 * multiply-adds / median, in billions per second */
  readonly gops: number;
}

export interface MeasureOptions {
  /** Processor time of this process instead of wall-clock time: steadier where other processes compete. */
  readonly cpu: boolean;
  readonly rounds: number;
  /** Milliseconds of one sample at least; a fast call is repeated. */
  readonly sample: number;
  readonly warmup: number;
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function measure(contenders: readonly Contender[], options: MeasureOptions): Measurement[] {
  const now = options.cpu ? cpuTime : () => performance.now();
  const samples = contenders.map((): number[] => []);
  for (const { run } of contenders) {
    const start = now();
    for (let i = 0; i < 2 || now() - start < options.warmup; i++) run();
  }
  for (let round = 0; round < options.rounds; round++) {
    contenders.forEach(({ run }, i) => {
      const start = now();
      let calls = 0;
      do {
        run();
        calls++;
      } while (now() - start < options.sample);
      samples[i].push((now() - start) / calls);
    });
  }
  return contenders.map(({ group, name, macs }, i) => {
    const sorted = samples[i].sort((a, b) => a - b);
    const at = (q: number): number => sorted[Math.floor(q * (sorted.length - 1))];
    return {
      group,
      name,
      median: at(0.5),
      lowerQuartile: at(0.25),
      upperQuartile: at(0.75),
      gops: (2 * macs) / at(0.5) / 1e6,
    };
  });
}
