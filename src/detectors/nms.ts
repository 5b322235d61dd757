/** Greedy non-maximum suppression within each class, exact, in doubles. */
import { iou, type Detection } from '../engine/boxes.ts';

/**
 * @param found any order @param threshold a box goes if a better one of its class overlaps it by more than this IoU
 * @returns best first; equal scores keep their order
 */
export function suppress(found: readonly Detection[], threshold: number, most: number): Detection[] {
  const kept: Detection[] = [];
  const byClass = new Map<number, Detection[]>();
  for (const detection of found.toSorted((a, b) => b.score - a.score)) {
    if (kept.length >= most) break;
    let rivals = byClass.get(detection.label);
    if (rivals === undefined) byClass.set(detection.label, (rivals = []));
    if (rivals.some((better) => iou(better.box, detection.box) > threshold)) continue;
    rivals.push(detection);
    kept.push(detection);
  }
  return kept;
}
