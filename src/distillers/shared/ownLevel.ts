/** Which level of a pyramid an object counts at, for methods that give each object one. */
import { type Box } from '../../engine/boxes.ts';
import { scaleLevel, type LevelRule } from '../../engine/ops/roiAlign.ts';

/** FGFI's and DeFeat's: the finest level up to a side of 112 pixels, the next one up to 224, …; pixels are counted with both ends. */
const bySide = scaleLevel(56, 1);

/** The boxes of each image that count at a level of `levels`. */
export function boxesAt(level: number, levels: number, boxes: readonly (readonly Box[])[], rule: LevelRule = bySide): Box[][] {
  return boxes.map((own) => own.filter((box) => rule(box, levels) === level));
}
