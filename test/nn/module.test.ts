import t from 'tap';
import { tensor, type Tensor } from '../../src/autograd/index.js';
import { ArgumentError, DTypeError, NDArray, Random, ShapeError } from '../../src/core/index.js';
import { BatchNorm, Buffer, Conv2d, Linear, Module, Parameter, Sequential } from '../../src/nn/index.js';

const vector = (...values: number[]): NDArray => new NDArray(Float32Array.from(values), [values.length]);

class Net extends Module {
  readonly features = [new Linear(2, 3, { random: new Random(1) }), new BatchNorm(3)];
  readonly scale = new Parameter(vector(2));
  readonly count = new Buffer(vector(7));
  readonly note = 'not a parameter';
  readonly constant = tensor([1, 2]);
  override forward(x: Tensor): Tensor {
    return this.features.reduce<Tensor>((h, layer) => layer.forward(h), x);
  }
}

t.test('parameters and buffers are named by their path, in order of definition', (t) => {
  const net = new Net();
  t.same(
    Array.from(net.namedParameters(), ([name]) => name),
    ['features.0.weight', 'features.0.bias', 'features.1.weight', 'features.1.bias', 'scale'],
  );
  t.same(
    Array.from(net.namedBuffers(), ([name]) => name),
    ['features.1.runningMean', 'features.1.runningVar', 'count'],
  );
  t.same(
    Array.from(net.namedModules(), ([name]) => name),
    ['', 'features.0', 'features.1'],
  );
  t.equal(net.parameters().length, 5);
  t.equal(net.parameterCount(), 6 + 3 + 3 + 3 + 1);
  t.end();
});

t.test('a parameter counts when it is frozen, and once when it is shared', (t) => {
  class Tied extends Module {
    readonly a = new Linear(2, 2, { bias: false });
    readonly b = this.a;
    readonly w = this.a.weight;
    override forward(x: Tensor): Tensor {
      return this.b.forward(this.a.forward(x));
    }
  }
  const net = new Tied();
  net.a.weight.requiresGrad = false;
  t.same([...net.stateDict().keys()], ['a.weight']);
  t.equal(net.parameters().length, 1);
  t.end();
});

t.test('a module that refers to its parent is walked once', (t) => {
  class Child extends Module {
    constructor(readonly parent: Module) {
      super();
    }
    readonly weight = new Parameter(vector(1));
    override forward(x: Tensor): Tensor {
      return x;
    }
  }
  class Parent extends Module {
    readonly child: Child = new Child(this);
    override forward(x: Tensor): Tensor {
      return this.child.forward(x);
    }
  }
  t.same([...new Parent().stateDict().keys()], ['child.weight']);
  t.end();
});

t.test('train and eval reach every module', (t) => {
  const net = new Net();
  net.eval();
  t.same(
    Array.from(net.namedModules(), ([, m]) => m.training),
    [false, false, false],
  );
  t.equal(net.train().features[1].training, true);
  t.end();
});

t.test('a state dict is a copy, and loading it restores the model', (t) => {
  const net = new Net();
  const saved = net.stateDict();
  net.scale.data[0] = 5;
  net.count.value.data[0] = 8;
  t.equal(saved.get('scale')!.data[0], 2);
  t.same(net.loadStateDict(saved), { missing: [], unexpected: [] });
  t.equal(net.scale.data[0], 2);
  t.equal(net.count.value.data[0], 7);
  t.end();
});

t.test('a loaded value is written into the array that is there', (t) => {
  const bn = new BatchNorm(2);
  const array = bn.runningMean.value;
  bn.loadStateDict(new Map([['runningMean', new NDArray(Float64Array.of(1, 2), [2])]]), { strict: false });
  t.equal(bn.runningMean.value, array);
  t.same([...array.data], [1, 2]);
  t.end();
});

t.test('names that do not fit are errors with a hint, and nothing is loaded', (t) => {
  const net = new Net();
  const state = net.stateDict();
  state.get('scale')!.data[0] = 9;
  const without = new Map(state);
  without.delete('features.0.bias');
  t.throws(() => net.loadStateDict(without), { name: 'ArgumentError', message: /missing features\.0\.bias/ });
  const more = new Map([...state, ['__proto__', vector(1)] as const]);
  t.throws(() => net.loadStateDict(more), { name: 'ArgumentError', message: /unexpected __proto__/ });
  t.equal(net.scale.data[0], 2);
  t.same(net.loadStateDict(more, { strict: false }), { missing: [], unexpected: ['__proto__'] });
  t.equal(net.scale.data[0], 9);
  t.throws(() => net.loadStateDict(new Map()), ArgumentError);
  t.end();
});

t.test('the hint recognises prefixes and other spellings', (t) => {
  const bn = new BatchNorm(1);
  const renamed = (f: (name: string) => string): Map<string, NDArray> =>
    new Map(Array.from(bn.stateDict(), ([name, value]) => [f(name), value]));
  t.throws(() => bn.loadStateDict(renamed((n) => `model.${n}`)), { message: /strip 'model\.'/ });
  t.throws(() => new Sequential(bn).loadStateDict(renamed((n) => n)), { message: /put '0\.' before/ });
  t.throws(() => bn.loadStateDict(renamed((n) => n.replace('runningMean', 'running_mean'))), {
    message: /rename running_mean to runningMean/,
  });
  t.end();
});

t.test('values that do not fit are errors, and nothing is loaded', (t) => {
  const conv = new Conv2d(2, 4, 3, { bias: false, random: new Random(0) });
  const before = [...conv.weight.data];
  const nchw = new Map([['weight', NDArray.zeros([4, 2, 3, 3], 'float32')]]);
  t.throws(() => conv.loadStateDict(nchw), { name: 'ShapeError', message: /weight .*permute/ });
  t.throws(() => conv.loadStateDict(new Map([['weight', NDArray.zeros([1], 'float32')]])), ShapeError);
  t.throws(() => conv.loadStateDict(new Map([['weight', NDArray.zeros([4, 3, 3, 2], 'int32')]])), DTypeError);
  t.same([...conv.weight.data], before);
  t.throws(() => new Parameter(NDArray.zeros([1], 'int32')), DTypeError);
  t.end();
});
