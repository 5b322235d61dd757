/** What evaluation takes and gives: plain data, the same for COCO's and VOC's rules. */
import { type Box } from '../engine/boxes.ts';

/** COCO's twelve numbers in 0…1, −1 where undefined (no object to find). The run's record has the same shape. */
export interface Metrics {
  AP: number; AP50: number; AP75: number; APs: number; APm: number; APl: number;
  AR1: number; AR10: number; AR100: number; ARs: number; ARm: number; ARl: number;
}

export interface EvaluatedImage {
  readonly index: number;
  readonly width: number;
  readonly height: number;
}

export interface EvaluatedObject {
  /** `index` of its image. */
  readonly image: number;
  /** Index into the classes. */
  readonly label: number;
  /** Pixels of the original image. */
  readonly box: Box;
  /** Annotated area in pixels: decides small, medium, large. */
  readonly area: number;
  readonly crowd: boolean;
  readonly difficult: boolean;
}

export interface EvaluationTruth {
  readonly images: readonly EvaluatedImage[];
  readonly objects: readonly EvaluatedObject[];
}

export interface EvaluationDetection {
  /** `index` of its image. */
  readonly image: number;
  readonly label: number;
  /** Pixels of the original image. */
  readonly box: Box;
  readonly score: number;
}

export interface Evaluation {
  readonly metrics: Metrics;
  readonly perClass: Record<string, Metrics>;
}

/** Mean of what is defined; −1 if nothing is. */
export function meanOfDefined(values: Iterable<number>): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value <= -1) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? -1 : sum / count;
}
