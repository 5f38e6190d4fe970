/** Runs one unit: reads the models that it needs, measures, stores. */
import type { Store } from './store.js';
import type { Data, Result, Suite, Unit } from './types.js';

/** Throws DataError or FormatError for a model that cannot be read, and what the suite throws. */
export async function execute(
  unit: Unit,
  suites: readonly Suite[],
  store: Store,
  data: Data,
): Promise<Result> {
  const suite = suites.find(({ name }) => name === unit.suite)!;
  const start = performance.now();
  const models = unit.needs.map((need) => store.model(need));
  const outcome = await suite.run(unit, models, data);
  return store.write(unit, outcome, (performance.now() - start) / 1000);
}
