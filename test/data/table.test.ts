/** Tables: text to numbers, statistics, batches. */
import t from 'tap';
import { columnStatistics, parseTable, TableLoader } from '../../src/data/index.js';

t.test('lines of numbers', (t) => {
  t.same(parseTable('a,b\n1, 2.5\r\n\n-3,4e2\n', { skip: 1 }), [
    [1, 2.5],
    [-3, 400],
  ]);
  t.same(parseTable(''), []);
  t.throws(() => parseTable('1,2\n3,x'), { code: 'format', message: /line 2: column 2/ });
  t.throws(() => parseTable('1,,2'), { code: 'format', message: /line 1: column 2/ });
  t.throws(() => parseTable('1,2\n3'), { code: 'format', message: /line 2: has 1 numbers/ });
  t.end();
});

t.test('statistics of columns', (t) => {
  const rows = [
    [1, 5],
    [3, 5],
  ];
  t.same(columnStatistics(rows), { mean: [2, 5], std: [1, 1] });
  t.throws(() => columnStatistics([]), { code: 'data', message: /rows/ });
  t.end();
});

t.test('batches: normalised, shuffled by seed and epoch, resumed', (t) => {
  const rows = Array.from({ length: 10 }, (_, i) => [i, 10 * i]);
  const labels = rows.map(([i]) => i % 2);
  const plain = new TableLoader(rows, labels, { batchSize: 4, mean: [1, 0], std: [1, 10] });
  t.equal(plain.length, 3);
  const [first, , last] = plain;
  t.same(first.inputs.toArray(), [
    [-1, 0],
    [0, 1],
    [1, 2],
    [2, 3],
  ]);
  t.same([...first.targets.data], [0, 1, 0, 1]);
  t.equal(last.size, 2);

  const shuffled = new TableLoader(rows, labels, { batchSize: 4, shuffle: true, seed: 1 });
  const order = (epoch: number, batch = 0): number[] =>
    [...shuffled.batches({ epoch, batch })].flatMap(({ inputs }) =>
      [...inputs.data].filter((_, i) => i % 2 === 0),
    );
  t.same(order(0), order(0));
  t.notSame(order(0), order(1));
  t.same(order(1, 1), order(1).slice(4));
  t.same(
    order(3).sort((a, b) => a - b),
    rows.map(([i]) => i),
  );
  t.end();
});

t.test('refused tables', (t) => {
  const rows = [[1, 2], [3, 4]]; // prettier-ignore
  t.throws(() => new TableLoader(rows, [0]), { code: 'data', message: /1 labels for 2 rows/ });
  t.throws(() => new TableLoader([[1, 2], [3]], [0, 1]), { code: 'data', message: /row 1 has 1/ });
  t.throws(() => new TableLoader(rows, [0, 1], { mean: [1] }), { code: 'argument', message: /mean/ });
  t.throws(() => new TableLoader(rows, [0, 1], { batchSize: 0 }), { code: 'argument', message: /batchSize/ });
  t.end();
});
