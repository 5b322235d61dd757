/** Takes chosen files out of a wheel (a zip archive), streaming: libraries of a gigabyte never stand in memory. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Readable } from 'node:stream';
import yauzl from 'yauzl';

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  /** Share of the bytes to unpack that are done, 0 to 1. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Unpacks the entries whose name `wanted` accepts below `folder` and returns their names.
 * Names that would lead out of the folder are refused by yauzl itself.
 */
export async function unpack(archive: string, folder: string, wanted: (name: string) => boolean, options: UnpackOptions = {}): Promise<string[]> {
  const { signal, onProgress } = options;
  const zip = await open(archive);
  try {
    const entries = (await list(zip)).filter(({ fileName }) => !fileName.endsWith('/') && wanted(fileName));
    const total = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    let done = 0;
    for (const entry of entries) {
      signal?.throwIfAborted();
      const target = join(folder, entry.fileName);
      await mkdir(dirname(target), { recursive: true });
      // Zip keeps Unix modes in the upper half; tools such as CUDA's ptxas must stay executable.
      const executable = ((entry.externalFileAttributes >>> 16) & 0o111) !== 0;
      const file = createWriteStream(target, { mode: executable ? 0o755 : 0o644 });
      await pipeline(await read(zip, entry), file, signal === undefined ? {} : { signal });
      done += entry.uncompressedSize;
      onProgress?.(total === 0 ? 1 : done / total);
    }
    return entries.map(({ fileName }) => fileName);
  } finally {
    zip.close();
  }
}

/** The text of the one entry whose name `wanted` accepts, or undefined. */
export async function readText(archive: string, wanted: (name: string) => boolean): Promise<string | undefined> {
  const zip = await open(archive);
  try {
    const entry = (await list(zip)).find(({ fileName }) => wanted(fileName));
    if (entry === undefined) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of await read(zip, entry)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    zip.close();
  }
}

function open(archive: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(archive, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error === null) resolve(zip);
      else reject(error);
    });
  });
}

function list(zip: yauzl.ZipFile): Promise<yauzl.Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: yauzl.Entry[] = [];
    zip.on('entry', (entry: yauzl.Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.once('end', () => {
      resolve(entries);
    });
    zip.once('error', reject);
    zip.readEntry();
  });
}

function read(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error === null) resolve(stream);
      else reject(error);
    });
  });
}
