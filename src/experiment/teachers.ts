/** Teachers of an experiment: `teacher` is one section or a list of them. */
import { type KeyPath } from './keyPath.ts';
import { type Experiment, type MethodConfig, type TeacherConfig } from './schema.ts';

export function teachersOf({ teacher }: Pick<Experiment, 'teacher'>): readonly TeacherConfig[] {
  if (teacher === undefined) return [];
  return Array.isArray(teacher) ? teacher : [teacher];
}

/** Where a teacher stands in the file. */
export function teacherPath({ teacher }: Pick<Experiment, 'teacher'>, index: number): KeyPath {
  return Array.isArray(teacher) ? ['teacher', index] : ['teacher'];
}

/** The methods that a teacher teaches, with their places in `distill`. */
export function lessonsOf({ distill }: Pick<Experiment, 'distill'>, { methods }: Pick<TeacherConfig, 'methods'>): readonly (readonly [place: number, options: MethodConfig])[] {
  return distill.flatMap((options, place) => (methods === undefined || methods.includes(options.method) ? [[place, options] as const] : []));
}

export interface Stage {
  /** First step, and the step after the last. */
  readonly from: number;
  readonly to: number;
  /** Indexes of the teachers. */
  readonly teachers: readonly number[];
}

/** The parts of a run: one, or one a teacher where they teach one after the other. */
export function stagesOf(experiment: Pick<Experiment, 'teacher' | 'teaching'>, steps: number): readonly Stage[] {
  const all = teachersOf(experiment).map((_, index) => index);
  if (experiment.teaching === 'together' || all.length < 2) return [{ from: 0, to: steps, teachers: all }];
  return all.map((index) => ({ from: Math.round((steps * index) / all.length), to: Math.round((steps * (index + 1)) / all.length), teachers: [index] }));
}

/** Steps of the shortest part, 0 where there are more teachers than steps. */
export function shortestStage(experiment: Pick<Experiment, 'teacher' | 'teaching'>, steps: number): number {
  return Math.min(...stagesOf(experiment, steps).map(({ from, to }) => to - from));
}

/** Names of a method's copies with several teachers at once: `fgd` with the first, `fgd_2` with the second. */
export function lessonId(method: string, teacher: number): string {
  return teacher === 0 ? method : `${method}_${teacher + 1}`;
}

/** Back from `lessonId`; no method's own name has the sign. @returns `copy` is empty for the first teacher's */
export function lessonParts(id: string): { readonly method: string; readonly copy: string } {
  const [method = id, copy] = id.split('_');
  return { method, copy: copy === undefined ? '' : `_${copy}` };
}
