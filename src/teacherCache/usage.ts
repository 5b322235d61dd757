/** What was kept, teacher by teacher, for people who want to know or to delete. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ABOUT, entriesOf } from './entries.ts';

/** `about.json` of a teacher's folder. */
const aboutSchema = z.object({
  /** For people: network and weight file. */
  teacher: z.string(),
  /** The teacher's own time for one image, measured. */
  seconds: z.number().positive().optional(),
});
export type About = z.infer<typeof aboutSchema>;

export interface TeacherUsage {
  readonly id: string;
  readonly about: About | undefined;
  readonly entries: number;
  readonly bytes: number;
  readonly used: number;
}

/** The largest first. */
export async function usageOf(folder: string): Promise<TeacherUsage[]> {
  const listed = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const usages = await Promise.all(listed.filter((item) => item.isDirectory() && isTeacher(item.name)).map(async ({ name: id }) => {
    const entries = await entriesOf(join(folder, id));
    return {
      id, about: await readAbout(join(folder, id)), entries: entries.length,
      bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0), used: entries.reduce((latest, { used }) => Math.max(latest, used), 0),
    };
  }));
  return usages.sort((a, b) => b.bytes - a.bytes);
}

/** Deletes what was kept of a teacher; runs that go on with it compute anew. Nothing else in the folder is touched. */
export async function deleteTeacher(folder: string, id: string): Promise<void> {
  if (isTeacher(id)) await rm(join(folder, id), { recursive: true, force: true });
}

function isTeacher(name: string): boolean {
  return /^[0-9a-f]{24}$/.test(name);
}

export async function readAbout(folder: string): Promise<About | undefined> {
  try {
    return aboutSchema.safeParse(JSON.parse(await readFile(join(folder, ABOUT), 'utf8'))).data;
  } catch {
    return undefined;
  }
}
