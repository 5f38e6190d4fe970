/** Matrix products that are measured: y[m, n] = sum over k of x[m, k] * w[n, k]. */
export interface GemmShape {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** part of --quick */
  readonly quick?: true;
}

const square = (n: number): GemmShape => ({ name: `gemm ${n}`, m: n, n, k: n });

export const GEMMS: readonly GemmShape[] = [
  square(64),
  { ...square(128), quick: true },
  square(256),
  { ...square(512), quick: true },
  square(1024),
  // one image: the classifier of MobileNet, and square matrices
  { name: 'linear 1x256x256', m: 1, n: 256, k: 256 },
  { name: 'linear 1x1024x1024', m: 1, n: 1024, k: 1024, quick: true },
  { name: 'linear 1x1000x1024', m: 1, n: 1000, k: 1024 },
  { name: 'linear 64x256x784', m: 64, n: 256, k: 784 },
  // the 3x3 convolutions of ResNet-50 as im2col
  { name: 'resnet im2col 3136x64x576', m: 3136, n: 64, k: 576 },
  { name: 'resnet im2col 784x128x1152', m: 784, n: 128, k: 1152 },
  { name: 'resnet im2col 196x256x2304', m: 196, n: 256, k: 2304 },
  { name: 'resnet im2col 49x512x4608', m: 49, n: 512, k: 4608 },
  // the pointwise convolutions of MobileNetV1 1.0
  { name: 'mobilenet 1x1 12544x64x32', m: 12544, n: 64, k: 32 },
  { name: 'mobilenet 1x1 3136x128x128', m: 3136, n: 128, k: 128 },
  { name: 'mobilenet 1x1 784x256x256', m: 784, n: 256, k: 256 },
  { name: 'mobilenet 1x1 196x512x512', m: 196, n: 512, k: 512 },
  { name: 'mobilenet 1x1 49x1024x1024', m: 49, n: 1024, k: 1024 },
];
