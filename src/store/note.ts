/** What a person wrote about a run: a name for display and a pin. The folder's own name is never changed. */
import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { FILES } from '../experiment/record.ts';
import { readSmall } from './openFile.ts';

export interface Note {
  readonly title?: string | undefined;
  readonly pinned?: boolean | undefined;
}

export const LONGEST_TITLE = 200;
export const NOTE_BYTES = 16 * 1024;
const schema = z.object({
  title: z.string().trim().min(1).max(LONGEST_TITLE).optional().catch(undefined),
  pinned: z.boolean().optional().catch(undefined),
});

/** What is missing or strange reads as nothing written. */
export async function readNote(folder: string): Promise<Note> {
  return parseNote(await readSmall(path.join(folder, FILES.note), NOTE_BYTES));
}

export function parseNote(text: string | undefined): Note {
  if (text === undefined) return {};
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Changes the given parts and keeps the others; an empty title gives the experiment's name back. */
export async function writeNote(folder: string, change: Note): Promise<Note> {
  const both = { ...await readNote(folder), ...change };
  const title = both.title?.trim().slice(0, LONGEST_TITLE);
  const note: Note = { ...(title === undefined || title === '' ? {} : { title }), ...(both.pinned === true ? { pinned: true } : {}) };
  const file = path.join(folder, FILES.note);
  if (Object.keys(note).length === 0) {
    await rm(file, { force: true });
    return note;
  }
  // Aside and renamed, so that a reader never sees half of it, and a link of that name is replaced and not followed.
  const aside = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(aside, `${JSON.stringify(note)}\n`, { flag: 'wx' });
  await rename(aside, file);
  return note;
}
