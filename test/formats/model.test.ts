/** Model files: nothing is lost, and a damaged or hostile file is a typed error. */
import t from 'tap';
import { NDArray, OctogradError, Random } from '../../src/core/index.js';
import {
  decodeContainer,
  decodeModel,
  encodeContainer,
  encodeModel,
  type Json,
} from '../../src/formats/index.js';
import { fuseLayers, type Graph } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { Session } from '../../src/runtime/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, EveryOp, normal, TinyCnn } from '../support/models.js';

const SHAPE = [2, 8, 8, 2];
function quantized(weightBits: number, rounding?: 'single'): Graph {
  const numerics = rounding ? ({ numerics: 'fixed', rounding } as const) : ({ numerics: 'float' } as const);
  const config = ptqConfig({ weightBits, numerics });
  return convert(calibrate(prepare(trace(new EveryOp(), normal(SHAPE)), config), batches(1, SHAPE)));
}

t.test('a graph comes back as it was, float or integer', (t) => {
  const graphs = [
    trace(new EveryOp(), normal(SHAPE)),
    fuseLayers(trace(new TinyCnn(), normal(SHAPE))),
    quantized(8),
    quantized(4, 'single'),
  ];
  const info = { labels: ['a', 'b'], normalization: { mean: [0.5], std: [0.25] } };
  for (const graph of graphs) {
    const back = decodeModel(encodeModel(graph, info));
    t.same(back.graph, graph);
    t.same(back.info, info);
  }
  t.same(decodeModel(encodeModel(graphs[2])).info, { labels: [], normalization: null });
  t.end();
});

t.test('a loaded model computes the same codes', (t) => {
  const graph = quantized(4);
  const x = normal(SHAPE, 5).value;
  t.same(new Session(decodeModel(encodeModel(graph)).graph).run(x).data, new Session(graph).run(x).data);
  t.end();
});

t.test('4-bit weights take half a byte each', (t) => {
  const bytes = (bits: number): number => {
    const { tensors } = decodeContainer(encodeModel(quantized(bits)));
    return tensors.get('fc.weight')!.size;
  };
  t.equal(bytes(8), 90);
  t.equal(bytes(4), 45);
  t.end();
});

/** The file with its document changed by `f`, with a valid checksum. */
function edited(graph: Graph, f: (document: Record<string, Json>) => void): Uint8Array {
  const { kind, document, tensors } = decodeContainer(encodeModel(graph));
  const copy = JSON.parse(JSON.stringify(document)) as Record<string, Json>;
  f(copy);
  return encodeContainer({ kind, document: copy, tensors });
}

t.test('what is as usual is not said, and may be said', async (t) => {
  const graph = quantized(8);
  const bytes = encodeModel(graph);
  const said = (b: Uint8Array): string => JSON.stringify(decodeContainer(b, 'model').document);
  for (const usual of [
    '"batchNorm":null',
    '"groups":1',
    '"dilation":[1,1]',
    '"quantMax":127',
    '"qparams":null',
  ])
    t.notOk(said(bytes).includes(usual), usual);
  const wordy = edited(graph, (document) => {
    for (const node of document.nodes as Record<string, Json>[])
      if (node.op === 'conv2d')
        Object.assign(node, { batchNorm: null, activation: 'none', groups: 1, ...node });
    for (const value of document.values as Record<string, Json>[]) value.qparams ??= null;
  });
  t.ok(said(wordy).includes('"batchNorm":null'));
  t.strictSame(decodeModel(wordy).graph, decodeModel(bytes).graph);
});

t.test('a document that does not make sense is refused, whatever its checksum says', (t) => {
  const graph = quantized(8);
  type Doc = Record<string, Record<string, Json>[]>;
  const cases: [string, (d: Doc) => void][] = [
    ['unknown op', (d) => (d['nodes'][0]['op'] = 'constructor')],
    ['missing attribute', (d) => delete d['nodes'][1]['stride']],
    ['stride 0', (d) => (d['nodes'][1]['stride'] = [0, 1])],
    ['huge padding', (d) => (d['nodes'][1]['padding'] = [1e300, 0, 0, 0])],
    ['text for a number', (d) => (d['nodes'][1]['groups'] = '1')],
    ['unknown value', (d) => (d['nodes'][1]['inputs'] = ['__proto__'])],
    ['negative shape', (d) => (d['values'][1]['shape'] = [1, -8, 8, 2])],
    ['shape of another size', (d) => (d['values'][2]['shape'] = [1, 400, 400, 6])],
    [
      'zero scale',
      (d) =>
        (d['values'][1]['qparams'] = {
          scale: [0],
          zeroPoint: [0],
          axis: null,
          quantMin: -128,
          quantMax: 127,
        }),
    ],
    [
      'fractional zero point',
      (d) =>
        (d['values'][1]['qparams'] = {
          scale: [1],
          zeroPoint: [0.5],
          axis: null,
          quantMin: -128,
          quantMax: 127,
        }),
    ],
    ['no nodes', (d) => delete (d as Partial<Doc>)['nodes']],
    ['nodes null', (d) => (d['nodes'] = null as never)],
    ['numerics', (d) => (d['numerics'] = { numerics: 'exact' } as never)],
    ['parameter without data', (d) => (d['params'][0]['id'] = 'nowhere')],
    ['parameter of another shape', (d) => (d['params'][0]['shape'] = [6, 3, 3, 3])],
    ['parameter without qparams', (d) => (d['params'][0]['qparams'] = null)],
    ['a parameter twice', (d) => d['params'].push(d['params'][0])],
    ['a value twice', (d) => d['values'].push(d['values'][0])],
    ['parameter of other codes', (d) => (d['params'][0]['qparams'] = { axis: 0, quantMin: -7, quantMax: 7 })],
  ];
  for (const [name, f] of cases) {
    const bytes = edited(graph, (d) => f(d as unknown as Doc));
    const load = (): Session => new Session(decodeModel(bytes).graph);
    t.throws(load, { code: /^(format|graph|quantization|shape)$/ }, name);
  }
  t.end();
});

t.test('a tensor of another type is refused', (t) => {
  const graph = quantized(4);
  const { kind, document, tensors } = decodeContainer(encodeModel(graph));
  const param = [...graph.params.values()].find((p) => p.qparams?.dtype === 'int4')!;
  const floats = (length: number): NDArray => NDArray.full([length], 1.5, 'float32');
  const load =
    (id: string, array: NDArray): (() => unknown) =>
    () =>
      decodeModel(encodeContainer({ kind, document, tensors: new Map(tensors).set(id, array) }));
  t.throws(load(param.id, floats(tensors.get(param.id)!.size)), {
    code: 'format',
    message: /stored as float32, its codes are int4/,
  });
  t.throws(load(`${param.id}#zeroPoint`, floats(param.qparams!.scale.length)), {
    code: 'format',
    message: /zero points are not int32/,
  });
  t.end();
});

t.test('3,000 files with bytes changed, cut or added: typed errors only', (t) => {
  const random = new Random(5);
  const bytes = encodeModel(quantized(8));
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    let file = bytes.slice(0, random.next() < 0.2 ? random.int(bytes.length) : bytes.length);
    if (random.next() < 0.1) file = Uint8Array.of(...file, random.int(256));
    if (file.length > 0)
      for (let n = random.int(3); n >= 0; n--) file[random.int(file.length)] ^= 1 << random.int(8);
    try {
      decodeModel(file);
    } catch (error) {
      refused++;
      if (!(error instanceof OctogradError)) t.fail(`${String(error)} for file ${i}`);
    }
  }
  t.equal(refused, 3000, 'the checksum finds every change');
  t.end();
});
