/** Machine and workspace as they are. Every reading is bounded, nothing is run, and what cannot be read is not there. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { annotatedClasses } from './classNames.ts';
import { type FolderEntry, type Surroundings, type WeightFile } from './types.ts';

const MOST_ENTRIES = 500;
const MOST_RUNS = 50;
/** How far below the experiment's folder weight files are looked for, and in how many folders. */
const DEPTH = 2;
const MOST_FOLDERS = 60;
const PASSED_OVER = new Set(['node_modules', 'runs', 'dist', '__pycache__']);
const WEIGHTS = /\.(?:safetensors|pth|pt)$/i;

/** What a listing of runs tells of each. */
export interface KnownRun {
  readonly name: string;
  readonly folder: string;
  readonly created: number;
  /** What it reached, in the editor's words; may be empty. */
  readonly note: string;
}

/** @param runs of this window, newest first or not */
export function surroundings(runs: () => readonly KnownRun[]): Surroundings {
  return {
    list,
    classNames: annotatedClasses,
    weights: async (baseFolder) => [...await checkpointsOf(runs(), baseFolder), ...await weightFiles(baseFolder)],
    devices,
  };
}

async function list(folder: string): Promise<readonly FolderEntry[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const known = await Promise.all(entries.slice(0, MOST_ENTRIES).map(async (entry): Promise<FolderEntry> => {
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && await stat(path.join(folder, entry.name)).then((found) => found.isDirectory(), () => false));
    return { name: entry.name, isFolder };
  }));
  return known.sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || a.name.localeCompare(b.name));
}

async function checkpointsOf(runs: readonly KnownRun[], baseFolder: string): Promise<readonly WeightFile[]> {
  const newest = [...runs].sort((a, b) => b.created - a.created).slice(0, MOST_RUNS);
  const found = await Promise.all(newest.flatMap(({ name, folder, note }) => ['best', 'last'].map(async (kind): Promise<WeightFile | undefined> => {
    const file = path.join(folder, 'checkpoints', 'student', kind, 'student.safetensors');
    if (!await isFile(file)) return undefined;
    return { path: written(baseFolder, file), detail: [name, kind, note].filter((part) => part !== '').join(' · ') };
  })));
  return found.filter((file) => file !== undefined);
}

async function weightFiles(baseFolder: string): Promise<readonly WeightFile[]> {
  const found: WeightFile[] = [];
  let folders = [baseFolder];
  let looked = 0;
  for (let depth = 0; depth <= DEPTH; depth += 1) {
    const next: string[] = [];
    for (const folder of folders) {
      looked += 1;
      if (looked > MOST_FOLDERS) return found;
      for (const { name, isFolder } of await list(folder)) {
        if (isFolder && !name.startsWith('.') && !PASSED_OVER.has(name)) next.push(path.join(folder, name));
        else if (!isFolder && WEIGHTS.test(name)) found.push({ path: written(baseFolder, path.join(folder, name)), detail: await sizeOf(path.join(folder, name)) });
      }
    }
    folders = next;
  }
  return found;
}

function written(baseFolder: string, file: string): string {
  return path.relative(baseFolder, file).split(path.sep).join('/');
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then((found) => found.isFile(), () => false);
}

async function sizeOf(file: string): Promise<string> {
  return stat(file).then(({ size }) => (size < 2 ** 20 ? `${Math.ceil(size / 1024)} kB` : `${(size / 2 ** 20).toFixed(1)} MB`), () => '');
}

/** NVIDIA's driver tells of its GPUs in files; elsewhere the first GPU is offered as such. */
async function devices(): Promise<readonly { readonly value: string; readonly detail: string }[]> {
  const folder = '/proc/driver/nvidia/gpus';
  const names = (await readdir(folder).catch((): string[] => [])).sort();
  const gpus = await Promise.all(names.map(async (name, index) => {
    const text = await readFile(path.join(folder, name, 'information'), 'utf8').catch(() => '');
    return { value: String(index), detail: /^Model:\s*(.+)$/m.exec(text)?.[1] ?? 'GPU' };
  }));
  return [...(gpus.length > 0 ? gpus : [{ value: '0', detail: 'first GPU' }]), { value: 'cpu', detail: 'no GPU' }];
}
