/** Pictures in files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { NDArray } from '../../src/core/index.js';
import { imageFiles, readImage, writeImage } from '../../src/node/index.js';

const photo = join(process.cwd(), 'data/photos/astronaut.jpg');

t.test('PNG comes back as it was, JPEG is read', (t) => {
  const image = new NDArray<'uint8'>(
    Uint8Array.from({ length: 5 * 7 * 3 }, (_, i) => (i * 37) % 256),
    [5, 7, 3],
  );
  const path = join(t.testdir(), 'a.png');
  writeImage(path, image);
  t.same(readImage(path), image);
  const jpeg = readImage(photo);
  t.same(jpeg.shape, [512, 512, 3]);
  t.throws(() => writeImage(path, image.reshape([7, 15]) as typeof image), { code: 'shape' });
  t.end();
});

t.test('other files, broken files, folders', (t) => {
  const dir = t.testdir({ 'b.jpeg': '', 'a.PNG': '', 'c.txt': 'text', empty: {} });
  t.same(imageFiles(dir), [join(dir, 'a.PNG'), join(dir, 'b.jpeg')]);
  t.throws(() => imageFiles(join(dir, 'empty')), { code: 'data', message: /no PNG or JPEG/ });
  t.throws(() => imageFiles(join(dir, 'nowhere')), { code: 'data', message: /nowhere/ });
  t.throws(() => readImage(join(dir, 'c.txt')), { code: 'format', message: /neither a PNG nor a JPEG/ });
  t.throws(() => readImage(join(dir, 'nothing.png')), { code: 'data' });
  const bytes = readFileSync(photo);
  writeFileSync(join(dir, 'cut.jpg'), bytes.subarray(0, 300));
  t.throws(() => readImage(join(dir, 'cut.jpg')), { code: 'format', message: /cut\.jpg: cannot be decoded/ });
  const png = join(dir, 'large.png');
  writeImage(png, NDArray.zeros([2, 2, 3], 'uint8'));
  const large = readFileSync(png);
  large.writeUInt32BE(1e6, 16);
  large.writeUInt32BE(1e6, 20);
  writeFileSync(png, large);
  t.throws(() => readImage(png), { code: 'format', message: /1000000000000 pixels/ });
  t.end();
});
