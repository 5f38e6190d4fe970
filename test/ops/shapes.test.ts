/** Shape ops: values for any element type, gradients' shapes, refused inputs. */
import t from 'tap';
import { ArgumentError, ShapeError } from '../../src/core/index.js';
import { tensor, zeros } from '../../src/autograd/index.js';
import {
  expand,
  flatten,
  permute,
  reshape,
  squeeze,
  sum,
  transpose,
  unsqueeze,
} from '../../src/ops/index.js';
import { int32 } from './sample.js';

t.test('reshape, flatten, squeeze, unsqueeze', (t) => {
  const x = int32([0, 1, 2, 3, 4, 5], [2, 3]);
  t.same(reshape(x, [3, -1]).toArray(), [[0, 1], [2, 3], [4, 5]]); // prettier-ignore
  t.equal(reshape(x, [6]).dtype, 'int32');
  t.equal(reshape(x, [6]).data, x.data, 'shares the data');
  t.same(reshape(tensor(5), [1, 1]).shape, [1, 1]);
  t.same(reshape(zeros([0, 4]), [2, -1]).shape, [2, 0]);
  t.same(flatten(zeros([2, 3, 4])).shape, [2, 12]);
  t.same(flatten(zeros([2, 3, 4]), { start: 0 }).shape, [24]);
  t.same(flatten(zeros([2, 3, 4]), { start: -2 }).shape, [2, 12]);
  t.same(squeeze(zeros([1, 2, 1])).shape, [2]);
  t.same(squeeze(zeros([1, 2, 1]), -1).shape, [1, 2]);
  t.same(unsqueeze(zeros([2, 3]), 0).shape, [1, 2, 3]);
  t.same(unsqueeze(zeros([2, 3]), -1).shape, [2, 3, 1]);
  t.end();
});

t.test('permute and transpose', (t) => {
  const x = int32([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [2, 2, 3]);
  t.same(permute(x, [2, 0, 1]).toArray(), [[[0, 3], [6, 9]], [[1, 4], [7, 10]], [[2, 5], [8, 11]]]); // prettier-ignore
  t.same(permute(permute(x, [1, 2, 0]), [2, 0, 1]).data, x.data);
  t.same(permute(x, [-1, 0, 1]).shape, [3, 2, 2]);
  t.same(transpose(x).shape, [2, 3, 2]);
  t.same(transpose(x, 0, 2).toArray(), permute(x, [2, 1, 0]).toArray());
  t.same(permute(tensor(3), []).item(), 3);
  t.end();
});

t.test('expand copies, and its gradient sums', (t) => {
  const x = tensor([[1], [2]], { requiresGrad: true });
  const y = expand(x, [3, -1, 2]);
  t.same(y.toArray(), Array(3).fill([[1, 1], [2, 2]])); // prettier-ignore
  sum(y).backward();
  t.same(x.grad?.shape, [2, 1]);
  t.same([...x.grad!.data], [6, 6]);
  t.same(expand(int32([4]), [3]).data, Int32Array.of(4, 4, 4));
  t.end();
});

t.test('refused inputs', (t) => {
  const x = zeros([2, 3]);
  t.throws(() => reshape(x, [4]), { constructor: ShapeError, message: /shape: \[4\] .*\[2, 3\]/ });
  t.throws(() => reshape(x, [4, -1]), { constructor: ShapeError, message: /shape: .*\[4, -1\]/ });
  t.throws(() => reshape(x, [-1, -1]), { constructor: ArgumentError, message: /shape: \[-1, -1\]/ });
  t.throws(() => reshape(x, [2.5, 2]), ShapeError);
  t.throws(() => reshape(zeros([0]), [0, -1]), ShapeError, 'anything would fit');
  t.throws(() => flatten(x, { start: 2 }), { constructor: ShapeError, message: /start: 2/ });
  t.throws(() => squeeze(x, 0), { constructor: ShapeError, message: /axis: 0 .*size 2/ });
  t.throws(() => unsqueeze(x, 3), { constructor: ShapeError, message: /axis: 3/ });
  t.throws(() => permute(x, [0]), { constructor: ArgumentError, message: /perm: \[0\]/ });
  t.throws(() => permute(x, [0, 0]), ArgumentError);
  t.throws(() => permute(x, [0, 2]), { constructor: ShapeError, message: /perm: 2/ });
  t.throws(() => transpose(x, 0, 2), { constructor: ShapeError, message: /b: 2/ });
  t.throws(() => expand(x, [4, 3]), { constructor: ShapeError, message: /expand/ });
  t.throws(() => expand(x, [1, 3]), { constructor: ShapeError, message: /shape: \[1, 3\]/ });
  t.throws(() => expand(x, [3]), { constructor: ShapeError, message: /shape: \[3\]/ });
  t.throws(() => expand(x, [-1, 2, 3]), ShapeError, 'a new axis has no size to keep');
  t.end();
});
