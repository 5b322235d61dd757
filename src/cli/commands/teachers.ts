/** `distill-lab teachers`: the teachers of an experiment, compared and put in order. */
import path from 'node:path';
import { DistillError } from '../../errors.ts';
import { engineEnvironment } from '../../launch/environment.ts';
import { teachersOf } from '../../experiment/teachers.ts';
import { type Comparison } from '../../run/compareTeachers.ts';
import { checkExperimentFile, printProblems } from '../experimentFile.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';
import { percent } from '../words.ts';

export interface TeachersOptions {
  readonly set: readonly string[];
  readonly images: string;
  readonly student?: string | undefined;
  readonly json: boolean;
}

/** @throws DistillError DL717 for an experiment without teachers, DL713 for a number of images that is none */
export async function teachers({ output }: Surroundings, file: string, { set, images, student, json }: TeachersOptions): Promise<number> {
  const count = Number(images);
  if (!Number.isSafeInteger(count) || count < 1) throw new DistillError('DL713', '`--images` is out of range.', { expected: 'a whole number from 1', got: images });
  const { experiment, problems } = await checkExperimentFile(file, set);
  if (experiment === undefined) {
    printProblems(problems, output);
    return EXIT.badInput;
  }
  if (teachersOf(experiment).length === 0) throw new DistillError('DL717', 'The experiment has no teachers to compare.', { where: { file }, advice: 'List them under `teacher`.' });
  Object.assign(process.env, engineEnvironment());
  const { compareTeachers } = await import('../../run/compareTeachers.ts');
  const comparison = await compareTeachers({
    experiment, baseFolder: path.dirname(path.resolve(file)), images: count, ...(student === undefined ? {} : { student: path.resolve(student) }),
    log: (line) => { output.note(line); },
    onProgress: (what, done, total) => { if (!json) output.status(`${what} ${done}/${total}`); },
  });
  output.status('');
  if (json) output.line(JSON.stringify(comparisonObject(comparison)));
  else for (const line of comparisonTable(comparison)) output.line(line);
  return EXIT.finished;
}

export function comparisonObject({ teachers: compared, costs, fromStudent, studentTrained, order }: Comparison): object {
  return { teachers: compared.map(({ weights, AP }) => ({ weights, AP: AP < 0 ? null : Math.round(AP * 1e6) / 1e4 })), costs, fromStudent, studentTrained, order };
}

export function comparisonTable({ teachers: compared, costs, fromStudent, studentTrained, order }: Comparison): readonly string[] {
  const numbers = compared.map((_, index) => String(index + 1));
  const rows = [
    ['adaptation cost, from row to column', 'AP', ...numbers],
    [studentTrained ? 'student' : 'student, untrained', '', ...fromStudent.map(shown)],
    ...compared.map(({ weights, AP }, index) => [`${numbers[index]} ${weights}`, percent(AP), ...(costs[index] ?? []).map(shown)]),
  ];
  const width = Math.max(...rows.map(([label]) => label?.length ?? 0));
  const leftOut = numbers.filter((_, index) => !order.includes(index));
  return [
    ...rows.map(([label = '', ...cells]) => [label.padEnd(width), ...cells.map((cell) => cell.padStart(6))].join('  ').trimEnd()),
    `order: ${order.map((index) => numbers[index]).join(', then ')}`,
    ...(leftOut.length === 0 ? [] : [`left out: ${leftOut.join(', ')} (no shorter way to the next than the student's own, or not weaker than it)`]),
  ];
}

function shown(cost: number): string {
  return cost.toFixed(3);
}
