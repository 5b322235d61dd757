/** Where a scene's objects are: poses, coverage, boxes. Cheap, so that boxes are known without painting. */
import { area, clip, iou, type Box } from '../engine/boxes.ts';
import { Random } from '../engine/random.ts';
import { bounds, cover, type Coverage } from './raster.ts';
import { type SceneSpec, type Split } from './sample.ts';
import { isShape, outline, SHAPES } from './shapes.ts';

export interface PlacedShape {
  /** Index into the scene's classes. */
  readonly label: number;
  /** Tight around the part of the shape that lies in the image, whether or not a later object hides some of it. */
  readonly box: Box;
  readonly coverage: Coverage;
}

/** The size at which radii are what the constants say. */
const REFERENCE = 128;
const SMALLEST_RADIUS = 5;
const LARGEST_RADIUS = 30;
const MOST_HIDDEN = 0.45;
const MOST_OVERLAP = 0.45;
/** Share of a shape's box that must lie in the image. */
const LEAST_INSIDE = 0.6;
const TRIES = 16;

/** Independent sequences for layout (0) and paint (1) of every scene of both splits. */
export function sceneRandom(spec: SceneSpec, index: number, stage: 0 | 1): Random {
  const splitKey: Readonly<Record<Split, number>> = { train: 1, val: 2 };
  return Random.of(spec.seed, 0x7363656e, splitKey[spec.split], index, stage);
}

/** In drawing order: later ones lie on top. */
export function layOut(spec: SceneSpec, index: number): PlacedShape[] {
  const random = sceneRandom(spec, index, 0);
  // A little more often many than few: about 4.8 an image.
  const wanted = 1 + Math.floor(8 * random.uniform() ** 0.8);
  const placed: PlacedShape[] = [];
  const visible: Float32Array[] = [];
  for (let tries = 0; placed.length < wanted && tries < wanted * TRIES; tries += 1) {
    const candidate = draw(spec, random);
    if (candidate === undefined || placed.some((other) => iou(other.box, candidate.box) > MOST_OVERLAP)) continue;
    const left = placed.map((other, i) => leaves(other.coverage, visible[i] ?? other.coverage.values, candidate.coverage));
    if (left.some((values, i) => total(values) < (1 - MOST_HIDDEN) * total(placed[i]?.coverage.values ?? values))) continue;
    for (const [i, values] of left.entries()) visible[i] = values;
    placed.push(candidate);
    visible.push(candidate.coverage.values);
  }
  return placed;
}

function draw(spec: SceneSpec, random: Random): PlacedShape | undefined {
  const [height, width] = spec.size;
  const unit = Math.min(height, width) / REFERENCE;
  const label = random.integer(spec.classes.length);
  const name = spec.classes[label] ?? '';
  const low = Math.log(Math.max(4, SMALLEST_RADIUS * unit));
  const high = Math.log(Math.max(8, LARGEST_RADIUS * unit));
  const radius = Math.exp(random.uniform(low, high));
  const margin = 0.7 * radius;
  const x = random.uniform(margin, width - margin);
  const y = random.uniform(margin, height - margin);
  const rotation = random.uniform(0, 2 * Math.PI);
  const aspect = random.uniform(1 - 0.18, 1 + 0.18);
  const contours = outline(isShape(name) ? name : SHAPES[0], { x, y, radius, rotation, aspect });
  const whole = bounds(contours);
  const coverage = cover(contours, width, height);
  const box = insideExtent(coverage, clip(whole, width, height));
  return area(box) < LEAST_INSIDE * area(whole) ? undefined : { label, box, coverage };
}

/** Of a shape that is cut by the border, the part that is left may reach less far along the border than the whole did. */
function insideExtent(coverage: Coverage, box: Box): Box {
  let [x1, y1, x2, y2] = [coverage.width, coverage.height, 0, 0];
  for (let y = 0; y < coverage.height; y += 1) {
    for (let x = 0; x < coverage.width; x += 1) {
      if ((coverage.values[y * coverage.width + x] ?? 0) <= 0) continue;
      x1 = Math.min(x1, x);
      x2 = Math.max(x2, x + 1);
      y1 = Math.min(y1, y);
      y2 = Math.max(y2, y + 1);
    }
  }
  const { left, top } = coverage;
  return [Math.max(box[0], left + x1), Math.max(box[1], top + y1), Math.min(box[2], left + x2), Math.min(box[3], top + y2)];
}

/** What stays visible of `below` once `above` lies on it. */
function leaves(below: Coverage, visible: Float32Array, above: Coverage): Float32Array {
  const x1 = Math.max(below.left, above.left);
  const x2 = Math.min(below.left + below.width, above.left + above.width);
  const y1 = Math.max(below.top, above.top);
  const y2 = Math.min(below.top + below.height, above.top + above.height);
  if (x1 >= x2 || y1 >= y2) return visible;
  const left = visible.slice();
  for (let y = y1; y < y2; y += 1) {
    for (let x = x1; x < x2; x += 1) {
      const at = (y - below.top) * below.width + x - below.left;
      const hidden = above.values[(y - above.top) * above.width + x - above.left] ?? 0;
      left[at] = (left[at] ?? 0) * (1 - Math.min(1, hidden));
    }
  }
  return left;
}

function total(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
