/** Runs units side by side, each after those that it needs, and leaves out what is there already. */
import { keyOf, type Store } from './store.js';
import { bitsName, type Result, type Unit } from './types.js';

/** Something that runs one unit at a time and stores its result, such as a worker thread. */
export interface Runner {
  run(unit: Unit): Promise<Result>;
}

export interface RunOutcome {
  /** In the order of the plan, those that units need among them. */
  readonly results: readonly Result[];
  /** Units that threw, and those that need them: what to say about each. */
  readonly failures: readonly string[];
}

/** All units once, each behind those that it needs. */
export function plan(units: readonly Unit[]): Unit[] {
  const all = new Map<string, Unit>();
  const add = (unit: Unit): void => {
    unit.needs.forEach(add);
    const key = keyOf(unit);
    if (!all.has(key)) all.set(key, unit);
  };
  units.forEach(add);
  return [...all.values()];
}

export function describe({ suite, network, seed, bits, variant }: Unit): string {
  const parts = [suite, network, `seed ${seed}`, bits === null ? '' : bitsName(bits), variant];
  return parts.filter((part) => part !== '').join('  ');
}

/** A guess of the seconds a unit takes: those that its kind took, on average, so far. */
class Estimate {
  readonly #seen = new Map<string, { sum: number; count: number }>();

  #kinds({ suite, network, variant }: Unit): string[] {
    return [`${suite}/${network}/${variant}`, `${suite}/${variant}`, suite, ''];
  }

  add({ unit, seconds }: Result): void {
    for (const kind of this.#kinds(unit)) {
      const { sum, count } = this.#seen.get(kind) ?? { sum: 0, count: 0 };
      this.#seen.set(kind, { sum: sum + seconds, count: count + 1 });
    }
  }

  of(unit: Unit): number {
    const known = this.#kinds(unit).map((kind) => this.#seen.get(kind));
    const best = known.find((entry) => entry !== undefined);
    return best === undefined ? 0 : best.sum / best.count;
  }
}

const minutes = (seconds: number): string =>
  seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;

/** Runs what `store` does not have, as many at a time as there are runners. */
export async function runUnits(
  units: readonly Unit[],
  store: Pick<Store, 'read'>,
  runners: readonly Runner[],
  say: (line: string) => void,
): Promise<RunOutcome> {
  const all = plan(units);
  const done = new Map<string, Result>();
  const estimate = new Estimate();
  for (const unit of all) {
    const result = store.read(unit);
    if (result === null) continue;
    done.set(keyOf(unit), result);
    estimate.add(result);
  }
  const waiting = all.filter((unit) => !done.has(keyOf(unit)));
  if (done.size > 0) say(`${done.size} of ${all.length} units are there already`);
  const failed = new Set<string>();
  const failures: string[] = [];
  let wake: (() => void)[] = [];

  /** The first unit whose needs are met; undefined where it has to wait for others; null at the end. */
  const next = (): Unit | null | undefined => {
    for (let i = 0; i < waiting.length;) {
      const unit = waiting[i];
      if (unit.needs.some((need) => failed.has(keyOf(need)))) {
        failed.add(keyOf(unit));
        failures.push(`${describe(unit)}: not run, a unit that it needs failed`);
        waiting.splice(i, 1);
      } else if (unit.needs.every((need) => done.has(keyOf(need)))) return waiting.splice(i, 1)[0];
      else i++;
    }
    return waiting.length === 0 ? null : undefined;
  };
  const finish = (unit: Unit, result: Result): void => {
    done.set(keyOf(unit), result);
    estimate.add(result);
    const left = waiting.reduce((sum, u) => sum + estimate.of(u), 0) / runners.length;
    const score = result.top1 === null ? '' : ` ${(100 * result.top1).toFixed(2)} %`;
    const different = result.codesDifferent === 0 ? '' : `  ${result.codesDifferent} CODES DIFFER`;
    say(
      `${done.size}/${all.length}  ${describe(unit)}:${score}${different}  ${result.seconds.toFixed(1)} s, ${minutes(left)} left`,
    );
  };
  const work = async (runner: Runner): Promise<void> => {
    for (;;) {
      const unit = next();
      if (unit === null) return;
      if (unit === undefined) {
        await new Promise<void>((resolve) => wake.push(resolve));
        continue;
      }
      try {
        finish(unit, await runner.run(unit));
      } catch (error) {
        failed.add(keyOf(unit));
        failures.push(`${describe(unit)}: ${(error as Error).message}`);
        say(`FAILED  ${failures[failures.length - 1]}`);
      }
      const woken = wake;
      wake = [];
      for (const resolve of woken) resolve();
    }
  };
  await Promise.all(runners.map(work));
  return { results: all.flatMap((unit) => done.get(keyOf(unit)) ?? []), failures };
}
