/** PyTorch's files as torch.save writes them since 1.6: a zip; `<name>/data.pkl` says what there is, `<name>/data/<key>` holds the storages. */
import { type FileHandle } from 'node:fs/promises';
import { type HostTensor } from '../hostTensor.ts';
import { findStateDict, type FoundStateDict } from './checkpoint.ts';
import { PickleMachine } from './pickle.ts';
import { PickleError } from './pickleValues.ts';
import { damagedData, damagedPickle, forbiddenCall, notWeights, tooLarge } from './problems.ts';
import { type WeightFile } from './stateDict.ts';
import { materialize, storageBytes } from './tensors.ts';
import { storageOf, type StorageRef, type TensorRef, torchHost } from './torchObjects.ts';
import { Archive } from './zip.ts';

const MAX_PICKLE = 256 * 2 ** 20;

/** Throws DL402, DL404 to DL409. */
export async function readZipCheckpoint(file: FileHandle, size: number, path: string): Promise<WeightFile> {
  const archive = await Archive.open(file, size, path);
  const prefix = prefixOf(archive, path);
  await checkByteOrder(archive, prefix, path);
  if ((archive.sizeOf(`${prefix}data.pkl`) ?? 0) > MAX_PICKLE) throw tooLarge(path, 'a list of tensors of more than 256 MB');
  const { value } = unpickle(await archive.read(`${prefix}data.pkl`), 0, path, storageOf);
  const found = findStateDict(value, path);
  const bytesOf: StorageReader = async (key, length) => {
    const name = `${prefix}data/${key}`;
    if (length === 0 && !archive.has(name)) return new Uint8Array();
    if (archive.sizeOf(name) !== length) throw damagedData(path, `the storage ${key} has ${archive.sizeOf(name) ?? 'no'} bytes, ${length} are announced`);
    return archive.read(name);
  };
  return { ...await loadTensors(found, bytesOf, path), format: 'pytorch' };
}

function prefixOf(archive: Archive, path: string): string {
  const names = archive.names();
  const lists = names.filter((name) => name === 'data.pkl' || name.endsWith('/data.pkl')).sort((a, b) => a.length - b.length);
  const prefix = lists[0]?.slice(0, -'data.pkl'.length);
  if (prefix === undefined) throw notWeights(path, 'a zip archive without PyTorch\'s data.pkl');
  if (archive.has(`${prefix}constants.pkl`) || names.some((name) => name.startsWith(`${prefix}code/`))) {
    throw notWeights(path, 'a TorchScript program', 'Save its weights: torch.save(torch.jit.load("model.pt").state_dict(), "weights.pth").');
  }
  return prefix;
}

async function checkByteOrder(archive: Archive, prefix: string, path: string): Promise<void> {
  const name = `${prefix}byteorder`;
  if (!archive.has(name)) return;
  const order = (await archive.read(name)).toString('latin1').trim();
  if (order !== 'little') throw notWeights(path, `values in ${order.slice(0, 20)}-endian order`, 'Save it on a little-endian machine.');
}

/** The bytes of a storage, which must be as many as announced. */
export type StorageReader = (key: string, length: number) => Promise<Uint8Array>;

/** Reads each storage once and lets it go before the next. */
export async function loadTensors(found: FoundStateDict, bytesOf: StorageReader, path: string): Promise<Omit<WeightFile, 'format'>> {
  const byStorage = new Map<string, [string, TensorRef][]>();
  for (const [name, tensor] of found.tensors) {
    const members = byStorage.get(tensor.storage.key);
    if (members === undefined) byStorage.set(tensor.storage.key, [[name, tensor]]);
    else members.push([name, tensor]);
  }
  const values = new Map<string, HostTensor>();
  for (const [key, members] of byStorage) {
    const lengths = new Set(members.map(([name, tensor]) => storageBytes(tensor, name, path)));
    const [length, ...more] = lengths;
    if (length === undefined || more.length > 0) throw damagedPickle(path, `the storage ${key} has two sizes`);
    const bytes = await bytesOf(key, length);
    for (const [name, tensor] of members) values.set(name, materialize(tensor, bytes, name, path));
  }
  const tensors = new Map([...found.tensors.keys()].flatMap((name) => {
    const value = values.get(name);
    return value === undefined ? [] : [[name, value] as const];
  }));
  return { tensors, from: found.from, notes: found.notes, metadata: {} };
}

/** Throws DL406, DL407. @returns the value and the position behind it. */
export function unpickle(bytes: Buffer, position: number, path: string, storage: (id: readonly unknown[]) => StorageRef): { value: unknown; end: number } {
  const host = torchHost({ storage, forbid: (name) => { throw forbiddenCall(path, name); } });
  const machine = new PickleMachine(bytes, position, host);
  try {
    return { value: machine.run(), end: machine.position };
  } catch (error) {
    throw error instanceof PickleError ? damagedPickle(path, error.message) : error;
  }
}
