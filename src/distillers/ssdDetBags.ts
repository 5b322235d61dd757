/** SSD-Det's proposals: bags of shifted and scaled boxes around each object, and random boxes off all of them. */
import * as tf from '@tensorflow/tfjs';
import { area, iou, type Box, type GroundTruth } from '../engine/boxes.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { regionInputs, type LevelRule, type RoiMap } from '../engine/ops/roiAlign.ts';
import { type Random } from '../engine/random.ts';
import { type BatchTruth } from './distiller.ts';
import { at } from './shared/maps.ts';

/** A proposal relative to its box: move of the centre in the box's sides, factors of the sides. */
export type Offset = readonly [dx: number, dy: number, width: number, height: number];

/** All pairs of factors, width outside; each in its place, then to the left, to the right, up and down by a part of its own sides. */
export function bagOffsets(ratios: readonly number[], shake: number): Offset[] {
  const moves = shake === 0 ? [[0, 0]] as const : [[0, 0], [-shake, 0], [shake, 0], [0, -shake], [0, shake]] as const;
  return ratios.flatMap((width) => ratios.flatMap((height) => moves.map(([dx, dy]): Offset => [dx * width, dy * height, width, height])));
}

export function bagBoxes([x1, y1, x2, y2]: Box, offsets: readonly Offset[]): Box[] {
  const [width, height] = [x2 - x1, y2 - y1];
  return offsets.map(([dx, dy, w, h]) => {
    const [x, y] = [(x1 + x2) / 2 + dx * width, (y1 + y2) / 2 + dy * height];
    return [x - (w * width) / 2, y - (h * height) / 2, x + (w * width) / 2, y + (h * height) / 2];
  });
}

