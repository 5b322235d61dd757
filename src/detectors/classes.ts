/**
 * Which of a file's class outputs are ours. MMDetection's files have one output a class, in our order. torchvision's also have an unused
 * first one (its labels start at 1), and its COCO models one for each of COCO's 91 category ids, of which 80 exist.
 */
import { float32, type HostTensor } from '../engine/hostTensor.ts';

/** COCO's category ids that no object has. */
const UNUSED_COCO_IDS = new Set([0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);
const COCO_IDS = Array.from({ length: 91 }, (_, id) => id).filter((id) => !UNUSED_COCO_IDS.has(id));

export interface ClassChoice {
  /** For each of our classes the file's output. */
  readonly outputs: readonly number[];
  /** What was done, for the log. */
  readonly note: string;
}

/** @returns undefined if the file's outputs fit as they are or there is no telling which belong to us */
export function chooseClasses(inFile: number, ours: number): ClassChoice | undefined {
  if (inFile === 91 && ours === 80) return { outputs: COCO_IDS, note: 'of the file\'s 91 outputs the 80 that are COCO categories were taken, in the order of their ids' };
  if (inFile === ours + 1) return { outputs: Array.from({ length: ours }, (_, index) => index + 1), note: 'the file\'s unused first class output (torchvision counts classes from 1) was left out' };
  return undefined;
}

/** Rows anchor · K + class of a class layer, for the chosen classes. @param tensor [A · K, …] */
export function takeClasses(tensor: HostTensor, anchors: number, inFile: number, outputs: readonly number[]): HostTensor {
  const [rows = 0, ...rest] = tensor.shape;
  const width = tensor.data.length / rows;
  const result = float32([anchors * outputs.length, ...rest]);
  let row = 0;
  for (let anchor = 0; anchor < anchors; anchor += 1) {
    for (const output of outputs) {
      const from = (anchor * inFile + output) * width;
      result.data.set(tensor.data.subarray(from, from + width), row * width);
      row += 1;
    }
  }
  return result;
}
