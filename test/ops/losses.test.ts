/** Softmax family and losses: identities, extreme logits, ignored rows, refused inputs. */
import t from 'tap';
import { ArgumentError, DTypeError, ShapeError } from '../../src/core/index.js';
import { ones, tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import * as ops from '../../src/ops/index.js';
import { int32, leaf } from './sample.js';

const x1 = tensor([[1, 2, 3]]);
const near = (got: number, want: number): boolean =>
  Math.abs(got - want) <= 1e-12 * Math.max(1, Math.abs(want));

t.test('softmax family', (t) => {
  const x = leaf([3, 4, 2]).detach();
  for (const axis of [0, 1, -1]) {
    const y = ops.softmax(x, { axis });
    t.ok(
      ops.sum(y, { axes: [axis] }).data.every((v) => near(v, 1)),
      'sums to 1',
    );
    t.ok(ops.logSoftmax(x, { axis }).data.every((v, i) => near(v, Math.log(y.data[i]))));
    const lse = ops.logsumexp(x, { axis });
    t.ok(ops.log(ops.sum(ops.exp(x), { axes: [axis] })).data.every((v, i) => near(v, lse.data[i])));
  }
  const huge = tensor([1e30, 1e30, -1e30], { dtype: 'float64' });
  t.same([...ops.softmax(huge).data], [0.5, 0.5, 0]);
  t.equal(ops.logsumexp(huge, { axis: 0 }).item(), 1e30);
  t.equal(ops.logsumexp(tensor([-Infinity, -Infinity]), { axis: 0 }).item(), -Infinity);
  t.throws(() => ops.softmax(x, { axis: 3 }), { constructor: ShapeError, message: /axis: 3/ });
  for (const f of [ops.softmax, ops.logSoftmax])
    t.throws(() => f(int32([1])), { constructor: DTypeError, message: new RegExp(`x: ${f.name}`) });
  t.throws(() => ops.logsumexp(int32([1]), { axis: 0 }), {
    constructor: DTypeError,
    message: /x: logsumexp/,
  });
  t.end();
});

t.test('crossEntropy is nllLoss of logSoftmax', (t) => {
  const x = leaf([5, 3]).detach();
  const target = int32([0, 2, -100, 1, 1]);
  for (const reduction of ['mean', 'sum', 'none'] as const)
    for (const classWeight of [null, leaf([3], 0.1, 2).detach()]) {
      const a = ops.crossEntropy(x, target, { reduction, classWeight });
      const b = ops.nllLoss(ops.logSoftmax(x), target, { reduction, classWeight });
      t.ok(
        a.data.every((v, i) => near(v, b.data[i])),
        `${reduction}, ${classWeight === null ? 'no' : 'with'} weights`,
      );
    }
  t.end();
});

t.test('crossEntropy over more axes: the classes are the last', (t) => {
  const x = leaf([2, 2, 3]);
  const y = ops.crossEntropy(x, int32([0, 1, 2, 0], [2, 2]), { reduction: 'none' });
  t.same(y.shape, [2, 2]);
  const flat = ops.crossEntropy(ops.reshape(x, [4, 3]), int32([0, 1, 2, 0]), { reduction: 'none' });
  t.same(y.data, flat.data);
  t.end();
});

t.test('rows that are ignored', (t) => {
  const x = leaf([2, 3]);
  ops.crossEntropy(x, int32([7, 1]), { ignoreIndex: 7 }).backward();
  t.same([...x.grad!.data.subarray(0, 3)], [0, 0, 0], 'no gradient');
  t.same(ops.crossEntropy(x, int32([-100, -100])).item(), NaN, 'a mean over nothing, as in PyTorch');
  t.equal(ops.crossEntropy(x, int32([-100, -100]), { reduction: 'sum' }).item(), 0);
  t.end();
});

t.test('extreme logits', (t) => {
  const x = tensor([[1e4, -1e4]], { dtype: 'float64', requiresGrad: true });
  const y = ops.crossEntropy(x, int32([1]));
  t.equal(y.item(), 2e4);
  y.backward();
  t.same([...x.grad!.data], [1, -1]);
  const inf = tensor([[0, -Infinity]], { dtype: 'float64' });
  t.equal(ops.crossEntropy(inf, int32([0])).item(), 0, 'a class that is impossible and not asked for');
  t.equal(ops.bceWithLogits(tensor([1e4, -1e4]), tensor([1, 0])).item(), 0);
  t.equal(ops.bceWithLogits(tensor([1e4]), tensor([0])).item(), 1e4);
  t.end();
});

t.test('focal loss', (t) => {
  const [x, y] = [leaf([4, 3], -4, 4).detach(), leaf([4, 3], 0, 1).detach()];
  const halved = ops.sigmoidFocalLoss(x, y, { alpha: 0.5, gamma: 0, reduction: 'none' });
  const cross = ops.bceWithLogits(x, y, { reduction: 'none' });
  t.ok(
    halved.data.every((v, i) => near(2 * v, cross.data[i])),
    'without focus it is cross entropy',
  );
  // p = 0.5: 0.25 * 0.25 * log 2 for an object, 0.75 * 0.25 * log 2 for background
  const zeros64 = tensor([0, 0], { dtype: 'float64' });
  const even = ops.sigmoidFocalLoss(zeros64, tensor([1, 0], { dtype: 'float64' }), { reduction: 'none' });
  t.ok(near(even.data[0], Math.LN2 / 16) && near(even.data[1], (3 * Math.LN2) / 16));
  t.equal(ops.sigmoidFocalLoss(tensor([1e4, -1e4]), tensor([1, 0])).item(), 0);
  t.equal(ops.sigmoidFocalLoss(tensor([1e4]), tensor([0])).item(), 7500, 'linear where it is wrong');
  for (const options of [{ alpha: 1.5 }, { gamma: -1 }])
    t.throws(() => ops.sigmoidFocalLoss(ones([1]), ones([1]), options), {
      constructor: ArgumentError,
      message: new RegExp(Object.keys(options)[0]),
    });
  t.end();
});

t.test('complete IoU loss', (t) => {
  const of = (a: number[], b: number[]): number =>
    ops.ciouLoss(tensor([a], { dtype: 'float64' }), tensor([b], { dtype: 'float64' })).item();
  const close = (got: number, want: number): boolean => Math.abs(got - want) < 1e-8;
  t.ok(close(of([1, 2, 5, 9], [1, 2, 5, 9]), 0), 'equal boxes');
  // 2 x 2 boxes a step apart each way: IoU 1/7; centres 2 apart squared, diagonal 18 squared; equal shapes
  t.ok(close(of([0, 0, 2, 2], [1, 1, 3, 3]), 1 - 1 / 7 + 2 / 18));
  t.ok(close(of([0, 0, 1, 1], [3, 0, 4, 1]), 1 + 9 / 17), 'boxes apart still know where to go');
  // one inside the other, same centre, 4 x 2 against 2 x 4: IoU 4/12, no distance
  const v = (4 / Math.PI ** 2) * (Math.atan(2) - Math.atan(0.5)) ** 2;
  t.ok(close(of([0, 1, 4, 3], [1, 0, 3, 4]), 2 / 3 + (v * v) / (2 / 3 + v)), 'another shape');
  t.throws(() => ops.ciouLoss(ones([3]), ones([3])), { constructor: ShapeError, message: /boxes: ciouLoss/ });
  t.throws(() => ops.ciouLoss(ones([3, 4]), ones([2, 4])), { constructor: ShapeError, message: /target/ });
  t.end();
});

t.test('values by hand', (t) => {
  const [x, y] = [tensor([1, 2, 5]), tensor([1, 4, 1])];
  t.equal(ops.mseLoss(x, y, { reduction: 'sum' }).item(), 20);
  t.equal(ops.l1Loss(x, y).item(), 2);
  t.same(ops.smoothL1Loss(x, y, { reduction: 'none' }).toArray(), [0, 1.5, 3.5]);
  t.same(ops.smoothL1Loss(x, y, { reduction: 'none', beta: 0 }).toArray(), [0, 2, 4]);
  t.same(ops.huberLoss(x, y, { reduction: 'none', delta: 2 }).toArray(), [0, 2, 6]);
  t.equal(
    ops.klDiv(tensor([[0, Math.log(0.5)]]), tensor([[0, 1]]), { reduction: 'batchmean' }).item(),
    Math.fround(Math.log(2)),
  );
  const equal = ops.distillationLoss(x1, x1, int32([0]), { temperature: 2, alpha: 1 });
  t.ok(Math.abs(equal.item()) < 1e-7, 'a student equal to its teacher');
  t.end();
});

t.test('the teacher of a distillation gets no gradient', (t) => {
  const [student, teacher] = [leaf([2, 3]), leaf([2, 3])];
  ops.distillationLoss(student, teacher, int32([0, 2]), { temperature: 2, alpha: 0.5 }).backward();
  t.ok(student.grad !== null);
  t.equal(teacher.grad, null);
  t.end();
});

t.test('refused inputs: pointwise losses', (t) => {
  const losses: Record<string, (x: Tensor, y: Tensor, reduction?: 'mean') => Tensor> = {
    mseLoss: (x, y, reduction = 'mean') => ops.mseLoss(x, y, { reduction }),
    l1Loss: (x, y, reduction = 'mean') => ops.l1Loss(x, y, { reduction }),
    smoothL1Loss: (x, y, reduction = 'mean') => ops.smoothL1Loss(x, y, { reduction }),
    huberLoss: (x, y, reduction = 'mean') => ops.huberLoss(x, y, { reduction }),
    bceWithLogits: (x, y, reduction = 'mean') => ops.bceWithLogits(x, y, { reduction }),
    klDiv: (x, y, reduction = 'mean') => ops.klDiv(x, y, { reduction }),
  };
  for (const [name, loss] of Object.entries(losses)) {
    t.throws(() => loss(ones([2]), ones([2, 1])), {
      constructor: ShapeError,
      message: new RegExp(`target: ${name}`),
    });
    t.throws(() => loss(ones([1]), int32([1])), {
      constructor: DTypeError,
      message: new RegExp(`target: ${name}`),
    });
    t.throws(() => loss(ones([1]), ones([1]), 'average' as 'mean'), {
      constructor: ArgumentError,
      message: /reduction: 'average'/,
    });
  }
  t.throws(() => ops.mseLoss(ones([1]), ones([1]), { reduction: 'batchmean' as 'mean' }), ArgumentError);
  t.throws(() => ops.huberLoss(ones([1]), ones([1]), { delta: 0 }), {
    constructor: ArgumentError,
    message: /delta/,
  });
  t.throws(() => ops.smoothL1Loss(ones([1]), ones([1]), { beta: -1 }), {
    constructor: ArgumentError,
    message: /beta/,
  });
  t.throws(() => ops.distillationLoss(x1, x1, int32([0]), { temperature: 0, alpha: 1 }), {
    constructor: ArgumentError,
    message: /temperature/,
  });
  t.end();
});

t.test('refused inputs: class losses', (t) => {
  const x = zeros([2, 3]);
  for (const [name, loss] of Object.entries({ crossEntropy: ops.crossEntropy, nllLoss: ops.nllLoss })) {
    const refuse = (f: () => unknown, constructor: unknown, message: RegExp): void =>
      void t.throws(f, { constructor, message } as never);
    refuse(
      () => loss(x, int32([0, 3])),
      ArgumentError,
      new RegExp(`target: ${name} got label 3 in row 1; .*0 to 2`),
    );
    refuse(() => loss(x, int32([-1, 0])), ArgumentError, /label -1 in row 0/);
    refuse(() => loss(x, int32([0])), ShapeError, /target: .*\[2\].*\[1\]/);
    refuse(() => loss(x, ones([2])), DTypeError, /target: .*int32.*float32/);
    refuse(() => loss(tensor(1), int32([0], [])), ShapeError, /x: .*scalar/);
    refuse(() => loss(x, int32([0, 0]), { classWeight: ones([2]) }), ShapeError, /classWeight: .*\[3\]/);
    refuse(() => loss(x, int32([0, 0]), { classWeight: leaf([3]) }), DTypeError, /classWeight/);
    refuse(() => loss(x, int32([0, 0]), { reduction: 'max' as 'mean' }), ArgumentError, /reduction: 'max'/);
  }
  for (const labelSmoothing of [-0.1, 1.1, NaN])
    t.throws(() => ops.crossEntropy(x, int32([0, 0]), { labelSmoothing }), {
      constructor: ArgumentError,
      message: /labelSmoothing/,
    });
  t.end();
});
