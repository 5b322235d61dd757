/** What a run recorded, in the order in which it is looked at. Pure. */
import { type PictureMark, type RunModel } from '../model.ts';

/** Recorded steps of the student, or of the first arm that recorded any; of each step the latest. */
export function recordingsOf({ pictures }: Pick<RunModel, 'pictures'>): PictureMark[] {
  const arm = pictures.some((mark) => mark.arm === 'student') ? 'student' : pictures[0]?.arm;
  const latest = new Map(pictures.filter((mark) => mark.arm === arm).map((mark) => [mark.step, mark]));
  return [...latest.values()].sort((a, b) => a.step - b.step);
}
