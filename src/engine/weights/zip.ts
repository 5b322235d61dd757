/** Random access to the entries of a zip archive, with the checks that a weight file from anywhere needs. */
import { type FileHandle } from 'node:fs/promises';
import { type Readable } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { DistillError } from '../../errors.ts';
import { readExactly } from './files.ts';
import { damagedData, tooLarge } from './problems.ts';

const inflate = promisify(zlib.inflateRaw);
const STORED = 0;

/** Gives the archive's index to yauzl. A position beyond the file is an error here; further down it would end the process. */
class BoundedReader extends RandomAccessReader {
  private readonly file: FileHandle;
  private readonly size: number;
  private readonly path: string;

  constructor(file: FileHandle, size: number, path: string) {
    super();
    this.file = file;
    this.size = size;
    this.path = path;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    throw new RangeError(`entries are not read as streams (${start} to ${end})`);
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) {
      setImmediate(callback, new Error('its index points beyond the end'));
      return;
    }
    readExactly(this.file, position, length, this.path).then((bytes) => {
      bytes.copy(buffer, offset);
      callback(null);
    }, callback);
  }

  override close(callback: (error: Error | null) => void): void {
    setImmediate(callback, null);
  }
}

const MAX_ENTRIES = 200_000;
/** Of one entry, unpacked; Node's buffers end not far above. */
const MAX_ENTRY_BYTES = 2 ** 31;

export class Archive {
  private readonly file: FileHandle;
  private readonly size: number;
  private readonly zip: ZipFile;
  private readonly entries: ReadonlyMap<string, Entry>;
  private readonly path: string;

  private constructor(file: FileHandle, size: number, zip: ZipFile, entries: ReadonlyMap<string, Entry>, path: string) {
    this.file = file;
    this.size = size;
    this.zip = zip;
    this.entries = entries;
    this.path = path;
  }

  /** @param file stays the caller's to close. Throws DL404 for what is no intact archive. */
  static async open(file: FileHandle, size: number, path: string): Promise<Archive> {
    const reader = new BoundedReader(file, size, path);
    const zip = await guarded(path, fromRandomAccessReaderPromise(reader, size, { autoClose: false, validateEntrySizes: true, strictFileNames: true }));
    return new Archive(file, size, zip, await guarded(path, listEntries(zip, path)), path);
  }

  names(): string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Unpacked size of an entry in bytes; undefined if there is none of the name. */
  sizeOf(name: string): number | undefined {
    return this.entries.get(name)?.uncompressedSize;
  }

  /** Throws DL404, DL409. */
  async read(name: string): Promise<Buffer> {
    const entry = this.entries.get(name);
    if (entry === undefined) throw damagedData(this.path, `the entry ${name} is missing`);
    if (entry.uncompressedSize > MAX_ENTRY_BYTES) throw tooLarge(this.path, `the entry ${name} of ${entry.uncompressedSize} bytes`);
    const bytes = await guarded(this.path, this.unpack(entry));
    if (checksum(bytes) !== entry.crc32 >>> 0) throw damagedData(this.path, `the checksum of the entry ${name} is wrong`);
    return bytes;
  }

  private async unpack(entry: Entry): Promise<Buffer> {
    const { fileDataStart } = await this.zip.readLocalFileHeaderPromise(entry, { minimal: true });
    // A size that lies is seen before anything is allocated for it.
    if (fileDataStart + entry.compressedSize > this.size) throw damagedData(this.path, `the entry ${entry.fileName} reaches beyond the end`);
    const packed = await readExactly(this.file, fileDataStart, entry.compressedSize, this.path);
    if (entry.compressionMethod === STORED) return packed;
    const bytes = await inflate(packed, { maxOutputLength: Math.max(1, entry.uncompressedSize) });
    if (bytes.length !== entry.uncompressedSize) throw damagedData(this.path, `the entry ${entry.fileName} unpacks to ${bytes.length} bytes, not ${entry.uncompressedSize}`);
    return bytes;
  }
}

async function listEntries(zip: ZipFile, path: string): Promise<Map<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES) throw tooLarge(path, `${zip.entryCount} entries`);
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entries.has(entry.fileName)) throw damagedData(path, `two entries are named ${entry.fileName}`);
    if (!entry.canDecodeFileData()) throw damagedData(path, `the entry ${entry.fileName} is encrypted or packed in an unknown way`);
    entries.set(entry.fileName, entry);
  }
  return entries;
}

async function guarded<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof DistillError ? error : damagedData(path, error instanceof Error ? error.message : String(error), error);
  }
}

let table: Uint32Array | undefined;

/** CRC-32. Node has it from 20.15 on. */
function checksum(bytes: Uint8Array): number {
  const native = (zlib as { crc32?: (data: Uint8Array) => number }).crc32;
  if (native !== undefined) return native(bytes) >>> 0;
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let k = 0; k < 8; k += 1) value = (value & 1) === 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
