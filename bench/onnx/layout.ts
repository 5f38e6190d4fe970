/** From this library's layouts to those of ONNX and PyTorch: channels before rows and columns. */

/** [n, ...rest, c] to [n, c, ...rest], where `rest` is `cells` elements in all. Its own inverse with cells and channels swapped. */
export function channelsFirst<T extends { readonly length: number; slice(): T; [i: number]: number }>(
  data: T,
  n: number,
  cells: number,
  channels: number,
): T {
  const to = data.slice();
  for (let image = 0, at = 0; image < n; image++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < cells; p++) to[at++] = data[(image * cells + p) * channels + c];
  return to;
}
