/** What two runs recorded at the same step, of the same image, by the same mask. Pure. */
import { type PictureIndex } from '../../src/experiment/record.ts';
import { type RunModel } from '../model.ts';
import { recordingsOf } from '../masks/recordings.ts';
import { type Level, type MaskChoice, type PaneContent, choicesOf, levelsOf, panesOf } from '../masks/selection.ts';

export interface Recorded {
  readonly index: PictureIndex;
  readonly values: Float32Array;
}

export interface CommonStep {
  readonly step: number;
  readonly left: string;
  readonly right: string;
}

export function commonSteps(left: RunModel, right: RunModel): CommonStep[] {
  const others = new Map(recordingsOf(right).map(({ step, folder }) => [step, folder]));
  return recordingsOf(left).flatMap(({ step, folder }) => {
    const other = others.get(step);
    return other === undefined ? [] : [{ step, left: folder, right: other }];
  });
}

/** Maps that both have; bars, matrices and boxes are seen in each run's own panel. */
export function commonChoices(left: Recorded, right: Recorded): MaskChoice[] {
  const others = new Set(choicesOf(right.index).map(({ key }) => key));
  return choicesOf(left.index).filter(({ key, form }) => form === 'map' && others.has(key));
}

export function commonLevels(left: Recorded, right: Recorded, choice: MaskChoice): Level[] {
  const others = new Map(levelsOf(right.index, choice).map(({ name, stride }) => [name, stride]));
  return levelsOf(left.index, choice).filter(({ name, stride }) => others.get(name) === stride);
}

export interface Pair {
  readonly left: PaneContent | undefined;
  readonly right: PaneContent | undefined;
  /** Right less left; left out where their shapes are not the same. */
  readonly difference: PaneContent | undefined;
}

/** The student's mask in both runs, or the masks that belong to neither network. */
export function pairsOf(left: Recorded, right: Recorded, choice: MaskChoice, level: string, image: number): Pair[] {
  const own = (of: Recorded): PaneContent[] => {
    const panes = panesOf(of.index, of.values, choice, level, image);
    const students = panes.filter(({ role }) => role === 'student' || role === 'shared');
    return students.length > 0 ? students : panes.filter(({ role }) => role !== 'teacher');
  };
  const [mine, others] = [own(left), own(right)];
  return Array.from({ length: Math.max(mine.length, others.length) }, (_, at) => {
    const [a, b] = [mine[at], others[at]];
    return { left: a, right: b, difference: differenceOf(a, b) };
  });
}

function differenceOf(left: PaneContent | undefined, right: PaneContent | undefined): PaneContent | undefined {
  if (left === undefined || right === undefined) return undefined;
  if (left.shape.join() !== right.shape.join() || left.stride !== right.stride) return undefined;
  return { ...right, role: 'difference', signed: true, values: right.values.map((value, at) => value - (left.values[at] ?? NaN)) };
}
