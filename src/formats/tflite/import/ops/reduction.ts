/** Pools, reductions over axes, softmax and normalisation. */
import type { NodeDraft, Pair } from '../../../../graph/index.js';
import { reduceConstant, type Reduction } from '../../../onnx/import/constants.js';
import { isKnown, type Call } from '../call.js';
import type { Network } from '../network.js';
import { paddingOf, positive } from './layers.js';
import type { Importer } from './types.js';

export const pool =
  (op: 'maxPool2d' | 'avgPool2d'): Importer =>
  (call, net) => {
    const { padding, strideH, strideW, filterHeight, filterWidth, activation } = call.options('MAX_POOL_2D');
    const x = net.value(net.moved(call.operand(0)));
    const shape = net.shape(x);
    if (shape.length !== 4)
      call.refuse(`pools a value of rank ${shape.length}; images [n, h, w, c] are supported`);
    const kernel: Pair = [filterHeight, filterWidth];
    const stride: Pair = [strideH, strideW];
    positive(call, ...kernel, ...stride);
    const window = { inputs: [x], kernel, stride, padding: paddingOf(padding, shape, kernel, stride) };
    const draft: NodeDraft =
      op === 'maxPool2d' ? { op, ...window, dilation: [1, 1] } : { op, ...window, countIncludePad: false };
    const [qparams] = call.qparams;
    return [net.activated(activation, qparams, false, () => net.node(draft, qparams))];
  };

export const reduction =
  (fn: Reduction): Importer =>
  (call, net) => {
    const x = call.operand(0);
    const rank = net.rank(x);
    const axes = call.axes(call.list(1, 'axes'), rank);
    const { keepDims: keepdim } = call.options('MEAN');
    if (isKnown(x) && x.qparams === null)
      return [{ ...reduceConstant(net.allowance, x, fn, axes, keepdim), qparams: null }];
    if (axes.length === 0) return [x];
    if (fn === 'prod') return call.refuse('is supported on constants only');
    if (fn === 'min') call.floatOnly();
    const inputs = [net.value(fn === 'max' ? net.moved(x) : x)];
    const [qparams] = call.qparams;
    if (fn === 'mean' && rank === 4 && axes.join() === '1,2')
      return [net.node({ op: 'globalAvgPool', inputs, keepdim }, qparams)];
    return [net.node({ op: 'reduce', inputs, fn, axes, keepdim }, qparams)];
  };

export const softmax: Importer = (call, net) => {
  const { beta } = call.options('SOFTMAX');
  if (!(beta > 0 && Number.isFinite(beta))) call.invalid(`beta is ${beta}`);
  return [net.node({ op: 'softmax', inputs: [net.value(call.operand(0))], beta }, call.qparams[0])];
};

const last = (call: Call, net: Network): number[] => {
  const rank = net.rank(call.operand(0));
  if (rank === 0) call.invalid('reads a scalar');
  return [rank - 1];
};

/** x - max - log(sum(exp(x - max))): nothing overflows. */
export const logSoftmax: Importer = (call, net) => {
  call.floatOnly();
  const x = net.value(net.real(call.operand(0)));
  const axes = last(call, net);
  const reduce = (fn: 'max' | 'sum', of: string): string =>
    net.node({ op: 'reduce', inputs: [of], fn, axes, keepdim: true }, null, fn);
  const centred = net.binary('sub', x, reduce('max', x), 'centred');
  const total = reduce('sum', net.function('exp', centred, null, 0, 0, 'exp'));
  return [net.binary('sub', centred, net.function('log', total, null, 0, 0, 'log'))];
};

/** What TFLite takes for the least sum of squares. */
const LEAST = 1e-6;

export const l2Normalization: Importer = (call, net) => {
  call.floatOnly();
  const x = net.value(net.real(call.operand(0)));
  const axes = last(call, net);
  const squares = net.function('pow', x, null, 2, 0, 'squares');
  const sum = net.node({ op: 'reduce', inputs: [squares], fn: 'sum', axes, keepdim: true }, null, 'sum');
  const least = net.function('clip', sum, null, LEAST, 3.4028234663852886e38, 'least');
  const length = net.function('sqrt', least, null, 0, 0, 'length');
  return [net.binary('div', x, length)];
};
