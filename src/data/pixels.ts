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
  const { width, height, flipX, flipY, cropX, cropY } = placement;
  const write = jitter === undefined ? copying(normalize) : jittering(jitter, normalize);
  for (let y = 0; y < height; y += 1) {
    const row = cropY + (flipY ? height - 1 - y : y);
    const from = (row * resized.width + cropX + (flipX ? width - 1 : 0)) * 3;
    write({ data: resized.data, from, step: flipX ? -3 : 3 }, target, ((placement.top + y) * inputWidth + placement.left) * 3, width);
  }
}

/** Where a row's pixels are read: `step` is −3 for a mirrored one. */
interface Source {
  readonly data: Uint8Array;
  readonly from: number;
  readonly step: number;
}

/** Writes a row of `width` pixels at `to`. Every pixel of every image passes here: the loops look nothing up but pixels. */
type RowWriter = (source: Source, target: Float32Array, to: number, width: number) => void;

function copying({ mean, std }: Normalize): RowWriter {
  const table = (channel: 0 | 1 | 2): Float32Array => Float32Array.from({ length: 256 }, (_, value) => (value - mean[channel]) / std[channel]);
  const [red, green, blue] = [table(0), table(1), table(2)];
  return ({ data, from, step }, target, to, width) => {
    for (let x = 0, at = from, into = to; x < width; x += 1, at += step, into += 3) {
      target[into] = red[data[at] as number] as number;
      target[into + 1] = green[data[at + 1] as number] as number;
      target[into + 2] = blue[data[at + 2] as number] as number;
    }
  };
}

function jittering({ contrast, brightness, saturation }: ColourJitter, { mean, std }: Normalize): RowWriter {
  const [meanRed, meanGreen, meanBlue] = mean;
  const [stdRed, stdGreen, stdBlue] = std;
  const [lumaRed, lumaGreen, lumaBlue] = LUMA;
  return ({ data, from, step }, target, to, width) => {
    for (let x = 0, at = from, into = to; x < width; x += 1, at += step, into += 3) {
      const red = contrast * ((data[at] as number) - meanRed) + meanRed + brightness;
      const green = contrast * ((data[at + 1] as number) - meanGreen) + meanGreen + brightness;
      const blue = contrast * ((data[at + 2] as number) - meanBlue) + meanBlue + brightness;
      const grey = lumaRed * red + lumaGreen * green + lumaBlue * blue;
      target[into] = (byteRange(grey + saturation * (red - grey)) - meanRed) / stdRed;
      target[into + 1] = (byteRange(grey + saturation * (green - grey)) - meanGreen) / stdGreen;
      target[into + 2] = (byteRange(grey + saturation * (blue - grey)) - meanBlue) / stdBlue;
    }
  };
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
