/** Tables of numbers: a row for each example, such as what sensors or forms give. */
import { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import { ArgumentError, DataError, FormatError, NDArray, Random, type Seed } from '../core/index.js';
import type { Batch, Position } from './loader.js';

/**
 * The numbers of comma-separated lines; empty lines are skipped.
 *
 * @param options.skip lines of headings at the top; default 0
 * @throws FormatError naming the line that holds something else, or another count of numbers than the first one
 */
export function parseTable(text: string, { skip = 0 }: { skip?: number } = {}): number[][] {
  const rows: number[][] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (i < skip || line.trim() === '') return;
    const row = line.split(',').map((cell) => (cell.trim() === '' ? NaN : Number(cell)));
    const wrong = row.findIndex((v) => !Number.isFinite(v));
    if (wrong >= 0)
      throw new FormatError(`line ${i + 1}: column ${wrong + 1} is no number: ${line.slice(0, 80)}`);
    if (row.length !== (rows[0] ?? row).length)
      throw new FormatError(
        `line ${i + 1}: has ${row.length} numbers, the lines before it ${rows[0].length}`,
      );
    rows.push(row);
  });
  return rows;
}

/** Mean and standard deviation of each column; 1 for the deviation of a column that is constant. */
export function columnStatistics(rows: readonly (readonly number[])[]): { mean: number[]; std: number[] } {
  if (rows.length === 0) throw new DataError('rows: there are none; give at least one');
  const columns = rows[0].map((_, c) => rows.map((row) => row[c]));
  const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const mean = columns.map(average);
  const std = columns.map((column, c) => Math.sqrt(average(column.map((v) => (v - mean[c]) ** 2))) || 1);
  return { mean, std };
}

export interface TableLoaderOptions {
  /** Rows per batch; default 64. */
  readonly batchSize?: number;
  /** A new order every epoch; default false. */
  readonly shuffle?: boolean;
  /** Default 0. */
  readonly seed?: Seed;
  /** Per column: `(v - mean) / std`. Default 0 and 1; see {@link columnStatistics}. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** Batches of rows for `fit`: inputs float32 [N, columns], targets int32 [N]. The same seed and epoch give the same bits. */
export class TableLoader {
  readonly length: number;
  readonly imageCount: number;
  readonly #rows: readonly Float32Array[];
  readonly #labels: readonly number[];
  readonly #options: Required<Pick<TableLoaderOptions, 'batchSize' | 'shuffle' | 'seed'>>;

  /** Throws DataError for rows and labels that do not fit each other, ArgumentError for options out of range. */
  constructor(
    rows: readonly (readonly number[])[],
    labels: readonly number[],
    options: TableLoaderOptions = {},
  ) {
    const { batchSize = 64, shuffle = false, seed = 0 } = options;
    checkWhole('batchSize', batchSize);
    if (rows.length === 0 || rows.length !== labels.length)
      throw new DataError(
        `labels: ${labels.length} labels for ${rows.length} rows; give one for each, and one at least`,
      );
    const columns = rows[0].length;
    const { mean = new Array<number>(columns).fill(0), std = new Array<number>(columns).fill(1) } = options;
    for (const [name, list] of Object.entries({ mean, std }))
      if (list.length !== columns)
        throw new ArgumentError(`${name}: ${list.length} numbers for ${columns} columns; give one for each`);
    this.#rows = rows.map((row, i) => {
      if (row.length !== columns)
        throw new DataError(`rows: row ${i} has ${row.length} numbers, row 0 has ${columns}`);
      return Float32Array.from(row, (v, c) => (v - mean[c]) / std[c]);
    });
    this.#labels = labels;
    this.#options = { batchSize, shuffle, seed };
    this.length = Math.ceil(rows.length / batchSize);
    this.imageCount = rows.length;
  }

  /** The batches of an epoch from a position on. */
  *batches({ epoch, batch }: Position = { epoch: 0, batch: 0 }): Generator<Batch> {
    const { batchSize, shuffle, seed } = this.#options;
    const count = this.#rows.length;
    const order = shuffle
      ? new Random(`${seed}:${epoch}`).permutation(count)
      : Int32Array.from({ length: count }, (_, i) => i);
    for (let start = batch * batchSize; start < count; start += batchSize) {
      const chosen = order.subarray(start, start + batchSize);
      const inputs = NDArray.zeros([chosen.length, this.#rows[0].length], 'float32');
      const targets = NDArray.zeros([chosen.length], 'int32');
      chosen.forEach((row, i) => {
        inputs.data.set(this.#rows[row], i * this.#rows[row].length);
        targets.data[i] = this.#labels[row];
      });
      yield { inputs: new Tensor(inputs), targets: new Tensor(targets), size: chosen.length };
    }
  }

  /** Those of the first epoch. */
  [Symbol.iterator](): Generator<Batch> {
    return this.batches();
  }
}
