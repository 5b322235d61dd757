/** Whether teacher and student can be paired at all, as far as the file tells; the methods look again at the built networks. */
import { type DetectorOutline, outlineOf } from './defaults.ts';
import { type Shared } from './methods/card.ts';
import { METHOD_CARDS } from './methods/index.ts';
import { type KeyPath } from './keyPath.ts';
import { didYouMean, type Finding } from './problems.ts';
import { type Experiment, type MethodConfig, type TeacherConfig } from './schema.ts';
import { lessonsOf, teacherPath, teachersOf } from './teachers.ts';

export function checkPair(experiment: Experiment): readonly Finding[] {
  const student = outlineOf(experiment.student);
  const teachers = teachersOf(experiment);
  const [first] = teachers;
  return [
    ...(first === undefined ? [] : checkInherit(experiment.student.inherit, outlineOf(first), student)),
    ...teachers.flatMap((teacher, index) => checkMethods(experiment, teacher, [...teacherPath(experiment, index), 'methods'])),
    // Without a teacher the student is asked about itself.
    ...(teachers.length === 0 ? [undefined] : teachers).flatMap((teacher) => lessonsOf(experiment, teacher ?? {}).flatMap(([index, options]) => {
      const refused = refusal(options, outlineOf(teacher ?? experiment.student), student);
      return refused === undefined ? [] : [{ code: 'DL122' as const, message: `\`${options.method}\` cannot serve this pair: ${refused.reason}.`, path: ['distill', index, 'method'], advice: `${refused.advice}, or take another method.` }];
    })),
  ];
}

/** A teacher's `methods` must be those of `distill`. */
function checkMethods({ distill }: Experiment, { methods = [] }: TeacherConfig, path: KeyPath): readonly Finding[] {
  const known = distill.map(({ method }) => method as string);
  return methods.flatMap((method, index): Finding[] => {
    if (known.includes(method)) return [];
    const meant = didYouMean(method, known);
    const expected = known.length === 0 ? {} : { expected: `one of ${known.join(', ')}` };
    return [{ code: 'DL105', message: `\`${method}\` is not a method of \`distill\`.`, path: [...path, index], ...expected, got: method, ...(meant === undefined ? { advice: 'Add it to `distill`, or take it out here.' } : { advice: `Did you mean \`${meant}\`?`, replacement: meant }) }];
  });
}

function checkInherit(inherit: 'none' | 'head' | 'neck+head', teacher: DetectorOutline, student: DetectorOutline): readonly Finding[] {
  if (inherit === 'none') return [];
  const rows: readonly (readonly [string, number | string, number | string])[] = [
    ['detector', teacher.detector, student.detector],
    ['neck.channels', teacher.neckChannels, student.neckChannels],
    ['head.convs', teacher.headConvs, student.headConvs],
    ['head.norm', teacher.headNorm, student.headNorm],
    ['anchors per cell', teacher.anchorsPerCell, student.anchorsPerCell],
    ...(inherit === 'neck+head' ? [['neck.levels', teacher.levels, student.levels] as const] : []),
  ];
  return rows.filter(([, ofTeacher, ofStudent]) => ofTeacher !== ofStudent).map(([what, ofTeacher, ofStudent]) => ({
    code: 'DL123', message: `The student cannot inherit \`${inherit}\`: its ${what} differ from the teacher's.`, path: ['student', 'inherit'],
    expected: `${what} ${ofTeacher}, as the teacher`, got: `${what} ${ofStudent}`, advice: 'Make them equal, or set `inherit: none`.',
  }));
}

interface Refusal {
  readonly reason: string;
  readonly advice: string;
}

/** Why this method cannot serve the pair, as far as the file alone tells. */
function refusal(options: MethodConfig, teacher: DetectorOutline, student: DetectorOutline): Refusal | undefined {
  const { shares, detectors } = METHOD_CARDS[options.method];
  const needs = (what: Shared): boolean => shares.includes(what);
  if (detectors !== undefined && !detectors.includes(student.detector)) {
    return { reason: `it serves students of ${detectors.join(', ')}, and this one is ${student.detector}`, advice: `Use \`detector: ${detectors[0] ?? ''}\`` };
  }
  if (needs('levels') && teacher.levels !== student.levels) {
    return { reason: `it compares level by level, and the teacher has ${teacher.levels} levels, the student ${student.levels}`, advice: 'Give teacher and student the same `neck.levels`' };
  }
  if (needs('anchors') && teacher.anchorsPerCell !== student.anchorsPerCell) {
    return { reason: `it compares anchor by anchor, and the teacher has ${teacher.anchorsPerCell} anchors a cell, the student ${student.anchorsPerCell}`, advice: 'Give teacher and student the same `anchors`' };
  }
  const undistributed = [teacher, student].find(({ distribution }) => !distribution);
  if (needs('distribution') && undistributed !== undefined) {
    return { reason: `it compares distributions of box sides, which the ${undistributed === teacher ? 'teacher' : 'student'}'s ${undistributed.detector} does not predict`, advice: 'Use `detector: gfl` for teacher and student' };
  }
  if (needs('towers') && (teacher.headConvs !== student.headConvs || teacher.neckChannels !== student.neckChannels)) {
    return {
      reason: `it joins the towers of both heads, and the teacher's have ${teacher.headConvs} blocks of ${teacher.neckChannels} channels, the student's ${student.headConvs} of ${student.neckChannels}`,
      advice: 'Give teacher and student the same `head.convs` and `neck.channels`',
    };
  }
  return undefined;
}
