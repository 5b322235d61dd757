/** From bytes to the network's values: crop, mirror, colour jitter, normalisation in one pass. */
import { type Random } from '../engine/random.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { type Placement } from './geometry.ts';
import { type RawImage } from './sample.ts';

type Normalize = DataConfig['normalize'];

/** Contrast about the data's mean, then brightness, then saturation about each pixel's grey. */
export interface ColourJitter {
  readonly contrast: number;
  /** Added, 0 to 255. */
  readonly brightness: number;
  readonly saturation: number;
}

const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Writes the placed window of `resized` into `target` ([H, W, 3], H and W of the input).
 * @param inputWidth W
 */
export function writeWindow(resized: RawImage, placement: Placement, jitter: ColourJitter | undefined, normalize: Normalize, target: Float32Array, inputWidth: number): void {
  const tables = jitter === undefined ? normalizing(normalize) : undefined;
  const { width, height, flipX, flipY, cropX, cropY } = placement;
  const step = flipX ? -3 : 3;
  for (let y = 0; y < height; y += 1) {
    const row = cropY + (flipY ? height - 1 - y : y);
    let from = (row * resized.width + cropX + (flipX ? width - 1 : 0)) * 3;
    let to = ((placement.top + y) * inputWidth + placement.left) * 3;
    for (let x = 0; x < width; x += 1, from += step, to += 3) {
      if (tables !== undefined) copyPixel(resized.data, from, target, to, tables);
      else if (jitter !== undefined) jitterPixel(resized.data, from, target, to, jitter, normalize);
    }
  }
}

type Tables = readonly [Float32Array, Float32Array, Float32Array];

function normalizing({ mean, std }: Normalize): Tables {
  const table = (channel: 0 | 1 | 2): Float32Array => Float32Array.from({ length: 256 }, (_, value) => (value - mean[channel]) / std[channel]);
  return [table(0), table(1), table(2)];
}

function copyPixel(data: Uint8Array, from: number, target: Float32Array, to: number, tables: Tables): void {
  target[to] = tables[0][data[from] ?? 0] ?? 0;
  target[to + 1] = tables[1][data[from + 1] ?? 0] ?? 0;
  target[to + 2] = tables[2][data[from + 2] ?? 0] ?? 0;
}

function jitterPixel(data: Uint8Array, from: number, target: Float32Array, to: number, jitter: ColourJitter, { mean, std }: Normalize): void {
  const { contrast, brightness, saturation } = jitter;
  const red = contrast * ((data[from] ?? 0) - mean[0]) + mean[0] + brightness;
  const green = contrast * ((data[from + 1] ?? 0) - mean[1]) + mean[1] + brightness;
  const blue = contrast * ((data[from + 2] ?? 0) - mean[2]) + mean[2] + brightness;
  const grey = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue;
  target[to] = (byteRange(grey + saturation * (red - grey)) - mean[0]) / std[0];
  target[to + 1] = (byteRange(grey + saturation * (green - grey)) - mean[1]) / std[1];
  target[to + 2] = (byteRange(grey + saturation * (blue - grey)) - mean[2]) / std[2];
}

/** Standard deviation of the noise in parts of the range: the weakest of the usual corruption benchmark (Hendrycks & Dietterich 2019). */
const NOISE = 0.08;

/** A copy with Gaussian noise on every value, held within the range. */
export function noisy({ width, height, data }: RawImage, random: Random): RawImage {
  return { width, height, data: Uint8Array.from(data, (value) => Math.round(byteRange(value + random.normal(0, NOISE * 255)))) };
}

function byteRange(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
