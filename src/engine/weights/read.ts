/** Reads a weight file of any known format; what it is, its content says, not its name. */
import { type FileHandle, open } from 'node:fs/promises';
import { DistillError } from '../../errors.ts';
import { readExactly } from './files.ts';
import { isLegacy, readLegacyCheckpoint } from './legacyPth.ts';
import { damagedData, notWeights, unreadable } from './problems.ts';
import { readZipCheckpoint } from './pth.ts';
import { readSafetensors } from './safetensors.ts';
import { type StateDict, type WeightFile } from './stateDict.ts';

/** PyTorch's names and layout; float32 and int32. Throws DL401 to DL409. */
export async function readWeights(path: string): Promise<StateDict> {
  return (await readWeightFile(path)).tensors;
}

/** The same with what is known of the file: its format, where in it the weights were, what was left out. */
export async function readWeightFile(path: string): Promise<WeightFile> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const { size } = await file.stat();
    return await readByContent(file, size, path);
  } catch (error) {
    if (error instanceof DistillError) throw error;
    throw error instanceof Error && 'syscall' in error ? unreadable(path, error) : damagedData(path, error instanceof Error ? error.message : String(error), error);
  } finally {
    await file.close();
  }
}

async function readByContent(file: FileHandle, size: number, path: string): Promise<WeightFile> {
  const start = await readExactly(file, 0, Math.min(size, 64), path);
  if (start.subarray(0, 4).toString('latin1') === 'PK\x03\x04') return readZipCheckpoint(file, size, path);
  if (isLegacy(start)) return readLegacyCheckpoint(file, size, path);
  if (start[8] === 0x7b) return readSafetensors(file, size, path);
  throw notWeights(path, ...whatElse(start, size));
}

/** Things that are often found where a weight file should be. */
function whatElse(start: Buffer, size: number): [got: string, advice: string] {
  const text = start.toString('latin1');
  const convert = 'Save the weights in Python: torch.save(model.state_dict(), "weights.pth").';
  if (size === 0) return ['an empty file', 'Copy or download it again.'];
  if (text.startsWith('version https://git-lfs')) return ['a Git LFS pointer, not the file itself', 'Fetch it: git lfs pull.'];
  if (/^\s*<(!doctype|html)/i.test(text)) return ['a web page', 'The download did not work; download the file itself.'];
  if (text.startsWith('\x89HDF')) return ['an HDF5 file', convert];
  if (text.startsWith('\x1f\x8b')) return ['a gzip archive', 'Unpack it first.'];
  if (start[0] === 0x80) return ['a bare pickle', convert];
  return ['a file of another kind', convert];
}
