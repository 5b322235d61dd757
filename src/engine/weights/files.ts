/** Reading parts of files. */
import { type FileHandle } from 'node:fs/promises';
import { damagedData } from './problems.ts';

/** Node takes at most 2³¹ − 1 bytes in one read. */
const CHUNK = 1 << 30;

/** Throws DL404 where the file ends before. */
export async function readExactly(file: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(buffer, done, Math.min(CHUNK, length - done), position + done);
    if (bytesRead === 0) throw damagedData(path, `the file ends at byte ${position + done}, ${length - done} bytes are missing`);
    done += bytesRead;
  }
  return buffer;
}
