/** Fusion and folding: fewer nodes, the same function; and only where nobody else looks. */
import t from 'tap';
import { noGrad, type Tensor } from '../../src/autograd/index.js';
import { foldBatchNorm, fuseLayers, isLayer, printGraph, type Graph } from '../../src/graph/index.js';
import { BatchNorm, Conv2d, Linear, Module } from '../../src/nn/index.js';
import { add, relu, relu6, sigmoid } from '../../src/ops/index.js';
import { GraphModule, trace } from '../../src/trace/index.js';
import { normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [2, 8, 8, 2];
const ops = (graph: Graph): string[] => graph.nodes.map((n) => n.op);

function outputs(graph: Graph, x: Tensor): number[] {
  return [...noGrad(() => new GraphModule(graph).eval().forward(x)).data];
}

function near(t: { ok(v: unknown, m: string): unknown }, got: number[], want: number[]): void {
  const worst = Math.max(...got.map((v, i) => Math.abs(v - want[i])));
  t.ok(worst < 1e-5, `outputs agree, largest difference ${worst}`);
}

t.test('conv, batch norm and relu become one node, then plain weights', (t) => {
  const model = new TinyCnn();
  roughen(model);
  const x = normal(SHAPE, 4);
  const graph = trace(model, x);
  t.same(ops(graph), ['conv2d', 'batchNorm', 'activation', 'maxPool2d', 'reshape', 'linear']);
  const fused = fuseLayers(graph);
  t.same(ops(fused), ['conv2d', 'maxPool2d', 'reshape', 'linear']);
  const [conv] = fused.nodes;
  t.ok(isLayer(conv) && conv.batchNorm !== null && conv.activation === 'relu');
  const folded = foldBatchNorm(fused);
  t.ok(folded.nodes.every((n) => !isLayer(n) || n.batchNorm === null));
  t.notOk([...folded.params.keys()].some((id) => id.startsWith('bn.')));
  model.eval();
  const want = [...noGrad(() => model.forward(x)).data];
  near(t, outputs(graph, x), want);
  near(t, outputs(fused, x), want);
  near(t, outputs(folded, x), want);
  t.match(printGraph(fused), /conv \[1, 8, 8, 4\] = conv2d \+ relu\(input, conv.weight \[4, 3, 3, 2\]/);
  t.end();
});

t.test('a value that somebody else reads is not fused away', (t) => {
  class Shared extends Module {
    readonly conv = new Conv2d(2, 2, 1);
    readonly bn = new BatchNorm(2);
    readonly other = new Conv2d(2, 2, 1);
    override forward(x: Tensor): Tensor {
      const a = this.conv.forward(x);
      const b = this.bn.forward(a); // a is read again below
      const c = this.other.forward(b);
      return relu6(add(add(a, c), relu(c)));
    }
  }
  const model = new Shared();
  roughen(model);
  const x = normal(SHAPE, 5);
  const graph = fuseLayers(trace(model, x));
  t.same(ops(graph), ['conv2d', 'batchNorm', 'conv2d', 'add', 'activation', 'add']);
  t.equal(
    graph.nodes[5].op === 'add' && graph.nodes[5].activation,
    'relu6',
    'the clamp rides on the last add',
  );
  near(t, outputs(graph, x), outputs(trace(model, x), x));
  t.end();
});

t.test('a layer that is the output keeps its name and is fused with its clamp', (t) => {
  class Net extends Module {
    readonly fc = new Linear(3, 2);
    override forward(x: Tensor): Tensor {
      return relu(this.fc.forward(x));
    }
  }
  const graph = fuseLayers(trace(new Net(), normal([1, 3])));
  t.same(graph.outputs, ['fc']);
  t.same([...graph.values.keys()], ['input', 'fc']);
  t.end();
});

t.test('layers that share a weight under different batch norms cannot be folded', (t) => {
  class Twice extends Module {
    readonly fc = new Linear(3, 3, { bias: false });
    readonly a = new BatchNorm(3);
    readonly b = new BatchNorm(3);
    constructor(readonly last: (x: Tensor) => Tensor = (x) => this.b.forward(x)) {
      super();
    }
    override forward(x: Tensor): Tensor {
      return this.last(this.fc.forward(this.a.forward(this.fc.forward(x))));
    }
  }
  const x = normal([2, 3]);
  const folded = (model: Twice): Graph => foldBatchNorm(fuseLayers(trace(model, x)));
  const same = new Twice();
  near(t, outputs(folded(same), x), [...noGrad(() => same.eval().forward(x)).data]);
  const two = new Twice();
  two.b.weight.data.fill(2);
  t.throws(() => folded(two), { code: 'graph', message: /fc.weight: layers share/ });
  const bare = new Twice((x) => x);
  t.throws(() => folded(bare), { code: 'graph', message: /fc.weight: layers share/ });
  t.end();
});

t.test('the text of a graph names clamps and functions', (t) => {
  class Net extends Module {
    override forward(x: Tensor): Tensor {
      return relu(sigmoid(relu6(add(x, x))));
    }
  }
  t.match(
    printGraph(fuseLayers(trace(new Net(), normal([1, 3])))),
    /= add \+ relu6\(input, input\)\n.*= sigmoid\(add\)\n.*= relu\(sigmoid\)/,
  );
  t.end();
});
