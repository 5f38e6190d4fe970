/** The runner of each golden topic. */
import { autograd } from './autograd.js';
import type { TopicRunner } from './common.js';
import { fakequant } from './fakequant.js';
import { int8Ops } from './int8Ops.js';
import { int8Primitives } from './int8Primitives.js';
import { observers } from './observers.js';
import { onnxQ } from './onnxQ.js';
import { optimTopic } from './optim.js';
import { qat } from './qat.js';

export const topics: Readonly<Record<string, TopicRunner>> = {
  autograd,
  fakequant,
  int8_ops: int8Ops,
  int8_primitives: int8Primitives,
  observers,
  onnx_q: onnxQ,
  optim: optimTopic,
  qat,
};
