/**
 * RoIAlign (He et al., Mask R-CNN, 2017) as torchvision samples: each region is cut into G × G bins, each bin is the mean of its
 * bilinear samples. Samples of a region form a grid, so all of them are two matrices, rows [G, H] and columns [G, W]: made on the host
 * in doubles, applied by two products. Exact and differentiable in the maps, where tfjs's `cropAndResize` is neither.
 */
import * as tf from '@tensorflow/tfjs';
import { type Box } from '../boxes.ts';
import { float32, type HostTensor, type HostTensors } from '../hostTensor.ts';
import { withGradient } from './gradient.ts';

/** A feature map: its cells, and the input pixels of one. */
export interface RoiMap {
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
}

export interface RoiSampling {
  /** G: bins along each side. */
  readonly output: number;
  /** Samples along each side of a bin; `adaptive`: as many as a bin is cells long, rounded up. */
  readonly samples: number | 'adaptive';
  /** True: half-pixel centres, any size. False: the older rule, without the shift and with sides of at least one cell. */
  readonly aligned: boolean;
}

/** [R, G, H] and [R, G, W], flat. */
export interface RoiMatrices {
  readonly rows: Float32Array;
  readonly columns: Float32Array;
}

/** @param boxes in input pixels; `undefined` gives matrices of 0, so a region of 0 */
export function roiMatrices(boxes: readonly (Box | undefined)[], { rows, columns, stride }: RoiMap, { output, samples, aligned }: RoiSampling): RoiMatrices {
  const result = { rows: new Float32Array(boxes.length * output * rows), columns: new Float32Array(boxes.length * output * columns) };
  const shift = aligned ? 0.5 : 0;
  const side = (from: number, to: number, cells: number, into: Float32Array, index: number): void => {
    const start = from / stride - shift;
    const length = to / stride - shift - start;
    fillSide(into.subarray(index * output * cells, (index + 1) * output * cells), cells, start, aligned ? length : Math.max(length, 1), samples);
  };
  for (const [index, box] of boxes.entries()) {
    if (box === undefined) continue;
    side(box[1], box[3], rows, result.rows, index);
    side(box[0], box[2], columns, result.columns, index);
  }
  return result;
}

/** One side of one region. @param matrix [G, cells] */
function fillSide(matrix: Float32Array, cells: number, start: number, length: number, samples: number | 'adaptive'): void {
  const output = matrix.length / cells;
  const bin = length / output;
  if (!Number.isFinite(bin)) return;
  // A region without length has no adaptive sample: its bins are 0.
  const count = samples === 'adaptive' ? Math.ceil(bin) : samples;
  for (let row = 0; row < output; row += 1) {
    const own = matrix.subarray(row * cells, (row + 1) * cells);
    for (let sample = 0; sample < count; sample += 1) addSample(own, start + (row + (sample + 0.5) / count) * bin, 1 / count);
  }
}

/** Further than a cell outside the map counts 0; up to a cell outside is held to the border. */
function addSample(weights: Float32Array, position: number, share: number): void {
  const last = weights.length - 1;
  if (!(position >= -1 && position <= weights.length)) return;
  const inside = Math.min(Math.max(position, 0), last);
  const before = Math.floor(inside);
  const part = inside - before;
  weights[before] = (weights[before] ?? 0) + share * (1 - part);
  if (part > 0) weights[before + 1] = (weights[before + 1] ?? 0) + share * part;
}

/** @param map [N, H, W, C] @param rows [N, R, G, H] @param columns [N, R, G, W] @returns [N·R, G, G, C], an image's regions together */
export function roiAlign(map: tf.Tensor4D, rows: tf.Tensor, columns: tf.Tensor): tf.Tensor4D {
  const [batch, height, width, channels] = map.shape;
  const [, regions = 0, output = 0] = rows.shape;
  const bins = batch * regions * output;
  // The columns of a region once for each of its rows: so nothing big is ever transposed.
  const across = (own: tf.Tensor): tf.Tensor3D =>
    tf.reshape(tf.tile(tf.reshape(own, [batch * regions, 1, output, width]), [1, output, 1, 1]), [bins, output, width]);
  const along = (own: tf.Tensor): tf.Tensor3D => tf.reshape(own, [batch, regions * output, height]);
  // Linear, so the gradient needs the matrices alone: what lies between the products, which is large, is not kept.
  return withGradient([map], () => {
    const between = tf.matMul(along(rows), tf.reshape<tf.Rank.R3>(map, [batch, height, width * channels]));
    const value = tf.matMul(across(columns), tf.reshape<tf.Rank.R3>(between, [bins, width, channels]));
    return { value: tf.reshape<tf.Rank.R4>(value, [batch * regions, output, output, channels]), saved: [rows, columns] };
  }, (gradient, [savedRows, savedColumns]) => {
    const between = tf.matMul(across(savedColumns as tf.Tensor), tf.reshape<tf.Rank.R3>(gradient, [bins, output, channels]), true);
    const cells = tf.matMul(along(savedRows as tf.Tensor), tf.reshape<tf.Rank.R3>(between, [batch, regions * output, width * channels]), true);
    return [tf.reshape(cells, map.shape)];
  });
}