/** The same in the graph. @param boxes [B, 4] @returns [B, P, 4] */
export function bagTensor(boxes: tf.Tensor2D, offsets: readonly Offset[]): tf.Tensor3D {
  const shares = tf.tensor3d(Float32Array.from(offsets.flatMap(([dx, dy, w, h]) => [dx - w / 2, dy - h / 2, dx + w / 2, dy + h / 2])), [1, offsets.length, 4]);
  const [starts, ends] = tf.split(boxes, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
  const [sides, centres] = [tf.sub(ends, starts), tf.mul(tf.add(starts, ends), 0.5)];
  const twice = (pairs: tf.Tensor): tf.Tensor => tf.expandDims(tf.concat([pairs, pairs], 1), 1);
  return tf.add(twice(centres), tf.mul(shares, twice(sides)));
}

export interface SlotForm {
  readonly slots: number;
  readonly classes: number;
  readonly leastSide: number;
  readonly negatives: number;
  readonly offsets: readonly Offset[];
}

/** Indexes of the objects that are refined: large enough, at most `slots`, the largest where there are more; in the image's order. */
export function chosenObjects({ boxes }: GroundTruth, { slots, leastSide }: Pick<SlotForm, 'slots' | 'leastSide'>): number[] {
  const able = boxes.flatMap((box, index) => (Math.min(box[2] - box[0], box[3] - box[1]) >= leastSide ? [index] : []));
  return able.toSorted((a, b) => area(at(boxes, b)) - area(at(boxes, a))).slice(0, slots).sort((a, b) => a - b);
}

/** A place without object holds a box that divides nothing by 0 and counts nothing. */
const NOTHING: Box = [0, 0, 16, 16];

/**
 * @returns `boxes` [N, S, 4], `labels` [N, S, K] one-hot, `filled` [N, S], `limits` [N, 4] (0, 0, width, height of the content),
 * `negatives` [N, Q, 4], `apart` [N, Q]: 1 where a negative overlaps no proposal by 0.3
 */
export function slotInputs({ truth, contentSizes }: Pick<BatchTruth, 'truth' | 'contentSizes'>, form: SlotForm, random: Random): HostTensors {
  const { slots, classes, negatives, offsets } = form;
  const [boxes, labels, filled] = [float32([truth.length, slots, 4]), float32([truth.length, slots, classes]), float32([truth.length, slots])];
  const [random4, apart] = [float32([truth.length, negatives, 4]), float32([truth.length, negatives])];
  for (const [image, own] of truth.entries()) {
    const chosen = chosenObjects(own, form);
    for (let slot = 0; slot < slots; slot += 1) {
      const object = chosen[slot];
      const index = image * slots + slot;
      boxes.data.set(object === undefined ? NOTHING : at(own.boxes, object), index * 4);
      if (object === undefined) continue;
      filled.data[index] = 1;
      labels.data[index * classes + at(own.labels, object)] = 1;
    }
    const bags = own.boxes.flatMap((box) => bagBoxes(box, offsets));
    for (let index = 0; index < negatives; index += 1) {
      const box = randomBox(at(contentSizes, image), random);
      random4.data.set(box, (image * negatives + index) * 4);
      apart.data[image * negatives + index] = bags.every((proposal) => iou(proposal, box) < FAR) ? 1 : 0;
    }
  }
  const limits = float32([truth.length, 4], Float32Array.from(contentSizes.flatMap(([height, width]) => [0, 0, width, height])));
  return { boxes, labels, filled, limits, ...(negatives === 0 ? {} : { negatives: random4, apart }) };
}

const FAR = 0.3;
/** How far negatives may begin and end outside the image. */
const OUTSIDE = 0.2;

function randomBox([height, width]: readonly [number, number], random: Random): Box {
  const along = (size: number): [number, number] => {
    const from = random.uniform(-OUTSIDE, 1) * size;
    return [from, from + random.uniform() * ((1 + OUTSIDE) * size - from)];
  };
  const [[x1, x2], [y1, y2]] = [along(width), along(height)];
  return [x1, y1, x2, y2];
}

/** Sides of the window that an object's proposals are pooled from, in sides of its box: all proposals of both stages lie within. */
export const WINDOW = 3;

export function windowOf([x1, y1, x2, y2]: Box): Box {
  const [dx, dy] = [((WINDOW - 1) * (x2 - x1)) / 2, ((WINDOW - 1) * (y2 - y1)) / 2];
  return [x1 - dx, y1 - dy, x2 + dx, y2 + dy];
}

export interface PoolForm {
  readonly maps: readonly RoiMap[];
  readonly output: number;
  readonly levelOf: LevelRule;
}

/** Matrices of RoIAlign for each object's window and for the negatives. @param small what `slotInputs` made */
export function poolInputs(small: HostTensors, { maps, output, levelOf }: PoolForm): HostTensors {
  const boxesOf = (name: string): Box[][] => {
    const tensor = small[name];
    const [images = 0, count = 0] = tensor?.shape ?? [];
    return Array.from({ length: images }, (_, image) => Array.from({ length: count }, (__, index): Box => {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = tensor?.data.subarray((image * count + index) * 4, (image * count + index + 1) * 4) ?? [];
      return [x1, y1, x2, y2];
    }));
  };
  const [objects, negatives] = [boxesOf('boxes'), boxesOf('negatives')];
  const slots = objects[0]?.length ?? 0;
  const ofObject: LevelRule = ([x1, y1, x2, y2], levels) => {
    const [dx, dy] = [(x2 - x1) / WINDOW, (y2 - y1) / WINDOW];
    return levelOf([x1 + dx, y1 + dy, x2 - dx, y2 - dy], levels);
  };
  const windows = regionInputs('windows', objects.map((own) => own.map(windowOf)), { maps, slots, levelOf: ofObject, sampling: { output: WINDOW * output, samples: 'adaptive', aligned: true } });
  const others = negatives.length === 0 ? {} : regionInputs('others', negatives, { maps, slots: negatives[0]?.length ?? 0, levelOf, sampling: { output, samples: 2, aligned: true } });
  return { ...windows, ...others };
}
