/**
 * PyTorch's files before 1.6: one stream of pickles (magic number, version, system, the object itself, the storages' keys),
 * then each storage, a 64-bit count of items and the items.
 */
import { type FileHandle } from 'node:fs/promises';
import { findStateDict } from './checkpoint.ts';
import { ITEM_SIZES } from './dtypes.ts';
import { readExactly } from './files.ts';
import { PickleDict, PickleError } from './pickleValues.ts';
import { damagedData, damagedPickle, notWeights, tooLarge, unsupportedType } from './problems.ts';
import { loadTensors, type StorageReader, unpickle } from './pth.ts';
import { type WeightFile } from './stateDict.ts';
import { storageOf, type StorageRef } from './torchObjects.ts';

const MAX_BYTES = 2 ** 31 - 1;
/** 0x1950a86a20f9469cfc6c as a pickle writes it. */
const MAGIC = Buffer.from('6cfc9c46f9206aa85019', 'hex');
const VERSION = 1001;

/** @param start the first bytes of a file, 14 at least. */
export function isLegacy(start: Buffer): boolean {
  return start.length >= 14 && start[0] === 0x80 && start[2] === 0x8a && start[3] === MAGIC.length && start.subarray(4, 14).equals(MAGIC);
}

/** Throws DL402, DL404 to DL409. */
export async function readLegacyCheckpoint(file: FileHandle, size: number, path: string): Promise<WeightFile> {
  if (size > MAX_BYTES) throw tooLarge(path, `${size} bytes in PyTorch's old format`);
  const bytes = await readExactly(file, 0, size, path);
  const storages = new Map<string, StorageRef>();
  const next = (position: number) => unpickle(bytes, position, path, (id) => register(id, storages));
  const magic = next(0);
  const version = next(magic.end);
  const system = next(version.end);
  if (version.value !== VERSION) throw damagedPickle(path, 'another version of the old format');
  if (!(system.value instanceof PickleDict) || system.value.entries.get('little_endian') !== true) {
    throw notWeights(path, 'values in big-endian order', 'Save it on a little-endian machine.');
  }
  const root = next(system.end);
  const keys = next(root.end);
  const found = findStateDict(root.value, path);
  const places = findPlaces(bytes, keys.end, keys.value, storages, path);
  const bytesOf: StorageReader = (key, length) => {
    const place = places.get(key);
    if (place?.length !== length) throw damagedData(path, `the storage ${key} has ${place?.length ?? 'no'} bytes, ${length} are announced`);
    return Promise.resolve(place);
  };
  return { ...await loadTensors(found, bytesOf, path), format: 'pytorch-legacy' };
}

/** Views of other storages (the sixth part) were given up before 0.4. */
function register(id: readonly unknown[], storages: Map<string, StorageRef>): StorageRef {
  if (id[5] !== undefined && id[5] !== null) throw new PickleError('a storage that is a view of another');
  const storage = storageOf(id);
  const known = storages.get(storage.key);
  if (known !== undefined && (known.typeName !== storage.typeName || known.count !== storage.count)) throw new PickleError(`the storage ${storage.key} is described in two ways`);
  storages.set(storage.key, storage);
  return storage;
}

/** Where each storage lies: they follow one another in the order of the keys. */
function findPlaces(bytes: Buffer, start: number, keys: unknown, storages: ReadonlyMap<string, StorageRef>, path: string): Map<string, Uint8Array> {
  if (!Array.isArray(keys)) throw damagedPickle(path, 'no list of storages');
  const places = new Map<string, Uint8Array>();
  let position = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) throw damagedPickle(path, 'a storage that no tensor uses');
    if (storage.dtype === undefined) throw unsupportedType(path, storage.typeName);
    if (position + 8 > bytes.length) throw damagedData(path, `the storage ${storage.key} is missing`);
    const length = Number(bytes.readBigInt64LE(position)) * (storage.dtype === 'bytes' ? 1 : ITEM_SIZES[storage.dtype]);
    position += 8;
    if (!(length >= 0) || length > bytes.length - position) throw damagedData(path, `the storage ${storage.key} of ${length} bytes does not fit the file`);
    places.set(storage.key, bytes.subarray(position, position + length));
    position += length;
  }
  return places;
}
