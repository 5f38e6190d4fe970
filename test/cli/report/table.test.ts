import t from 'tap';
import { formatTable } from '../../../src/cli/report/index.js';
import { accuracyCaveat, headlines, verdict } from '../../../src/cli/report/summary.js';
import { made } from './made.js';

t.test('the table has a line for each variant and each comparison, in aligned columns', (t) => {
  const lines = formatTable(made).split('\n');
  t.match(lines[0], /Fashion & MNIST, seed 7, 20,000 training and 10,000 test images/);
  const rows = lines.slice(2, 3 + made.variants.length);
  t.equal(new Set(rows.map((r) => r.length)).size, 1, 'numbers end in one column');
  t.match(rows[0], /^model +variant +bits w\/a +granularity +method +top-1 +vs float +size +ms\/image$/);
  t.match(
    rows[2],
    /^small CNN +int8 per tensor, PTQ +8 \/ 8 +per-tensor +PTQ +90.62 % +−0.61 +101.3 KiB +0.496$/,
  );
  t.match(rows[1], /float +float +91.23 % +402.3 KiB/, 'float is not compared with itself');
  t.match(lines[lines.length - 2], /^depthwise-separable <net> +4 bit +js +1,000 +9 +28,714,004 +0$/);
  t.equal(lines[lines.length - 1], 'All 114,856,024 codes compared are equal.');
  t.end();
});

t.test('without comparisons and variants', (t) => {
  const text = formatTable({ ...made, exactness: [], variants: [] });
  t.notMatch(text, /codes/);
  t.equal(verdict({ ...made, exactness: [] }), null);
  t.equal(accuracyCaveat({ ...made, variants: [] }), '');
  t.same(
    headlines({ ...made, variants: made.variants.slice(0, 1) }),
    [],
    'a float model alone has no headline',
  );
  t.end();
});

t.test('differences are not hidden', (t) => {
  const exactness = [...made.exactness.slice(0, 3), { ...made.exactness[3], codes_different: 3 }];
  t.same(verdict({ ...made, exactness }), { good: false, text: '3 of 114,856,024 codes differ.' });
  t.end();
});

t.test('headlines name the best 8-bit variant, and the best at all where there is none of 8 bits', (t) => {
  t.equal(
    headlines(made)[0],
    'small CNN: the best 8-bit variant (int8 per channel, QAT) reaches 91.30 %, +0.07 points against float; ' +
      'its file is 3.9 times smaller.',
  );
  const four = made.variants.slice(4, 6);
  t.same(headlines({ ...made, variants: four }), [
    'small CNN: the best 4-bit variant (int4 per channel, QAT) reaches 90.20 %.',
  ]);
  t.match(accuracyCaveat(made), /10,000 test images.*about 0.28 points/);
  t.end();
});
