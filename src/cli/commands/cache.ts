/** `distill-lab cache`: what was kept of teachers' outputs, and getting rid of it. */
import path from 'node:path';
import { byteSize } from '../../byteSize.ts';
import { defaultFolder, deleteTeacher, usageOf } from '../../teacherCache/index.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';
import { age } from '../words.ts';

export interface CacheOptions {
  readonly delete: boolean;
  readonly unused?: number | undefined;
  readonly json: boolean;
}

const DAY_MS = 86_400_000;

/** @param given left out: the user's own folder */
export async function cache({ output }: Surroundings, given: string | undefined, { delete: deleting, unused, json }: CacheOptions): Promise<number> {
  const folder = given === undefined ? defaultFolder() : path.resolve(given);
  const teachers = (await usageOf(folder)).filter(({ used }) => unused === undefined || Date.now() - used > unused * DAY_MS);
  if (deleting) for (const { id } of teachers) await deleteTeacher(folder, id);
  const bytes = teachers.reduce((sum, teacher) => sum + teacher.bytes, 0);
  if (json) {
    output.line(JSON.stringify({ folder, deleted: deleting, bytes, teachers: teachers.map(({ id, about, entries, bytes: size, used }) => ({ id, teacher: about?.teacher ?? null, entries, bytes: size, used })) }));
    return EXIT.finished;
  }
  output.line(folder);
  for (const { about, id, entries, bytes: size, used } of teachers) output.line(`${byteSize(size).padStart(8)}  ${entries.toLocaleString('en')} entries, used ${age(Date.now() - used)}  ${about?.teacher ?? id}`);
  output.line(teachers.length === 0 ? 'Nothing is kept here.' : `${byteSize(bytes)} ${deleting ? 'freed' : 'in all'}`);
  return EXIT.finished;
}
