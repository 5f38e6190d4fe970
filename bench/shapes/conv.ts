/** Convolutions that are measured: one square image, padding (kernel - 1) / 2. */
export interface ConvShape {
  readonly name: string;
  /** Height and width of the image. */
  readonly size: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly groups: number;
  /** part of --quick */
  readonly quick?: true;
}

function conv(
  size: number,
  inChannels: number,
  outChannels: number,
  kernel: number,
  options: { stride?: number; quick?: true } = {},
): ConvShape {
  const { stride = 1, ...rest } = options;
  const name = `conv ${kernel}x${kernel} ${size}x${size}x${inChannels}-${outChannels}${stride > 1 ? ` /${stride}` : ''}`;
  return { name, size, inChannels, outChannels, kernel, stride, groups: 1, ...rest };
}

function depthwise(
  size: number,
  channels: number,
  kernel: number,
  options: { stride?: number; quick?: true } = {},
): ConvShape {
  const { stride = 1, ...rest } = options;
  const name = `depthwise ${kernel}x${kernel} ${size}x${size}x${channels}${stride > 1 ? ` /${stride}` : ''}`;
  return {
    name,
    size,
    inChannels: channels,
    outChannels: channels,
    kernel,
    stride,
    groups: channels,
    ...rest,
  };
}

export const CONVS: readonly ConvShape[] = [
  conv(56, 64, 64, 3, { quick: true }),
  conv(28, 128, 128, 3),
  conv(14, 256, 256, 3),
  conv(32, 16, 16, 3),
  conv(14, 16, 32, 3),
  conv(56, 64, 128, 3, { stride: 2 }),
  conv(224, 3, 32, 3, { stride: 2 }),
  conv(56, 64, 128, 1),
  conv(28, 128, 256, 1, { quick: true }),
  conv(14, 256, 512, 1),
  conv(7, 512, 1024, 1),
  depthwise(112, 32, 3, { quick: true }),
  depthwise(112, 64, 3, { stride: 2 }),
  depthwise(56, 128, 3),
  depthwise(28, 256, 3, { stride: 2 }),
  depthwise(14, 512, 3),
  depthwise(28, 240, 5),
  depthwise(56, 144, 5, { stride: 2 }),
];
