/**
 * safetensors: eight bytes with the header's length, a JSON header, then the tensors' bytes without gaps.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { type HostTensor, sizeOf } from '../hostTensor.ts';
import { type Dtype, ITEM_SIZES, tensorOf } from './dtypes.ts';
import { readExactly } from './files.ts';
import { damagedData, damagedHeader, unsupportedType, unwritable } from './problems.ts';
import { compareNames, type StateDict, type WeightFile } from './stateDict.ts';

/** The reference implementation's limit. */
const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';

const DTYPES: Readonly<Record<string, Dtype>> = {
  F64: 'f64', F32: 'f32', F16: 'f16', BF16: 'bf16', I64: 'i64', I32: 'i32', I16: 'i16', I8: 'i8', U64: 'u64', U32: 'u32', U16: 'u16', U8: 'u8', BOOL: 'bool',
};

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)).max(64),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** @param size bytes of the file. Throws DL403, DL404, DL405. */
export async function readSafetensors(file: FileHandle, size: number, path: string): Promise<WeightFile> {
  if (size < 10) throw damagedHeader(path, `${size} bytes`);
  const length = Number((await readExactly(file, 0, 8, path)).readBigUInt64LE());
  if (length > MAX_HEADER || length < 2) throw damagedHeader(path, `a header of ${length} bytes`);
  if (8 + length > size) throw damagedData(path, `a header of ${length} bytes in a file of ${size}`);
  const header = parseHeader((await readExactly(file, 8, length, path)).toString('utf8'), path);
  const entries = checkEntries(header, size - 8 - length, path);
  const tensors = new Map<string, HostTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const tensor = tensorOf(dtype, shape, await readExactly(file, 8 + length + begin, end - begin, path));
    if (tensor === undefined) throw unsupportedType(path, `${name}: an integer beyond 32 bits`);
    tensors.set(name, tensor);
  }
  return { tensors, format: 'safetensors', from: '', notes: [], metadata: metadataOf(header, path) };
}

function parseHeader(text: string, path: string): ReadonlyMap<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw damagedHeader(path, 'text that is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw damagedHeader(path, 'JSON that is not an object');
  return new Map(Object.entries(header));
}

/** The entries in the order of their bytes. The bytes must be covered without gap or overlap, as the format demands. */
function checkEntries(header: ReadonlyMap<string, unknown>, size: number, path: string): Entry[] {
  const entries = [...header].filter(([name]) => name !== METADATA).map(([name, value]) => checkEntry(name, value, path));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) throw damagedHeader(path, `${entry.name} begins at byte ${entry.begin}, the one before it ends at ${end}`);
    end = entry.end;
  }
  if (end > size) throw damagedData(path, `${size} bytes of values where the header announces ${end}`);
  if (end < size) throw damagedHeader(path, `${size - end} bytes that belong to no tensor`);
  return entries;
}

function checkEntry(name: string, value: unknown, path: string): Entry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) throw damagedHeader(path, `the entry of ${name} is not a tensor's`);
  const { dtype: typeName, shape, data_offsets: [begin, end] } = parsed.data;
  const dtype = Object.hasOwn(DTYPES, typeName) ? DTYPES[typeName] : undefined;
  if (dtype === undefined) throw unsupportedType(path, `${name}: ${typeName}`);
  const bytes = sizeOf(shape) * ITEM_SIZES[dtype];
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) throw damagedHeader(path, `${name}: ${end - begin} bytes for [${shape.join(', ')}] ${typeName}`);
  return { name, dtype, shape, begin, end };
}

function metadataOf(header: ReadonlyMap<string, unknown>, path: string): Record<string, string> {
  const parsed = z.record(z.string(), z.string()).safeParse(header.get(METADATA) ?? {});
  if (!parsed.success) throw damagedHeader(path, 'metadata that is not text');
  return parsed.data;
}

/**
 * Writes float32 and int32 tensors, names sorted: the same weights give the same bytes.
 * The file is written aside, brought to the disk and renamed: at no moment is there half a file at `path`. Throws DL410.
 */
export async function writeSafetensors(path: string, tensors: StateDict, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
  const aside = `${path}.${randomUUID().slice(0, 8)}.part`;
  try {
    const file = await open(aside, 'wx');
    try {
      for (const chunk of encodeSafetensors(tensors, metadata)) await writeAll(file, chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  }
}

/** The file's bytes in order: header, then each tensor's. */
export function encodeSafetensors(tensors: StateDict, metadata: Readonly<Record<string, string>> = {}): Uint8Array[] {
  const names = [...tensors.keys()].sort(compareNames);
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA, metadata);
  const chunks: Uint8Array[] = [];
  let end = 0;
  for (const name of names) {
    const tensor = tensors.get(name);
    if (tensor === undefined || name === METADATA) throw new RangeError(`a tensor cannot be named ${name}`);
    const begin = end;
    end += tensor.data.byteLength;
    header.set(name, { dtype: tensor.dtype === 'float32' ? 'F32' : 'I32', shape: tensor.shape, data_offsets: [begin, end] });
    chunks.push(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
  }
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  // Spaces at the end, so that the values are aligned for those who map the file into memory.
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ');
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return [length, padded, ...chunks];
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
}

/** Makes the rename itself survive a power cut; not every system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Nothing is lost but that guarantee.
  }
}
