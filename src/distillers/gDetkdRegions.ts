/** G-DetKD's regions: an image's objects and the student's best detections, pooled from the student's own level and from all of the teacher's. */
import { iou, type Box } from '../engine/boxes.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { fpnLevel, regionInputs, type LevelRule, type RegionLayout } from '../engine/ops/roiAlign.ts';
import { type DetectorTraits } from '../detectors/detector.ts';
import { bestDetections } from './shared/detections.ts';
import { type BatchTruth } from './distiller.ts';
import { at, mapLevels } from './shared/maps.ts';
import { largestBoxes } from './shared/slots.ts';

export interface RegionSettings {
  readonly maxRegions: number;
  readonly nms: number;
  readonly poolSize: number;
  readonly overlap: number;
}

/** @param everyLevel whether each region is read from every level instead of its own */
export function layoutOf(traits: DetectorTraits, size: readonly [number, number], { maxRegions, poolSize }: RegionSettings, everyLevel: boolean): RegionLayout {
  const maps = mapLevels(traits, size).map(({ rows, columns }, index) => ({ rows, columns, stride: at(traits.levels, index).stride }));
  return { maps, slots: maxRegions, sampling: { output: poolSize, samples: 'adaptive', aligned: true }, ...(everyLevel ? {} : { levelOf: levelRule(traits) }) };
}

function levelRule({ levels }: DetectorTraits): LevelRule {
  return fpnLevel(Math.round(Math.log2(at(levels, 0).stride)));
}

/** The regions of each image, objects first. */
export function regionsOf({ truth }: BatchTruth, observed: HostTensors, { maxRegions, nms }: RegionSettings): Box[][] {
  const detections = bestDetections(observed, truth.length, { nms, most: maxRegions });
  return truth.map((image, index) => [...largestBoxes(image, maxRegions), ...at(detections, index)].map(({ box }) => box).slice(0, maxRegions));
}

/**
 * Matrices of RoIAlign under `student.…` and `teacher.…`; `boxes` [N, R, 4]; `studentLevel` [N, R, L_s] and `teacherLevel` [N, R, L_t], 1 at a
 * region's own level; `negatives` [N·R, N·R], 1 where the column's region may be told from the row's.
 */
export function regionTensors(regions: readonly (readonly Box[])[], student: DetectorTraits, teacher: DetectorTraits, size: readonly [number, number], settings: RegionSettings): HostTensors {
  const { maxRegions } = settings;
  const slotted = regions.flatMap((own) => Array.from({ length: maxRegions }, (_, slot) => own[slot]));
  const own = (traits: DetectorTraits): HostTensors[string] => {
    const [rule, count] = [levelRule(traits), traits.levels.length];
    const rows = slotted.flatMap((box) => Array.from({ length: count }, (_, level) => (box !== undefined && rule(box, count) === level ? 1 : 0)));
    return float32([regions.length, maxRegions, count], Float32Array.from(rows));
  };
  return {
    ...regionInputs('student', regions, layoutOf(student, size, settings, false)), ...regionInputs('teacher', regions, layoutOf(teacher, size, settings, true)),
    boxes: float32([regions.length, maxRegions, 4], Float32Array.from(slotted.flatMap((box) => [...(box ?? [0, 0, 0, 0])]))),
    studentLevel: own(student), teacherLevel: own(teacher), negatives: float32([slotted.length, slotted.length], negatives(slotted, maxRegions, settings.overlap)),
  };
}

/** Other regions of the batch, save those of the same image that overlap too much: they show the same. */
export function negatives(slotted: readonly (Box | undefined)[], slots: number, overlap: number): Float32Array {
  const count = slotted.length;
  const result = new Float32Array(count * count);
  for (const [row, own] of slotted.entries()) {
    for (const [column, other] of slotted.entries()) {
      if (own === undefined || other === undefined || row === column) continue;
      const sameImage = Math.floor(row / slots) === Math.floor(column / slots);
      if (!sameImage || iou(own, other) <= overlap) result[row * count + column] = 1;
    }
  }
  return result;
}
