/** What methods may ask of a teacher and a student before they are paired. Each check gives an error or nothing. */
import { type DetectorTraits } from '../../detectors/detector.ts';
import { DistillError } from '../../errors.ts';
import { type MethodCard, type Shared } from '../../experiment/methods/card.ts';

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

/** Boxes are compared after decoding: both networks must be able to. */
export const decodableBoxes: Check = (teacher, student) => {
  const lacking = [teacher, student].find(({ boxCoding }) => boxCoding === undefined);
  if (lacking === undefined) return undefined;
  return new DistillError('DL511', `The method compares decoded boxes, which ${lacking.detector} does not have.`, { advice: 'Pair detectors that code boxes, or take a method that compares features or classes.' });
};

/** Sides of boxes are compared as distributions: both heads must predict them, over the same bins. */
export const sameDistribution: Check = (teacher, student) => {
  const [expected, got] = [binsOf(teacher), binsOf(student)];
  if (expected !== undefined && expected === got) return undefined;
  return new DistillError('DL514', 'The method compares distributions of box sides, which both heads must predict over the same bins.', {
    expected: expected === undefined ? 'a teacher with a distribution head (`detector: gfl`)' : `${expected} bins (teacher)`,
    got: got === undefined ? `a student without one (${student.detector})` : `${got} bins (student)`, advice: 'Use `detector: gfl` for both.',
  });
};

/** Towers of the heads are compared or joined: the same number of blocks, of the same width. */
export const sameTowers: Check = (teacher, student) => {
  const [expected, got] = [towerWords(teacher), towerWords(student)];
  if (expected === got && teacher.towers !== undefined) return undefined;
  return new DistillError('DL515', 'The towers of the two heads differ, and the method joins or compares them.', {
    expected: `the teacher's ${expected}`, got: `the student's ${got}`, advice: 'Give both the same `head.convs` and `neck.channels`.',
  });
};

const CHECKS: Readonly<Record<Shared, Check>> = {
  levels: sameLevels, classes: sameClasses, anchors: sameAnchors, boxes: decodableBoxes, distribution: sameDistribution, towers: sameTowers,
};

/** The checks that a method's card asks for. */
export function sharing({ title, shares, detectors }: MethodCard): Check[] {
  const served: Check = (_, student) => detectors === undefined || detectors.includes(student.detector) ? undefined
    : new DistillError('DL516', `${title} cannot serve a student of this detector.`, { expected: `one of ${detectors.join(', ')}`, got: student.detector, advice: 'Take another `student.detector` or another method; `distill-lab methods` lists what each serves.' });
  return [served, ...shares.map((what) => CHECKS[what])];
}

function binsOf({ boxCoding }: DetectorTraits): number | undefined {
  return boxCoding?.form === 'distribution' ? boxCoding.bins : undefined;
}

function towerWords({ towers }: DetectorTraits): string {
  return towers === undefined ? 'head without towers' : `${towers.blocks} blocks of ${towers.channels} channels`;
}

function levelList({ levels }: DetectorTraits): string {
  return levels.map(({ name, stride }) => `${name} (stride ${stride})`).join(', ');
}
