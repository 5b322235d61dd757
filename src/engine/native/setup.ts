/** `distill-lab setup`: gets native TensorFlow onto this machine, from the package index and a compiler, in about a minute. */
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DistillError } from '../../errors.ts';
import { checkAddon } from './check.ts';
import { compileAddon, requireCompiler } from './compile.ts';
import { addKernels, kernelsFile } from './kernels.ts';
import { type Flavour, type Manifest, addonFile, engineFolder, engineName, manifestFormat, napiVersion, readEngine } from './folder.ts';
import { loadAdvice } from './loadAdvice.ts';
import { npmEngine } from './locate.ts';
import { withLock } from './lock.ts';
import { hasNvidiaDriver } from './nvidia.ts';
import { addonSources } from './places.ts';
import { diskFull, downloadWheels, findPython } from './python.ts';
import { readText, unpack } from './unpack.ts';
import { cudaRequirements, isCuda, isHeader, isLibrary, tensorflowVersion } from './wheels.ts';

export interface SetupProgress {
  readonly stage: 'look' | 'wait' | 'download' | 'unpack' | 'compile' | 'check' | 'done';
  /** One line for people. */
  readonly message: string;
  /** Share of the stage that is done, 0 to 1, where it is known. */
  readonly fraction?: number;
}

export interface SetupOptions {
  readonly onProgress?: ((progress: SetupProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Build it anew even if there is one that works. */
  readonly force?: boolean | undefined;
  /** Default: `cuda` where there is an NVIDIA driver, else `cpu`. */
  readonly flavour?: Flavour | undefined;
}

export interface SetupResult {
  /** Where the engine is; for what npm installed, the addon's path. */
  readonly folder: string;
  readonly source: 'engine folder' | 'npm';
  readonly tensorflow: string;
  readonly flavour: Flavour;
  /** False if it was there already. */
  readonly installed: boolean;
  readonly seconds: number;
}

/** Bytes of disk that the work takes at its height: archives and unpacked files together. */
const diskNeed: Readonly<Record<Flavour, number>> = { cpu: 1.5e9, cuda: 11e9 };

/** A plan that is being carried out. */
interface Task {
  readonly flavour: Flavour;
  readonly root: string;
  readonly signal: AbortSignal | undefined;
  readonly say: (stage: SetupProgress['stage'], message: string, fraction?: number) => void;
}

/** Errors are DL210 to DL219 and DL221; what was begun is cleaned up on every path. */
export async function runSetup({ onProgress, signal, force = false, flavour = hasNvidiaDriver() ? 'cuda' : 'cpu' }: SetupOptions = {}): Promise<SetupResult> {
  const start = performance.now();
  const task: Task = {
    flavour,
    root: engineFolder(),
    signal,
    say: (stage, message, fraction) => onProgress?.({ stage, message, ...(fraction === undefined ? {} : { fraction }) }),
  };
  try {
    const present = force ? undefined : await findWorking(task);
    const result = present ?? (await withLock(task.root, () => install(task, force), { signal, onWait: (pid) => { task.say('wait', `Another set-up is at work (process ${pid}); waiting for it`); } }));
    const seconds = (performance.now() - start) / 1000;
    task.say('done', `TensorFlow ${result.tensorflow} (${result.flavour}) ${result.installed ? `is set up in ${seconds.toFixed(0)} s` : 'is set up already'}: ${result.folder}`, 1);
    return { ...result, seconds };
  } catch (error) {
    throw explain(error, task);
  }
}

type Outcome = Omit<SetupResult, 'seconds'>;

async function findWorking(task: Task): Promise<Outcome | undefined> {
  const { flavour, root, signal, say } = task;
  say('look', 'Looking for native TensorFlow');
  const engine = readEngine(join(root, engineName(tensorflowVersion, flavour)));
  if (engine !== undefined && (await checkAddon(engine.addon, signal)).good) {
    if (await freshened(engine.folder, task)) return { folder: engine.folder, source: 'engine folder', tensorflow: engine.manifest.tensorflow, flavour, installed: false };
  }
  const npm = npmEngine();
  const check = npm === undefined ? undefined : await checkAddon(npm.addon, signal);
  if (npm === undefined || check?.good !== true || (flavour === 'cuda' && !check.usesGpu)) return undefined;
  return { folder: npm.addon, source: 'npm', tensorflow: check.tensorflow, flavour, installed: false };
}

const withoutKernels = 'Fast convolutions do not compile here; steps take about half as long again without them';

/**
 * An engine that another version set up gets this version's ops too.
 * @returns false if it has to be set up anew: it is from before engines kept the headers that this takes
 */
async function freshened(folder: string, { root, signal, say }: Task): Promise<boolean> {
  const file = kernelsFile();
  if (file === undefined || existsSync(join(folder, file))) return true;
  if (!existsSync(join(folder, 'tensorflow', 'include'))) return false;
  say('compile', 'Compiling fast convolutions');
  try {
    if (!(await addKernels(folder, signal))) say('compile', withoutKernels);
  } catch (error) {
    signal?.throwIfAborted();
    // Somebody else's folder, or a full disk: the engine works as it is.
    say('compile', `Fast convolutions could not be added to ${root}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return true;
}

async function install(task: Task, force: boolean): Promise<Outcome> {
  const { root, flavour, signal } = task;
  // The one that held the lock before may have done the work.
  const done = force ? undefined : await findWorking(task);
  if (done !== undefined) return done;
  await removeRemains(root);
  const sources = addonSources();
  if (sources === undefined) throw new DistillError('DL219', 'The sources of TensorFlow’s bridge to Node are missing from this installation.', { advice: 'Install Distill Lab again; from its sources: `npm ci`.' });
  if (process.platform === 'win32') {
    throw new DistillError('DL217', 'TensorFlow publishes no C library for Windows.', { advice: 'Use WSL 2 (Linux inside Windows) for native speed; here WebGPU is used where the GPU has a driver.' });
  }
  await checkSpace(root, flavour);
  const [python, compiler] = [await findPython(signal), await requireCompiler(signal)];
  const aside = await mkdtemp(join(root, '.building-'));
  try {
    const wheels = await fetchLibraries(task, python, aside);
    task.say('compile', 'Compiling the bridge between Node and TensorFlow');
    await compileAddon(compiler, sources, aside, signal);
    if (!(await addKernels(aside, signal))) task.say('compile', withoutKernels);
    await verify(task, aside);
    await writeManifest(aside, flavour, wheels);
    // A temporary folder is its owner's only; an engine may serve everybody.
    await chmod(aside, 0o755);
    const folder = join(root, engineName(tensorflowVersion, flavour));
    await replaceFolder(aside, folder, root);
    return { folder, source: 'engine folder', tensorflow: tensorflowVersion, flavour, installed: true };
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Folders that a killed set-up left behind: whoever holds the lock is the only one at work. */
async function removeRemains(root: string): Promise<void> {
  const names = await readdir(root);
  for (const name of names.filter((candidate) => /^\.(building|old)-/.test(candidate))) await rm(join(root, name), { recursive: true, force: true });
}

async function checkSpace(root: string, flavour: Flavour): Promise<void> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  if (free < diskNeed[flavour]) throw diskFull(`${(free / 1e9).toFixed(1)} GB free in ${root}, about ${(diskNeed[flavour] / 1e9).toFixed(1)} GB are needed while it is set up`);
}

/** Downloads and unpacks TensorFlow, and CUDA's libraries beside it; returns the wheels' names. */
async function fetchLibraries(task: Task, python: string, aside: string): Promise<string[]> {
  const { flavour, signal } = task;
  // macOS has one build only, and no `tensorflow-cpu`.
  const name = flavour === 'cpu' && process.platform === 'linux' ? 'tensorflow-cpu' : 'tensorflow';
  const [wheel] = await fetchWheels(task, python, join(aside, 'wheels'), [`${name}==${tensorflowVersion}`], `TensorFlow ${tensorflowVersion}`);
  if (wheel === undefined) throw new DistillError('DL219', 'The download of TensorFlow left no wheel behind.', { advice: 'Run `distill-lab setup` again.' });
  const names = [basename(wheel)];
  const requirements = flavour === 'cuda' ? cudaRequirements((await readText(wheel, (file) => file.endsWith('.dist-info/METADATA'))) ?? '') : [];
  await unpackWheel(task, wheel, aside, (file) => isLibrary(file) || isHeader(file));
  if (requirements.length > 0) {
    const wheels = await fetchWheels(task, python, join(aside, 'wheels'), requirements, 'CUDA’s libraries');
    for (const cuda of wheels) await unpackWheel(task, cuda, aside, isCuda);
    names.push(...wheels.map((path) => basename(path)));
  }
  signal?.throwIfAborted();
  await rm(join(aside, 'wheels'), { recursive: true, force: true });
  return names;
}

async function fetchWheels({ say, signal }: Task, python: string, folder: string, requirements: readonly string[], title: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  say('download', `Downloading ${title}`);
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  return downloadWheels(python, requirements, folder, {
    signal,
    onProgress: (bytes, total) => {
      if (bytes === 0) return;
      const fraction = total === undefined ? undefined : Math.min(bytes / total, 1);
      say('download', `Downloading ${title}: ${megabytes(Math.min(bytes, total ?? bytes))}${total === undefined ? '' : ` of ${megabytes(total)}`} MB`, fraction);
    },
  });
}

/** Unpacks and removes it at once: disk space is short where CUDA goes. */
async function unpackWheel({ say, signal }: Task, wheel: string, folder: string, wanted: (name: string) => boolean): Promise<void> {
  const message = `Unpacking ${basename(wheel).split('-').slice(0, 2).join(' ')}`;
  say('unpack', message, 0);
  await unpack(wheel, folder, wanted, { signal, onProgress: (fraction) => { say('unpack', message, fraction); } });
  await rm(wheel);
}

async function verify({ say, signal }: Task, folder: string): Promise<void> {
  say('check', 'Loading it once');
  const check = await checkAddon(join(folder, addonFile), signal);
  if (!check.good) throw new DistillError('DL215', 'The engine was built, but does not load.', { got: check.reason, advice: loadAdvice(check.reason) });
}

/** Written last: a folder without it is not an engine. */
async function writeManifest(folder: string, flavour: Flavour, wheels: readonly string[]): Promise<void> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).filter((path) => !path.startsWith(join(folder, 'tensorflow', 'include')));
  const sizes = await Promise.all(names.map(async (path) => [path.slice(folder.length + 1), (await stat(path)).size] as const));
  const manifest: Manifest = {
    format: manifestFormat,
    tensorflow: tensorflowVersion,
    flavour,
    napi: napiVersion,
    platform: process.platform,
    arch: process.arch,
    files: Object.fromEntries(sizes.sort(([a], [b]) => a.localeCompare(b))),
    wheels,
    createdAt: new Date().toISOString(),
  };
  await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The old one steps aside first; processes that have it open keep it. */
async function replaceFolder(from: string, to: string, root: string): Promise<void> {
  const old = join(root, `.old-${basename(from)}`);
  await rename(to, old).catch(() => undefined);
  await rename(from, to);
  await rm(old, { recursive: true, force: true });
}

function explain(error: unknown, { signal, root }: Task): unknown {
  if (signal?.aborted === true) return new DistillError('DL218', 'Set-up was cancelled; nothing was left behind.', { advice: 'Run `distill-lab setup` to do it later.', cause: error });
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull((error as Error).message);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    return new DistillError('DL221', 'The engine folder cannot be written.', { got: `${root}: ${(error as Error).message}`, advice: 'Set `DISTILL_LAB_ENGINE` to a folder of your own.', cause: error });
  }
  return error;
}
