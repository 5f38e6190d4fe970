/** Graph models of TensorFlow.js. The fixture and its outputs were computed by TensorFlow.js. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { noGrad, Tensor } from '../../../src/autograd/index.js';
import { NDArray } from '../../../src/core/index.js';
import { importTfjs } from '../../../src/formats/tfjs/index.js';
import { GraphModule } from '../../../src/trace/index.js';

interface Fixture {
  readonly model: {
    format: string;
    signature?: object;
    modelTopology: { node: { name: string; op: string; input?: string[]; attr?: Record<string, unknown> }[] };
    weightsManifest: { weights: { name: string; shape: number[]; dtype: string }[] }[];
  };
  readonly weights: string;
  readonly x: number[];
  readonly outputs: { readonly shape: number[]; readonly data: number[] }[];
}

const path = fileURLToPath(new URL('../../golden/tfjs/ops.json', import.meta.url));
const fixture = JSON.parse(readFileSync(path, 'utf8')) as Fixture;
const weights = Uint8Array.from(Buffer.from(fixture.weights, 'base64'));

/** Imports the model after `change`. */
function changed(change: (model: Fixture['model']) => void, bytes = weights): () => void {
  const model = structuredClone(fixture.model);
  change(model);
  return () => void importTfjs(JSON.stringify(model), bytes);
}
const node = (model: Fixture['model'], name: string) =>
  model.modelTopology.node.find((n) => n.name === name)!;

t.test('computes what TensorFlow.js computes', (t) => {
  const graph = importTfjs(JSON.stringify(fixture.model), weights);
  t.equal(graph.batch, 'free');
  const module = new GraphModule(graph).eval();
  const x = new Tensor(new NDArray(Float32Array.from(fixture.x), [2, 7, 6, 3]));
  const values = noGrad(() => module.runAll(new Map([[graph.inputs[0], x]])));
  graph.outputs.forEach((id, i) => {
    const { shape, data } = values.get(id)!;
    const want = fixture.outputs[i];
    t.same(shape, want.shape, id);
    t.ok(
      want.data.every((v, k) => Math.abs(v - data[k]) < 1e-5),
      `${id}: ${[...data.slice(0, 4)].join(' ')}`,
    );
  });
  t.end();
});

t.test('without a signature, what nobody reads is an output', (t) => {
  const model = structuredClone(fixture.model);
  delete model.signature;
  t.same(importTfjs(JSON.stringify(model), weights).outputs.length, 2);
  t.end();
});

t.test('what cannot be read is named', (t) => {
  const refused = (change: (model: Fixture['model']) => void, message: RegExp): void => {
    t.throws(changed(change), { code: 'unsupported', message });
  };
  refused((m) => (m.format = 'layers-model'), /layers-model.*tensorflowjs_converter/);
  refused((m) => (node(m, 's1').op = 'Erf'), /node s1 \(Erf\): this op is not read; these are: .*Sigmoid/);
  refused((m) => (node(m, 's1').op = 'toString'), /node s1 \(toString\)/);
  refused((m) => (node(m, 'c1').attr!['data_format'] = { s: btoa('NCHW') }), /node c1 .*NCHW/);
  refused((m) => (node(m, 'c1').input![1] = 'x'), /node c1 .*input x must be a constant/);
  refused((m) => (node(m, 'x').attr!['shape'] = { shape: { unknownRank: true } }), /input x: .*inputShapes/);
  refused((m) => (m.weightsManifest[0].weights[1].dtype = 'string'), /b1: weights of type string/);
  t.end();
});

t.test('broken files are refused', (t) => {
  const broken = (change: (model: Fixture['model']) => void, message: RegExp): void => {
    t.throws(changed(change), { code: 'format', message });
  };
  broken((m) => node(m, 'c1').input!.push('id'), /in a circle/);
  broken((m) => (node(m, 's1').input = ['nothing']), /node s1: reads nothing/);
  broken((m) => (node(m, 's1').input = []), /node s1 .*input 0 is missing/);
  broken((m) => (node(m, 's1').name = 'mu'), /mu appears twice/);
  broken((m) => m.weightsManifest[0].weights.pop(), /bytes are left over/);
  broken((m) => (m.weightsManifest[0].weights[0].shape = [3, 3, 3, 4000]), /needs .* bytes/);
  broken((m) => (m.signature = { outputs: { y: { name: 'nowhere:0' } } }), /output nowhere/);
  t.throws(
    changed(() => {}, weights.subarray(1)),
    { code: 'format' },
  );
  t.throws(() => importTfjs('[', weights), { code: 'format' });
  t.throws(() => importTfjs('{}', weights), { code: 'format' });
  t.end();
});
