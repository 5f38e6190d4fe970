/** Pictures of any size in networks of one size. */
import t from 'tap';
import { NDArray } from '../../src/core/index.js';
import { contactSheet, enlarge, letterbox, resizeImage } from '../../src/data/index.js';

const gray = (height: number, width: number, value = 100) => NDArray.full([height, width, 3], value, 'uint8');

t.test('smaller is the mean, larger a mix', (t) => {
  const image = NDArray.zeros([2, 4, 3], 'uint8');
  image.data.fill(200, 0, 6);
  const half = resizeImage(image, 1, 2);
  t.same(half.shape, [1, 1, 2, 3]);
  t.same([...half.data], [100, 100, 100, 0, 0, 0]);
  const wide = resizeImage(gray(1, 1, 7), 2, 3);
  t.same([...wide.data], new Array(18).fill(7));
  t.end();
});

t.test('a picture in the middle, and the way back to its pixels', (t) => {
  const { input, toPicture } = letterbox(gray(50, 100, 255), [1, 20, 20, 3], 0.5, 0.5);
  const row = (y: number): number => input.data[(y * 20 + 10) * 3];
  t.same([row(0), row(4), row(5), row(14), row(15)], [0, 0, 1, 1, 0], 'bars above and below');
  t.same(toPicture(0, 0.25), [0, 0]);
  t.same(toPicture(1, 0.75), [100, 50]);
  t.same(
    letterbox(gray(50, 100, 255), [1, 20, 20, 1], 0, 1).input.data[210],
    1,
    'grey is the mean of the colours',
  );
  t.throws(() => letterbox(gray(5, 5), [1, 20, 20, 2], 0, 1), { code: 'argument', message: /\[5, 5, 3\]/ });
  t.end();
});

t.test('small pictures, enlarged and side by side', (t) => {
  const grey = new NDArray<'uint8'>(Uint8Array.of(1, 2), [1, 2, 1]);
  const large = enlarge(grey, 2);
  t.same(large.shape, [2, 4, 3]);
  t.same([...large.data.subarray(0, 12)], [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
  t.same(large.data.subarray(0, 12), large.data.subarray(12), 'both rows');
  t.same([...enlarge(new NDArray<'uint8'>(Uint8Array.of(7, 8, 9), [1, 1, 3]), 1).data], [7, 8, 9]);
  const sheet = contactSheet([large, enlarge(grey, 2), large], 2);
  t.same(sheet.shape, [2 + 4 + 2, 4 + 4 + 4, 3], 'gaps of 4 pixels');
  const [first, gap, second] = [0, 4, 8].map((x) => sheet.data[3 * x]);
  t.same([first, gap, second], [1, 255, 1]);
  t.same([sheet.data[3 * 12 * 6], sheet.data[3 * (12 * 6 + 8)]], [1, 255], 'a last row that is not full');
  t.throws(() => enlarge(grey, 0.5), { code: 'argument', message: /factor/ });
  t.throws(() => enlarge(new NDArray<'uint8'>(Uint8Array.of(1, 2), [1, 1, 2]), 2), {
    code: 'shape',
    message: /image/,
  });
  t.throws(() => contactSheet([], 2), { code: 'argument', message: /images/ });
  t.throws(() => contactSheet([large], 0), { code: 'argument', message: /columns/ });
  t.throws(() => contactSheet([large, enlarge(grey, 3)], 2), { code: 'shape', message: /images/ });
  t.end();
});
