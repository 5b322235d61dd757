/** What methods may ask of a teacher and a student before they are paired. Each check gives an error or nothing. */
import { type DetectorTraits } from '../detectors/detector.ts';
import { DistillError } from '../errors.ts';

export type Check = (teacher: DetectorTraits, student: DetectorTraits) => DistillError | undefined;

export function collect(teacher: DetectorTraits, student: DetectorTraits, checks: readonly Check[]): DistillError[] {
  return checks.flatMap((check) => check(teacher, student) ?? []);
}

/** Maps are compared cell by cell: the same levels at the same strides. */
export const sameLevels: Check = (teacher, student) => {
  const [expected, got] = [levelList(teacher), levelList(student)];
  if (expected === got) return undefined;
  return new DistillError('DL501', 'Teacher and student have different feature levels, so their maps cannot be compared cell by cell.', {
    expected: `the teacher's levels ${expected}`, got: `the student's levels ${got}`, advice: 'Give both the same `neck.levels` (and backbones whose strides agree).',
  });
};

/** Class scores are compared channel by channel: the same classes in the same order. */
export const sameClasses: Check = (teacher, student) => {
  const [expected, got] = [teacher.classes, student.classes];
  if (expected.length === got.length && expected.every((name, index) => name === got[index])) return undefined;
  const sameSet = [...expected].sort().join('\n') === [...got].sort().join('\n');
  return new DistillError('DL502', sameSet ? 'Teacher and student have the same classes in another order.' : 'Teacher and student have different classes.', {
    expected: `the teacher's classes ${expected.join(', ')}`, got: `the student's classes ${got.join(', ')}`,
    advice: 'List the classes in the teacher\'s order in `data.classes`, or train a teacher for these classes.',
  });
};

/** Candidates are compared one by one: the same anchors in each cell. */
export const sameAnchors: Check = (teacher, student) => {
  if (teacher.anchorsPerCell !== student.anchorsPerCell) {
    return new DistillError('DL503', 'Teacher and student have different numbers of anchors in a cell, so their predictions cannot be compared one by one.', {
      expected: `${teacher.anchorsPerCell} (teacher)`, got: `${student.anchorsPerCell} (student)`, advice: 'Give both the same `anchors` (octaves and ratios).',
    });
  }
  return undefined;
};

function levelList({ levels }: DetectorTraits): string {
  return levels.map(({ name, stride }) => `${name} (stride ${stride})`).join(', ');
}
