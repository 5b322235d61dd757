/** One image made ready for the network: resized, augmented, normalised, its boxes with it. */
import { area, type GroundTruth } from '../engine/boxes.ts';
import { type Random } from '../engine/random.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { contentSize, placeObjects, type Placement } from './geometry.ts';
import { type ImageCache } from './imageCache.ts';
import { decodeAt, resizeRaw, type Size } from './images.ts';
import { noisy, writeWindow, type ColourJitter } from './pixels.ts';
import { type AnnotatedImage, type Example, type RawImage } from './sample.ts';

export type PrepareConfig = Pick<DataConfig, 'size' | 'resize' | 'normalize' | 'augment'>;

export interface PrepareOptions {
  readonly cache?: ImageCache | undefined;
  /** Where mosaic draws its three further images from. */
  readonly pool?: readonly AnnotatedImage[] | undefined;
  /** [H, W, 3] zeros to write into; made if left out. */
  readonly target?: Float32Array | undefined;
}

/** What chance decided for one image, drawn in one go so that the order of work cannot change it. */
interface Draw {
  /** Factor on the resized image. */
  readonly scale: number;
  /** Where the window lies in what is larger than it, 0 to 1. */
  readonly alongX: number;
  readonly alongY: number;
  readonly flipX: boolean;
  readonly flipY: boolean;
  readonly jitter: ColourJitter | undefined;
  /** Largest parts of the resized image that the window takes. */
  readonly partX: number;
  readonly partY: number;
  /** Draws the noise; undefined for none. */
  readonly noise: Random | undefined;
}

const UNCHANGED: Draw = { scale: 1, alongX: 0, alongY: 0, flipX: false, flipY: false, jitter: undefined, partX: 1, partY: 1, noise: undefined };

/**
 * With `random`, the changes of `config.augment`; without, the image as evaluation sees it. A pure function of its arguments.
 * The padding is the mean colour, which normalisation makes 0.
 * @throws DistillError DL308 … DL310
 */
export async function prepareExample(image: AnnotatedImage, config: PrepareConfig, random: Random | undefined, options: PrepareOptions = {}): Promise<Example> {
  const [height, width] = config.size;
  const pixels = options.target ?? new Float32Array(height * width * 3);
  if (random === undefined) return single(image, config, UNCHANGED, pixels, options);
  const joined = random.chance(config.augment.mosaic) && (options.pool?.length ?? 0) > 0;
  if (joined) return mosaic(image, config, random, pixels, options);
  return single(image, config, bySizes(image, config, random, draw(random, config)), pixels, options);
}

function draw(random: Random, { augment }: PrepareConfig): Draw {
  const scale = random.uniform(augment.scale[0], augment.scale[1]);
  const [alongX, alongY] = [random.uniform(), random.uniform()];
  const [flipX, flipY] = [random.chance(augment.flip), random.chance(augment.flipVertical)];
  return { ...UNCHANGED, scale, alongX, alongY, flipX, flipY, jitter: drawJitter(random, augment.photometric) };
}

/**
 * IKD's changes by object size: noise may cover an image whose objects are all small, which keeps its whole surroundings; any other
 * image is cropped. Without objects all of them are small.
 */
function bySizes({ objects }: AnnotatedImage, { augment: { sizeAware } }: PrepareConfig, random: Random, chosen: Draw): Draw {
  if (sizeAware === undefined) return chosen;
  const { small, noise, crop: [least, most] } = sizeAware;
  const [partX, partY, isNoisy] = [random.uniform(least, most), random.uniform(least, most), random.chance(noise)];
  const allSmall = objects.every(({ box }) => area(box) < small ** 2);
  return allSmall ? { ...chosen, noise: isNoisy ? random : undefined } : { ...chosen, partX, partY };
}

/** At strength 1: contrast and saturation by up to a half, brightness by up to an eighth of the range. */
function drawJitter(random: Random, strength: number): ColourJitter | undefined {
  const [a, b, c] = [random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1)];
  if (strength === 0) return undefined;
  return { contrast: 1 + 0.5 * strength * a, brightness: 32 * strength * b, saturation: 1 + 0.5 * strength * c };
}

