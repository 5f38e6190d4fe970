/** The networks of the models suite: those of src/models, of MLPerf Tiny, and MobileNetV1. */
import type { Tensor } from '../../src/autograd/index.js';
import type { Random } from '../../src/core/index.js';
import { PlainCnn, DepthwiseCnn, ResidualBlock, ResidualCnn } from '../../src/models/index.js';
import { BatchNorm, Conv2d, DepthwiseConv2d, Linear, Module, ReLU, Sequential } from '../../src/nn/index.js';
import { mean } from '../../src/ops/index.js';

/** Features, mean over the image, one linear layer. */
class Classifier extends Module {
  constructor(
    readonly features: Sequential,
    readonly classifier: Linear,
  ) {
    super();
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(mean(this.features.forward(x), { axes: [1, 2] }));
  }
}

const unit = (conv: Module, channels: number): Module[] => [conv, new BatchNorm(channels), new ReLU()];

function separable(inChannels: number, outChannels: number, stride: number, random: Random): Module[] {
  const options = { bias: false, random };
  return [
    ...unit(new DepthwiseConv2d(inChannels, 3, { ...options, stride, padding: 1 }), inChannels),
    ...unit(new Conv2d(inChannels, outChannels, 1, options), outChannels),
  ];
}

/** Howard et al. 2017, table 1. */
function mobileNetV1(width: number, classes: number, random: Random): Module {
  const c = (n: number): number => n * width;
  const stages: [number, number][] = [
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    ...Array.from({ length: 5 }, (): [number, number] => [512, 1]),
    [1024, 2],
    [1024, 1],
  ];
  const layers = unit(new Conv2d(3, c(32), 3, { stride: 2, padding: 1, bias: false, random }), c(32));
  let channels = 32;
  for (const [out, stride] of stages) {
    layers.push(...separable(c(channels), c(out), stride, random));
    channels = out;
  }
  return new Classifier(new Sequential(...layers), new Linear(c(1024), classes, { random }));
}

/** MLPerf Tiny, image classification (Banbury et al. 2021): three residual blocks of 16, 32 and 64 channels. */
function resNet8(random: Random): Module {
  const features = new Sequential(
    ...unit(new Conv2d(3, 16, 3, { padding: 1, bias: false, random }), 16),
    new ResidualBlock(16, 16, 1, random),
    new ResidualBlock(16, 32, 2, random),
    new ResidualBlock(32, 64, 2, random),
  );
  return new Classifier(features, new Linear(64, 10, { random }));
}

/** MLPerf Tiny, keyword spotting: a 10x4 convolution and four separable ones, on 49 x 10 coefficients of sound. */
function dsCnn(random: Random): Module {
  const features = new Sequential(
    ...unit(new Conv2d(1, 64, [10, 4], { stride: 2, padding: [4, 5, 1, 1], bias: false, random }), 64),
    ...Array.from({ length: 4 }, () => separable(64, 64, 1, random)).flat(),
  );
  return new Classifier(features, new Linear(64, 12, { random }));
}

export interface Network {
  readonly name: string;
  /** height, width, channels */
  readonly input: readonly [number, number, number];
  readonly make: (random: Random) => Module;
  /** part of --quick */
  readonly quick?: true;
}

export const NETWORKS: readonly Network[] = [
  { name: 'plain CNN 28x28', input: [28, 28, 1], make: (random) => new PlainCnn({ random }) },
  { name: 'residual CNN 28x28', input: [28, 28, 1], make: (random) => new ResidualCnn({ random }) },
  { name: 'depthwise CNN 28x28', input: [28, 28, 1], make: (random) => new DepthwiseCnn({ random }) },
  { name: 'ResNet-8 32x32', input: [32, 32, 3], make: resNet8, quick: true },
  { name: 'DS-CNN 49x10', input: [49, 10, 1], make: dsCnn },
  {
    name: 'MobileNetV1 0.25 96x96',
    input: [96, 96, 3],
    make: (random) => mobileNetV1(0.25, 2, random),
    quick: true,
  },
  { name: 'MobileNetV1 1.0 224x224', input: [224, 224, 3], make: (random) => mobileNetV1(1, 1000, random) },
];
