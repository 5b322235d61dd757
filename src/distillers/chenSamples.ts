/** The rows that Chen et al.'s losses are taken over: anchors drawn from each image, on the host, in slots of a fixed number. */
import { encode } from '../detectors/boxCoder.ts';
import { type Assignment, type DeltaCoding } from '../detectors/detector.ts';
import { float32, int32, type HostTensors } from '../engine/hostTensor.ts';
import { Random } from '../engine/random.ts';
import { anchorBox } from '../detectors/atssThresholds.ts';
import { type BatchTruth } from './distiller.ts';
import { at } from './shared/maps.ts';

export interface SampleSettings {
  /** Slots of an image. */
  readonly rows: number;
  readonly foregroundShare: number;
  /** Left out where boxes are not deltas of anchors. */
  readonly coding?: DeltaCoding;
}

/** Anchors of one image: at most a share with objects, the rest background; fewer where there are not enough. */
export function sampleAnchors(assignment: Assignment, { rows, foregroundShare }: SampleSettings, random: Random): Int32Array {
  const of = (wanted: (object: number) => boolean): Int32Array => {
    const found = new Int32Array(assignment.length);
    let count = 0;
    assignment.forEach((object, index) => { if (wanted(object)) found[count++] = index; });
    return found.subarray(0, count);
  };
  const foreground = draw(of((object) => object > 0), Math.floor(rows * foregroundShare), random);
  const background = draw(of((object) => object === 0), rows - foreground.length, random);
  return Int32Array.from([...foreground, ...background]);
}

/** The first steps of a shuffle, in place. */
function draw(items: Int32Array, count: number, random: Random): Int32Array {
  const taken = Math.min(count, items.length);
  if (taken === items.length) return items;
  for (let place = 0; place < taken; place += 1) {
    const other = place + random.integer(items.length - place);
    [items[place], items[other]] = [items[other] ?? 0, items[place] ?? 0];
  }
  return items.subarray(0, taken);
}

/**
 * With R = N · rows slots: `rows` int32 [R, 1], the anchor of each among all of the batch; `labels` int32 [R], 0 background, class + 1;
 * `weights` [R], 1 / (slots in use), 0 for empty slots; `foreground` [R], the same for rows with an object only; `targets` [R, 4], their
 * deltas.
 */
export function sampleInputs({ truth, assignments, inputSize, random = Random.of(0) }: BatchTruth, settings: SampleSettings): HostTensors {
  const anchors = at(assignments, 0).length;
  const slots = truth.length * settings.rows;
  const [rows, labels, used] = [new Int32Array(slots), new Int32Array(slots), new Float32Array(slots)];
  const targets = new Float32Array(slots * 4);
  const corners = settings.coding?.anchors(inputSize) ?? new Float32Array(0);
  truth.forEach((image, index) => {
    const assigned = at(assignments, index);
    sampleAnchors(assigned, settings, random).forEach((anchor, place) => {
      const slot = index * settings.rows + place;
      rows[slot] = index * anchors + anchor;
      used[slot] = 1;
      const object = assigned[anchor] ?? 0;
      if (object === 0) return;
      labels[slot] = at(image.labels, object - 1) + 1;
      if (settings.coding === undefined) return;
      const deltas = encode(anchorBox({ corners, perLevel: [] }, anchor), at(image.boxes, object - 1));
      targets.set(deltas.map((delta, side) => delta / at(settings.coding?.deviations ?? [1, 1, 1, 1], side)), slot * 4);
    });
  });
  const share = 1 / Math.max(1, used.reduce((sum, value) => sum + value, 0));
  return {
    rows: int32([slots, 1], rows), labels: int32([slots], labels), targets: float32([slots, 4], targets),
    weights: float32([slots], used.map((value) => value * share)), foreground: float32([slots], used.map((value, slot) => ((labels[slot] ?? 0) > 0 ? value * share : 0))),
  };
}
