/** ICD's instances on the host: each object of an image, and invented ones, as a description that the decoder is asked with. */
import { type Box, type GroundTruth } from '../engine/boxes.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type Random } from '../engine/random.ts';
import { at, type MapLevel } from './shared/maps.ts';
import { largestBoxes } from './shared/slots.ts';

export interface Instance {
  readonly box: Box;
  readonly label: number;
  /** False: invented. */
  readonly real: boolean;
  /** Offset of the described centre, in sides of the box. */
  readonly jitter: readonly [x: number, y: number];
}

export interface DescribedImage {
  readonly instances: readonly Instance[];
  /** Unpadded [height, width], which coordinates are divided by. */
  readonly size: readonly [number, number];
  /** [height, width] that normalised sides are multiplied by for the size classes; left out: `size`. */
  readonly pixelSize?: readonly [number, number];
}

/** Numbers of a coordinate's embedding. */
const EMBEDDED = 128;
const SIZES = 5;

/** Width of a description without its classes. */
export const DESCRIPTION = 2 * EMBEDDED + 2 * SIZES;

/**
 * `descriptions` [N, R, K + 266], `valid` [N, R], `real` [N, R], `sides` [N, R, 4] (left, top, right, bottom from the described centre,
 * normalised), `sideWeights` [N, R, 4] (1 / (side + opposite side) / number of real ones), `confidenceWeights` [N, R], `boxes` [N, R, 4].
 */
export function instanceInputs(images: readonly DescribedImage[], classes: number, slots: number): HostTensors {
  const width = classes + DESCRIPTION;
  const count = images.length * slots;
  const [descriptions, boxes, sides, sideWeights] = [width, 4, 4, 4].map((columns) => new Float32Array(count * columns)) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const [valid, real] = [new Float32Array(count), new Float32Array(count)];
  const all = images.flatMap(({ instances }) => instances.slice(0, slots));
  const objects = all.filter((instance) => instance.real).length;
  images.forEach((image, index) => {
    image.instances.slice(0, slots).forEach((instance, slot) => {
      const row = index * slots + slot;
      const { description, distances } = describe(instance, image, classes);
      descriptions.set(description, row * width);
      boxes.set(instance.box, row * 4);
      valid[row] = 1;
      if (!instance.real) return;
      real[row] = 1;
      sides.set(distances, row * 4);
      sideWeights.set(distances.map((distance, side) => 1 / Math.max(distance + at(distances, (side + 2) % 4), 1e-7) / objects), row * 4);
    });
  });
  const rows = [images.length, slots];
  return {
    descriptions: float32([...rows, width], descriptions), valid: float32(rows, valid), real: float32(rows, real), boxes: float32([...rows, 4], boxes),
    sides: float32([...rows, 4], sides), sideWeights: float32([...rows, 4], sideWeights),
    confidenceWeights: float32(rows, valid.map((value) => value / Math.max(1, all.length))),
  };
}

function describe({ box: [x1, y1, x2, y2], label, jitter }: Instance, { size: [height, width], pixelSize }: DescribedImage, classes: number): { description: number[]; distances: number[] } {
  const [left, top, right, bottom] = [x1 / width, y1 / height, x2 / width, y2 / height];
  const [across, down] = [right - left, bottom - top];
  const [x, y] = [(left + right) / 2 + jitter[0] * across, (top + bottom) / 2 + jitter[1] * down];
  const [pixelHeight, pixelWidth] = pixelSize ?? [height, width];
  const description = [
    ...oneHot(label, classes), ...embedding(x), ...embedding(y),
    ...oneHot(sizeClass(across * pixelWidth), SIZES), ...oneHot(sizeClass(down * pixelHeight), SIZES),
  ];
  return { description, distances: [x - left, y - top, right - x, bottom - y] };
}

/** ⌊1.44 ln(pixels) − 5⌋ held to 0 … 4: about the octave, from 64 pixels on. */
function sizeClass(pixels: number): number {
  return Math.floor(Math.min(Math.max(1.44 * Math.log(Math.max(pixels, 0)) - 5, 0), SIZES - 1));
}

function oneHot(index: number, count: number): number[] {
  return Array.from({ length: count }, (_, position) => (position === index ? 1 : 0));
}

/** Sines at the even places, then cosines at the odd ones, frequencies falling to 1 / 10000. */
function embedding(coordinate: number): number[] {
  const angles = Array.from({ length: EMBEDDED }, (_, index) => (coordinate * 2 * Math.PI) / 10_000 ** ((2 * Math.floor(index / 2)) / EMBEDDED));
  return [...angles.filter((_, index) => index % 2 === 0).map(Math.sin), ...angles.filter((_, index) => index % 2 === 1).map(Math.cos)];
}

