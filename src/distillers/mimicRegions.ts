/** Mimic's regions: the boxes of the objects, then the student's own best ones. On the host; nothing of it has a gradient. */
import { clip, type Box } from '../engine/boxes.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { fpnLevel, type RegionLayout } from '../engine/ops/roiAlign.ts';
import { bestDetections } from './shared/detections.ts';
import { type BatchTruth, type DistillerContext } from './distiller.ts';
import { at, mapLevels } from './shared/maps.ts';

export interface RegionSettings {
  readonly proposals: number;
  readonly nms: number;
  readonly output: number;
  readonly samples: number | 'adaptive';
  readonly aligned: boolean;
}

export function regionLayout({ student, inputSize }: DistillerContext, { proposals, output, samples, aligned }: RegionSettings): RegionLayout {
  return {
    maps: mapLevels(student, inputSize).map(({ rows, columns }, index) => ({ rows, columns, stride: at(student.levels, index).stride })),
    sampling: { output, samples, aligned }, slots: proposals, levelOf: fpnLevel(Math.round(Math.log2(at(student.levels, 0).stride))),
  };
}

/** At most `proposals` boxes of each image; predicted ones are cut at the border of the image. @param observed empty for none */
export function regionsOf({ truth, contentSizes }: BatchTruth, observed: HostTensors, { proposals, nms }: RegionSettings): Box[][] {
  const predicted = bestDetections(observed, truth.length, { nms, most: proposals });
  return truth.map(({ boxes }, image) => {
    const [height, width] = at(contentSizes, image);
    const inside = at(predicted, image).map(({ box }) => clip(box, width, height)).filter(([x1, y1, x2, y2]) => x2 > x1 && y2 > y1);
    return [...boxes, ...inside].slice(0, proposals);
  });
}

/** `boxes` [N, R, 4], 0 where there is none: for pictures. */
export function boxInputs(boxes: readonly (readonly Box[])[], slots: number): HostTensors {
  const corners = new Float32Array(boxes.length * slots * 4);
  boxes.forEach((own, image) => { own.forEach((box, slot) => { corners.set(box, (image * slots + slot) * 4); }); });
  return { boxes: float32([boxes.length, slots, 4], corners) };
}
