/** PGD's weight maps: a Gaussian for each object over the cells where the teacher predicts it best. On the host, in doubles. */
import { iou, liesIn, type Box, type GroundTruth } from '../engine/boxes.ts';
import { type Random } from '../engine/random.ts';
import { at } from './shared/maps.ts';

type Point = readonly [x: number, y: number];

/** The teacher's predictions for one image, candidates in the order of `Assignment`. */
export interface ImagePredictions {
  /** Class logits, [cells · A, K]. */
  readonly logits: ArrayLike<number>;
  /** Corners in input pixels, [cells · A, 4]. */
  readonly boxes: ArrayLike<number>;
}

export interface MapSetting {
  readonly classes: number;
  /** The teacher's: a cell is as good as its best anchor. */
  readonly anchorsPerCell: number;
  /** Centre of each cell, x and y in input pixels, flat. */
  readonly centres: ArrayLike<number>;
  readonly topK: number;
  readonly classExponent: number;
  readonly boxExponent: number;
  /** Read points as (y, x) in the test whether they lie in a box. */
  readonly swap: boolean;
  /** Whether cells in ignored regions count 0: detectors with anchors. */
  readonly clearIgnored: boolean;
  readonly noise: number;
}

/** Of all cells of an image, levels one after the other. */
export interface ImageMaps {
  readonly classification: Float64Array;
  readonly box: Float64Array;
  /** 1 where a cell's centre lies in no object. */
  readonly background: Float64Array;
  /** Best quality for any object, by the classification tower's exponent; for pictures. */
  readonly quality: Float64Array;
}

/** Closer than this to a side is outside. */
const MARGIN = 1e-10;
/** Keeps singular covariances invertible. */
const SINGULAR = 1e-10;

export function imageMaps({ boxes, labels, ignored }: GroundTruth, predictions: ImagePredictions, setting: MapSetting, random: Random): ImageMaps {
  const cells = setting.centres.length / 2;
  const maps: ImageMaps = { classification: new Float64Array(cells), box: new Float64Array(cells), background: new Float64Array(cells).fill(1), quality: new Float64Array(cells) };
  boxes.forEach((box, index) => {
    const fits = cellFits(box, at(labels, index), predictions, setting);
    fits.classification.forEach((quality, cell) => { maps.quality[cell] = Math.max(maps.quality[cell] ?? 0, quality); });
    spread(maps.classification, fits.classification, box, setting, random);
    spread(maps.box, fits.box, box, setting, random);
    for (let cell = 0; cell < cells; cell += 1) if (liesIn(testedPoint(setting, cell), box, MARGIN)) maps.background[cell] = 0;
  });
  if (setting.clearIgnored) {
    for (const region of ignored) {
      for (let cell = 0; cell < cells; cell += 1) {
        if (liesIn(pointOf(setting, cell), region, MARGIN)) [maps.classification[cell], maps.box[cell]] = [0, 0];
      }
    }
  }
  return maps;
}

/** Quality of each cell for one object: score^(1 − ξ) · IoU^ξ for both exponents, the best anchor each. */
function cellFits(box: Box, label: number, { logits, boxes }: ImagePredictions, { centres, classes, anchorsPerCell, classExponent, boxExponent }: MapSetting): { classification: Float64Array; box: Float64Array } {
  const cells = centres.length / 2;
  const result = { classification: new Float64Array(cells), box: new Float64Array(cells) };
  for (let candidate = 0; candidate < cells * anchorsPerCell; candidate += 1) {
    const first = candidate * 4;
    const overlap = iou([boxes[first] ?? 0, boxes[first + 1] ?? 0, boxes[first + 2] ?? 0, boxes[first + 3] ?? 0], box);
    const score = 1 / (1 + Math.exp(-(logits[candidate * classes + label] ?? 0)));
    const cell = Math.floor(candidate / anchorsPerCell);
    result.classification[cell] = Math.max(result.classification[cell] ?? 0, score ** (1 - classExponent) * overlap ** classExponent);
    result.box[cell] = Math.max(result.box[cell] ?? 0, score ** (1 - boxExponent) * overlap ** boxExponent);
  }
  return result;
}

/** Adds one object's Gaussian; where objects meet the larger weight stays. */
function spread(map: Float64Array, quality: Float64Array, box: Box, setting: MapSetting, random: Random): void {
  const chosen = best(quality, setting.topK);
  const weights = gaussian(chosen.map((cell) => pointOf(setting, cell)), setting.noise, random);
  chosen.forEach((cell, index) => {
    if (liesIn(testedPoint(setting, cell), box, MARGIN)) map[cell] = Math.max(map[cell] ?? 0, at(weights, index));
  });
}

/** Indexes of the largest values, at most `count`; of equals the first. */
function best(values: Float64Array, count: number): number[] {
  const chosen: number[] = [];
  const value = (place: number): number => values[chosen[place] ?? -1] ?? Number.NEGATIVE_INFINITY;
  values.forEach((candidate, index) => {
    if (chosen.length === count && candidate <= value(count - 1)) return;
    let place = chosen.length;
    while (place > 0 && candidate > value(place - 1)) place -= 1;
    chosen.splice(place, 0, index);
    if (chosen.length > count) chosen.pop();
  });
  return chosen;
}

/** exp(−½ (p − μ)ᵀ Σ⁻¹ (p − μ)), μ and Σ (divided by K) of the points after noise. */
function gaussian(points: readonly Point[], noise: number, random: Random): number[] {
  const moved = noise === 0 ? points : points.map(([x, y]): Point => [x + random.uniform(-noise, noise), y + random.uniform(-noise, noise)]);
  const mean = (of: (point: Point) => number): number => moved.reduce((sum, point) => sum + of(point), 0) / moved.length;
  const [mx, my] = [mean(([x]) => x), mean(([, y]) => y)];
  const [xx, xy, yy] = [mean(([x]) => (x - mx) ** 2), mean(([x, y]) => (x - mx) * (y - my)), mean(([, y]) => (y - my) ** 2)];
  const determinant = xx * yy - xy * xy + SINGULAR;
  return points.map(([x, y]) => {
    const [dx, dy] = [x - mx, y - my];
    return Math.exp((-0.5 * (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy)) / determinant);
  });
}

function pointOf({ centres }: MapSetting, cell: number): Point {
  return [centres[cell * 2] ?? 0, centres[cell * 2 + 1] ?? 0];
}

function testedPoint(setting: MapSetting, cell: number): Point {
  const [x, y] = pointOf(setting, cell);
  return setting.swap ? [y, x] : [x, y];
}