/** Index of the pyramid level that a box belongs to, of `levels`. */
export type LevelRule = (box: Box, levels: number) => number;

/**
 * FPN's rule (Lin et al. 2017): ⌊canonical level + log2(√area / canonical size + 1e-8)⌋.
 * @param first number of the finest level, 3 for P3: log2 of its stride
 */
export function fpnLevel(first: number, canonical = { level: 4, size: 224 }): LevelRule {
  return (box, levels) => clampLevel(Math.floor(canonical.level + Math.log2(squareSide(box) / canonical.size + 1e-8)) - first, levels);
}

/** MMDetection's rule: ⌊log2(√area / finest scale + 1e-6)⌋. @param added to both sides first: some distillers count pixels, not lengths */
export function scaleLevel(finestScale = 56, added = 0): LevelRule {
  return (box, levels) => clampLevel(Math.floor(Math.log2(squareSide(box, added) / finestScale + 1e-6)), levels);
}

function squareSide([x1, y1, x2, y2]: Box, added = 0): number {
  return Math.sqrt(Math.max(0, x2 - x1 + added) * Math.max(0, y2 - y1 + added));
}

function clampLevel(level: number, levels: number): number {
  return Math.min(Math.max(level, 0), levels - 1);
}

export interface RegionLayout {
  readonly maps: readonly RoiMap[];
  readonly sampling: RoiSampling;
  /** R: regions of an image; what a list has beyond them is left out, what it lacks is filled with regions of 0. */
  readonly slots: number;
  /** Left out: every region is read from every level (`pooledLevels`). */
  readonly levelOf?: LevelRule;
}

/**
 * What the host feeds for `pooledRegions`: `<name>.rows.<level>` [N, R, G, H], `<name>.columns.<level>` [N, R, G, W], and
 * `<name>.filled` [N, R], 1 where there is a box. Shapes depend on the layout alone.
 * @param boxes of each image, in input pixels
 */
export function regionInputs(name: string, boxes: readonly (readonly Box[])[], { maps, sampling, slots, levelOf }: RegionLayout): HostTensors {
  const [images, output] = [boxes.length, sampling.output];
  const slotted = boxes.flatMap((own) => Array.from({ length: slots }, (_, slot) => own[slot]));
  const inputs: Record<string, HostTensor> = { [`${name}.filled`]: float32([images, slots], Float32Array.from(slotted, (box) => (box === undefined ? 0 : 1))) };
  for (const [level, map] of maps.entries()) {
    const here = slotted.map((box) => box !== undefined && (levelOf === undefined || levelOf(box, maps.length) === level) ? box : undefined);
    const { rows, columns } = roiMatrices(here, map, sampling);
    inputs[`${name}.rows.${level}`] = float32([images, slots, output, map.rows], rows);
    inputs[`${name}.columns.${level}`] = float32([images, slots, output, map.columns], columns);
  }
  return inputs;
}

/** Regions of each map by itself, [N·R, G, G, C] each; with a level rule those that belong elsewhere are 0. */
export function pooledLevels(name: string, maps: readonly tf.Tensor4D[], inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor4D[] {
  return maps.map((map, level) => {
    const [rows, columns] = [inputs[`${name}.rows.${level}`], inputs[`${name}.columns.${level}`]];
    if (rows === undefined || columns === undefined) throw new Error(`the matrices of ${name} at level ${level} were not fed`);
    return roiAlign(map, rows, columns);
  });
}

/** Each region from the level that it belongs to, [N·R, G, G, C]. All maps of the same width. */
export function pooledRegions(name: string, maps: readonly tf.Tensor4D[], inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor4D {
  return tf.addN(pooledLevels(name, maps, inputs));
}
