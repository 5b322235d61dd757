/** Whether teacher and student can be paired at all, as far as the file tells; the methods look again at the built networks. */
import { type DetectorOutline, outlineOf } from './defaults.ts';
import { type Finding } from './problems.ts';
import { type Experiment, type MethodConfig } from './schema.ts';

export function checkPair({ teacher, student, distill }: Experiment): readonly Finding[] {
  if (teacher === undefined) return [];
  const of = { teacher: outlineOf(teacher), student: outlineOf(student) };
  return [
    ...checkInherit(student.inherit, of.teacher, of.student),
    ...distill.flatMap((options, index) => {
      const reason = refusal(options, of.teacher, of.student);
      return reason === undefined ? [] : [{ code: 'DL122' as const, message: `\`${options.method}\` cannot serve this pair: ${reason}.`, path: ['distill', index, 'method'], advice: 'Give teacher and student the same `neck.levels` and `anchors`, or take another method.' }];
    }),
  ];
}

function checkInherit(inherit: 'none' | 'head' | 'neck+head', teacher: DetectorOutline, student: DetectorOutline): readonly Finding[] {
  if (inherit === 'none') return [];
  const rows: readonly (readonly [string, number | string, number | string])[] = [
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

function refusal(options: MethodConfig, teacher: DetectorOutline, student: DetectorOutline): string | undefined {
  if (teacher.levels !== student.levels) return `it compares level by level, and the teacher has ${teacher.levels} levels, the student ${student.levels}`;
  const comparesPredictions = options.method === 'rm' || options.method === 'pfi';
  if (comparesPredictions && teacher.anchorsPerCell !== student.anchorsPerCell) {
    return `it compares anchor by anchor, and the teacher has ${teacher.anchorsPerCell} anchors a cell, the student ${student.anchorsPerCell}`;
  }
  return undefined;
}