export interface InventSettings {
  readonly classes: number;
  readonly jitter: number;
  readonly slots: number;
}

/** Invented instances for each real one, of an image that has any. */
const ROWS_PER_OBJECT = 6;
/** Least side of an object that is described, in pixels: the side loss divides by it. */
const LEAST_SIDE = 1;
/** Spread of an invented side around that of the object it is modelled on, and of sides where the batch has no object. */
const SPREAD = 0.3;
const ANYWHERE = { mean: 0.2, deviation: 0.1 };
const INVENTED_SIDE = { least: 0.002, most: 0.7 };
const INVENTED_CENTRE = { least: 0.03, most: 0.97 };

/**
 * The objects of each image, then invented ones to six rows an object (one row where there is none), as far as slots reach. An invented
 * instance takes class and rough sides of a random object of the batch, so that it is told from a real one by its place.
 */
export function inventInstances(truth: readonly GroundTruth[], sizes: readonly (readonly [number, number])[], { classes, jitter, slots }: InventSettings, random: Random): DescribedImage[] {
  const kept = truth.map((image) => largestBoxes(image, slots).filter(({ box }) => box[2] - box[0] >= LEAST_SIDE && box[3] - box[1] >= LEAST_SIDE));
  const models = kept.flatMap((own, image) => own.map(({ box, label }) => ({ label, width: (box[2] - box[0]) / at(sizes, image)[1], height: (box[3] - box[1]) / at(sizes, image)[0] })));
  const offset = (): [number, number] => [random.uniform(-jitter, jitter), random.uniform(-jitter, jitter)];
  return kept.map((own, image) => {
    const size = at(sizes, image);
    const rows = Math.min(Math.max(1, ROWS_PER_OBJECT * own.length), slots);
    const invent = (): Instance => {
      const model = models.length > 0 ? at(models, random.integer(models.length)) : undefined;
      const side = (of: number | undefined): number => clamp(of === undefined ? random.normal(ANYWHERE.mean, ANYWHERE.deviation) : of * random.normal(1, SPREAD), INVENTED_SIDE);
      const [width, height] = [side(model?.width), side(model?.height)];
      const [x, y] = [random.uniform(INVENTED_CENTRE.least, INVENTED_CENTRE.most), random.uniform(INVENTED_CENTRE.least, INVENTED_CENTRE.most)];
      const box: Box = [(x - width / 2) * size[1], (y - height / 2) * size[0], (x + width / 2) * size[1], (y + height / 2) * size[0]];
      return { box, label: model?.label ?? random.integer(classes), real: false, jitter: offset() };
    };
    const instances = own.map(({ box, label }): Instance => ({ box, label, real: true, jitter: offset() }));
    return { size, instances: [...instances, ...Array.from({ length: Math.max(0, rows - own.length) }, invent)] };
  });
}

function clamp(value: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.min(Math.max(value, least), most);
}

const EPSILON = 1e-6;

/**
 * Which tokens are padding, and where the others lie: `padding` [N, S]; `rows.<level>` [N, H] and `columns.<level>` [N, W], 0 … 2π over
 * the unpadded cells. @param strides of the levels
 */
export function tokenInputs(levels: readonly MapLevel[], strides: readonly number[], sizes: readonly (readonly [number, number])[]): HostTensors {
  const cells = (pixels: number, level: number, most: number): number => Math.min(most, Math.ceil(pixels / at(strides, level)));
  const phases = (valid: number, count: number): number[] => Array.from({ length: count }, (_, index) => (Math.min(index + 1, valid) / (valid + EPSILON)) * 2 * Math.PI);
  const padding = sizes.flatMap(([height, width]) => levels.flatMap(({ rows, columns, places }, level) =>
    Array.from({ length: places }, (_, place) => (Math.floor(place / columns) < cells(height, level, rows) && place % columns < cells(width, level, columns) ? 0 : 1))));
  const tokens = levels.reduce((sum, { places }) => sum + places, 0);
  const byLevel = levels.flatMap(({ name, rows, columns }, level) => [
    [`rows.${name}`, float32([sizes.length, rows], Float32Array.from(sizes.flatMap(([height]) => phases(cells(height, level, rows), rows))))],
    [`columns.${name}`, float32([sizes.length, columns], Float32Array.from(sizes.flatMap(([, width]) => phases(cells(width, level, columns), columns))))],
  ] as const);
  return { padding: float32([sizes.length, tokens], Float32Array.from(padding)), ...Object.fromEntries(byLevel) };
}
