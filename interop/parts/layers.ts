/** Every layer on codes: how many codes other runtimes give differently; float operators within a bound. */
import type { QConfigOptions } from '../../src/quant/index.js';
import { codesAtEdges, codesFor, runSession } from '../../test/support/edges.js';
import {
  FLOAT_ONLY,
  floatInputs,
  floatResult,
  LAYER_CASES,
  quantized,
  type LayerCase,
} from '../../test/support/layerCases.js';
import { compareElements, markdown, NOTHING, runThere, sum, type Counts } from '../comparison.js';
import { EXPORTERS, type Destination, type Exporter } from '../exporters.js';
import { withModel, type Runtime } from '../runtimes/types.js';
import type { PartResult } from './part.js';

const BATCH = 8;
/** Of the largest result, for operators that compute in float. */
const FLOAT_TOLERANCE = 1e-5;

async function compareCodes(
  exporter: Exporter,
  config: QConfigOptions,
  runtime: Runtime,
  layer: LayerCase,
): Promise<Counts> {
  const graph = codesAtEdges(quantized(layer, config));
  const inputs = codesFor(graph, BATCH);
  const [want] = runSession(graph, inputs, BATCH);
  return withModel(runtime, exporter.export(graph, BATCH), async (model) => {
    const [got] = await runThere(model, inputs);
    return compareElements(want.data, got);
  });
}

/** The largest difference as a share of the largest result. */
async function compareFloats(exporter: Exporter, runtime: Runtime, layer: LayerCase): Promise<number> {
  const inputs = floatInputs(layer, BATCH);
  const want = floatResult(layer, inputs).data;
  return withModel(runtime, exporter.export(layer.graph, BATCH), async (model) => {
    const [got] = await runThere(model, inputs);
    if (got.length !== want.length) throw new Error(`${got.length} elements, not ${want.length}`);
    let [difference, largest] = [0, 0];
    want.forEach((v: number, i: number) => {
      largest = Math.max(largest, Math.abs(v));
      difference = Math.max(difference, Math.abs(v - Number(got[i])));
    });
    return difference / largest;
  });
}

const show = ({ compared, differing, largest }: Counts): string =>
  differing === 0 ? `0 of ${compared}` : `${differing} of ${compared} (${largest})`;

interface Result {
  readonly exporter: string;
  readonly runtime: string;
  readonly layer: string;
  readonly setting: string;
  /** Of integer files. */
  readonly codes?: Counts;
  /** Of float files. */
  readonly difference?: number;
  readonly error?: string;
}

async function compare(exporter: Exporter, runtime: Runtime, layer: LayerCase): Promise<Partial<Result>> {
  try {
    return exporter.config === null
      ? { difference: await compareFloats(exporter, runtime, layer) }
      : { codes: await compareCodes(exporter, exporter.config, runtime, layer) };
  } catch (error) {
    return { error: String(error) };
  }
}

function failureOf({ codes, difference, error, layer }: Result, { steps }: Destination): string | null {
  if (error !== undefined) return error;
  if (codes !== undefined) return codes.largest > steps(layer) ? `${show(codes)} codes differ` : null;
  return difference! <= FLOAT_TOLERANCE ? null : `float results are ${difference} apart`;
}

export async function compareLayers(): Promise<PartResult> {
  const failures: string[] = [];
  const results: Result[] = [];
  for (const exporter of EXPORTERS)
    for (const destination of exporter.runtimes) {
      const runtime = await destination.start();
      for (const layer of LAYER_CASES) {
        if (exporter.config !== null && FLOAT_ONLY.has(layer.layer)) continue;
        const result: Result = {
          exporter: exporter.name,
          runtime: `${runtime.name} ${runtime.version}`,
          layer: layer.layer,
          setting: layer.setting,
          ...(await compare(exporter, runtime, layer)),
        };
        results.push(result);
        const failure = failureOf(result, destination);
        if (failure !== null)
          failures.push(`${result.exporter}, ${result.runtime}: ${layer.layer} ${layer.setting}: ${failure}`);
      }
    }
  const integers = table(
    results.filter(({ exporter }) => !isFloat(exporter)),
    (all) => {
      const errors = all.filter(({ error }) => error !== undefined).length;
      const counts = show(all.reduce((total, { codes = NOTHING }) => sum(total, codes), NOTHING));
      return errors === 0 ? counts : `${counts}, ${errors} refused`;
    },
  );
  const floats = table(
    results.filter(({ exporter }) => isFloat(exporter)),
    (all) => Math.max(...all.map(({ difference = NaN }) => difference)).toExponential(1),
  );
  const text = [
    'Codes that differ (largest difference in steps):',
    integers,
    'Float results, largest difference as a share of the largest result:',
    floats,
  ].join('\n\n');
  return { failures, json: results, text };
}

const isFloat = (name: string): boolean => EXPORTERS.find((e) => e.name === name)!.config === null;

/** A row for each kind of layer, a column for each exporter and runtime. */
function table(results: readonly Result[], cell: (results: Result[]) => string): string {
  const columns = [...new Set(results.map((r) => `${r.exporter}, ${r.runtime}`))];
  const rows = [...new Set(results.map((r) => r.layer))];
  return markdown(
    ['layer', ...columns],
    rows.map((layer) => [
      layer,
      ...columns.map((column) =>
        cell(results.filter((r) => r.layer === layer && `${r.exporter}, ${r.runtime}` === column)),
      ),
    ]),
  );
}