async function single(image: AnnotatedImage, config: PrepareConfig, chosen: Draw, pixels: Float32Array, options: PrepareOptions): Promise<Example> {
  const [height, width] = config.size;
  const base = contentSize(image, config.size, config.resize);
  const whole = scaled(base, chosen.scale);
  const resized = await resizedImage(image, base, whole, config, options.cache, chosen !== UNCHANGED);
  const limit: Size = { width: Math.min(width, part(whole.width, chosen.partX)), height: Math.min(height, part(whole.height, chosen.partY)) };
  const placement: Placement = {
    resized: whole,
    ...windowWithin(whole, limit, chosen),
    flipX: chosen.flipX,
    flipY: chosen.flipY,
    left: 0,
    top: 0,
  };
  writeWindow(chosen.noise === undefined ? resized : noisy(resized, chosen.noise), placement, chosen.jitter, config.normalize, pixels, width);
  return {
    image,
    pixels,
    truth: placeObjects(image.objects, image, placement, chosen !== UNCHANGED),
    contentSize: [placement.height, placement.width],
    scale: [whole.width / image.width, whole.height / image.height],
  };
}

/** Four images around a random centre, each filling its quarter (cropped, never padded). */
async function mosaic(image: AnnotatedImage, config: PrepareConfig, random: Random, pixels: Float32Array, options: PrepareOptions): Promise<Example> {
  const [height, width] = config.size;
  const pool = options.pool ?? [];
  const centreX = Math.round(random.uniform(0.3, 0.7) * width);
  const centreY = Math.round(random.uniform(0.3, 0.7) * height);
  const quarters = [[0, 0, centreX, centreY], [centreX, 0, width, centreY], [0, centreY, centreX, height], [centreX, centreY, width, height]] as const;
  const tiles = quarters.map((quarter, index) => ({ quarter, tile: index === 0 ? image : pool[random.integer(pool.length)] ?? image, chosen: draw(random, config) }));
  const truths = await Promise.all(tiles.map(({ quarter, tile, chosen }) => writeTile(tile, quarter, config, chosen, pixels, options)));
  const truth: GroundTruth = {
    boxes: truths.flatMap((part) => part.boxes),
    labels: truths.flatMap((part) => part.labels),
    ignored: truths.flatMap((part) => part.ignored),
  };
  return { image, pixels, truth, contentSize: [height, width], scale: [width / image.width, height / image.height] };
}

async function writeTile(image: AnnotatedImage, [x1, y1, x2, y2]: readonly [number, number, number, number], config: PrepareConfig, chosen: Draw, pixels: Float32Array, options: PrepareOptions): Promise<GroundTruth> {
  const quarter: Size = { width: x2 - x1, height: y2 - y1 };
  const base = contentSize(image, config.size, config.resize);
  const filling = Math.max(quarter.width / base.width, quarter.height / base.height);
  const factor = Math.max(filling, filling * chosen.scale);
  const whole: Size = { width: Math.max(quarter.width, Math.round(base.width * factor)), height: Math.max(quarter.height, Math.round(base.height * factor)) };
  const resized = await resizedImage(image, base, whole, config, options.cache, true);
  const placement: Placement = { resized: whole, ...windowWithin(whole, quarter, chosen), flipX: chosen.flipX, flipY: chosen.flipY, left: x1, top: y1 };
  writeWindow(resized, placement, chosen.jitter, config.normalize, pixels, config.size[1]);
  return placeObjects(image.objects, image, placement, true);
}

function windowWithin(whole: Size, limit: Size, chosen: Draw): { cropX: number; cropY: number; width: number; height: number } {
  const width = Math.min(whole.width, limit.width);
  const height = Math.min(whole.height, limit.height);
  return { width, height, cropX: Math.floor(chosen.alongX * (whole.width - width + 1)), cropY: Math.floor(chosen.alongY * (whole.height - height + 1)) };
}

function part(length: number, share: number): number {
  return Math.max(1, Math.round(length * share));
}

function scaled(size: Size, factor: number): Size {
  if (factor === 1) return size;
  return { width: Math.max(1, Math.round(size.width * factor)), height: Math.max(1, Math.round(size.height * factor)) };
}

/**
 * The image at `whole`, by way of the cached form: its size in the input or, where jitter enlarges, the largest that jitter asks for
 * (but never more than the original has).
 */
async function resizedImage(image: AnnotatedImage, base: Size, whole: Size, config: PrepareConfig, cache: ImageCache | undefined, augmented: boolean): Promise<RawImage> {
  const original = image.width / base.width;
  const largest = augmented ? Math.max(1, Math.min(config.augment.scale[1], original)) : 1;
  const kept = scaled(base, largest);
  const make = (): Promise<RawImage> => atSize(image, kept);
  const form = `${kept.width}x${kept.height}`;
  return resizeRaw(cache === undefined ? await make() : await cache.get(image, form, make), whole);
}

async function atSize(image: AnnotatedImage, size: Size): Promise<RawImage> {
  if (image.source?.kind === 'file') return decodeAt(image.source, image, size);
  return resizeRaw(await image.pixels(), size);
}
