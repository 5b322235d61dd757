/** Whether teacher and student can be paired at all, as far as the file tells; the methods look again at the built networks. */
import { type DetectorOutline, outlineOf } from './defaults.ts';
import { type Partner, refusal } from './refusal.ts';
import { type KeyPath } from './keyPath.ts';
import { didYouMean, type Finding } from './problems.ts';
import { remove, repair, safeRepair, set } from './repairs.ts';
import { type Experiment, type TeacherConfig } from './schema.ts';
import { lessonsOf, teacherPath, teachersOf } from './teachers.ts';

export function checkPair(experiment: Experiment): readonly Finding[] {
  const student = outlineOf(experiment.student);
  const teachers = teachersOf(experiment);
  const [first] = teachers;
  return [
    ...(first === undefined ? [] : checkInherit(experiment.student.inherit, outlineOf(first), student, teacherPath(experiment, 0))),
    ...teachers.flatMap((teacher, index) => checkMethods(experiment, teacher, [...teacherPath(experiment, index), 'methods'])),
    ...(teachers.length === 0 ? checkMethodsWith(experiment, undefined, 0) : teachers.flatMap((teacher, index) => checkMethodsWith(experiment, teacher, index))),
  ];
}

/** What each method says to the pair. Without a teacher the student is asked about itself. */
function checkMethodsWith(experiment: Experiment, teacher: TeacherConfig | undefined, place: number): readonly Finding[] {
  const student: Partner = { ...outlineOf(experiment.student), path: ['student'] };
  const partner: Partner = teacher === undefined ? student : { ...outlineOf(teacher), path: teacherPath(experiment, place) };
  return lessonsOf(experiment, teacher ?? {}).flatMap(([index, options]) => {
    const refused = refusal(options, partner, student, ['distill', index]);
    if (refused === undefined) return [];
    const { reason, advice, differ = [], repairs = [], key } = refused;
    return [{
      code: 'DL122' as const, message: `\`${options.method}\` cannot serve this pair: ${reason}.`, path: ['distill', index, key ?? 'method'], advice: `${advice}, or take another method.`,
      related: differ.flatMap((inner) => [{ path: [...partner.path, ...inner], message: 'The teacher.' }, { path: [...student.path, ...inner], message: 'The student.' }]),
      repairs: [...repairs, ...(experiment.distill.length > 1 ? [repair(remove(['distill', index]))] : [])],
    }];
  });
}

/** A teacher's `methods` must be those of `distill`. */
function checkMethods({ distill }: Experiment, { methods = [] }: TeacherConfig, path: KeyPath): readonly Finding[] {
  const known = distill.map(({ method }) => method as string);
  return methods.flatMap((method, index): Finding[] => {
    if (known.includes(method)) return [];
    const meant = didYouMean(method, known);
    const expected = known.length === 0 ? {} : { expected: `one of ${known.join(', ')}` };
    return [{ code: 'DL105', message: `\`${method}\` is not a method of \`distill\`.`, path: [...path, index], ...expected, got: method, ...(meant === undefined ? { advice: 'Add it to `distill`, or take it out here.' } : { advice: `Did you mean \`${meant}\`?` }), repairs: [...(meant === undefined || methods.includes(meant) ? [] : [safeRepair(set([...path, index], meant))]), repair(remove([...path, index]))] }];
  });
}

function checkInherit(inherit: 'none' | 'head' | 'neck+head', teacher: DetectorOutline, student: DetectorOutline, at: KeyPath): readonly Finding[] {
  if (inherit === 'none') return [];
  const rows: readonly (readonly [what: string, key: KeyPath, ofTeacher: number | string, ofStudent: number | string])[] = [
    ['detector', ['detector'], teacher.detector, student.detector],
    ['neck.channels', ['neck', 'channels'], teacher.neckChannels, student.neckChannels],
    ['head.convs', ['head', 'convs'], teacher.headConvs, student.headConvs],
    ['head.norm', ['head', 'norm'], teacher.headNorm, student.headNorm],
    ['anchors per cell', ['anchors'], teacher.anchorsPerCell, student.anchorsPerCell],
    ...(inherit === 'neck+head' ? [['neck.levels', ['neck', 'levels'], teacher.levels, student.levels] as const] : []),
  ];
  const different = rows.filter(([, , ofTeacher, ofStudent]) => ofTeacher !== ofStudent);
  // Anchors are a set of numbers: those are copied by hand. Everything else can be set as the teacher has it, at once.
  const equal = different.some(([, [section]]) => section === 'anchors') ? [] : [repair(...different.map(([, key, ofTeacher]) => set(['student', ...key], ofTeacher)))];
  return different.map(([what, key, ofTeacher, ofStudent]) => ({
    code: 'DL123', message: `The student cannot inherit \`${inherit}\`: its ${what} differ from the teacher's.`, path: ['student', 'inherit'],
    expected: `${what} ${ofTeacher}, as the teacher`, got: `${what} ${ofStudent}`, advice: 'Make them equal, or set `inherit: none`.',
    related: [{ path: [...at, ...key], message: `The teacher: ${what} ${ofTeacher}.` }, { path: ['student', ...key], message: `The student: ${what} ${ofStudent}.` }],
    repairs: [...equal, repair(set(['student', 'inherit'], 'none'))],
  }));
}
