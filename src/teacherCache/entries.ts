/** The files of the cache: found for the limit, and for those who want to know what it takes. */
import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Ends the names of files that are being written. */
export const UNFINISHED = '.part';
/** In a teacher's folder, for people. */
export const ABOUT = 'about.json';
const HOUR = 3_600_000;

export interface Entry {
  readonly file: string;
  readonly bytes: number;
  /** When it was last read or written, in milliseconds since 1970. */
  readonly used: number;
}

/** All entries, or those of one teacher. What a killed run left half-written goes. */
export async function entriesOf(folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const walk = async (place: string, depth: number): Promise<void> => {
    const listed = await readdir(place, { withFileTypes: true }).catch(() => []);
    for (const item of listed) {
      const file = join(place, item.name);
      if (item.isDirectory() && depth > 0) await walk(file, depth - 1);
      if (!item.isFile() || item.name === ABOUT) continue;
      const { size, mtimeMs } = await lstat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
      if (!item.name.endsWith(UNFINISHED)) {
        if (mtimeMs > 0) entries.push({ file, bytes: size, used: mtimeMs });
      } else if (mtimeMs > 0 && Date.now() - mtimeMs > HOUR) await unlink(file).catch(() => undefined);
    }
  };
  await walk(folder, 3);
  return entries;
}
