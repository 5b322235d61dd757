/** Python's package installer as a downloader: it knows the mirrors, proxies and certificates of this machine. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DistillError } from '../../errors.ts';
import { type CommandResult, runCommand } from './command.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes so far, and of how many if that is known. */
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
}

/** Name of the program, or a DL210/DL211 that says what is missing. */
export async function findPython(signal?: AbortSignal): Promise<string> {
  for (const program of ['python3', 'python']) {
    const { code, output } = await runCommand(program, ['-c', 'import sys; print(sys.version_info[0])'], { signal });
    if (code !== 0 || output !== '3') continue;
    const pip = await runCommand(program, ['-m', 'pip', '--version'], { signal });
    if (pip.code === 0) return program;
    throw new DistillError('DL211', 'Python is there, but its installer pip is not.', {
      advice: 'Install it (Debian, Ubuntu: `sudo apt install python3-pip`; elsewhere: `python3 -m ensurepip`), then run `distill-lab setup` again.',
    });
  }
  throw new DistillError('DL210', 'Python 3 was not found; it fetches TensorFlow’s library.', {
    advice: 'Install Python 3 with pip (Debian, Ubuntu: `sudo apt install python3 python3-pip`; macOS: `xcode-select --install`), then run `distill-lab setup` again.',
  });
}

/** Downloads the wheels of these requirements (`name==version`), without what they depend on, and returns their paths. */
export async function downloadWheels(python: string, requirements: readonly string[], folder: string, options: DownloadOptions = {}): Promise<string[]> {
  const own = await download(python, requirements, folder, [], options);
  // The library inside is the same for every Python: one that has no wheels of its own takes another's.
  const result = own.code !== 0 && isUnmatched(own.output) ? await download(python, requirements, folder, foreignTags(), options) : own;
  if (result.code !== 0) throw downloadError(requirements, result.output);
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.whl')).sort().map((name) => join(folder, name));
}

async function download(python: string, requirements: readonly string[], folder: string, tags: readonly string[], options: DownloadOptions): Promise<CommandResult> {
  const { signal, onProgress } = options;
  let total: number | undefined;
  const onLine = (line: string): void => {
    const size = announcedSize(line);
    if (size !== undefined) total = (total ?? 0) + size;
  };
  const watch = setInterval(() => {
    folderSize(folder).then((bytes) => onProgress?.(bytes, total), () => undefined);
  }, 500);
  try {
    const quiet = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '--retries', '2'];
    const args = ['-m', 'pip', 'download', ...quiet, '--no-deps', '--only-binary=:all:', ...tags, '-d', folder, ...requirements];
    // pip's own temporary files go there too, so that they are counted, and removed whatever happens.
    return await runCommand(python, args, { signal, onLine, env: { TMPDIR: folder, TEMP: folder, PYTHONUNBUFFERED: '1' } });
  } finally {
    clearInterval(watch);
  }
}

/** Bytes in pip's `Downloading name.whl (284.6 MB)`. */
export function announcedSize(line: string): number | undefined {
  const match = /Downloading \S+ \(([\d.]+) ?([kMG]?B)\)/.exec(line);
  const unit = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match?.[2] ?? ''];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}

function isUnmatched(output: string): boolean {
  return /No matching distribution|Could not find a version/.test(output) && !isOffline(output);
}

function isOffline(output: string): boolean {
  return /NewConnectionError|ConnectTimeout|ReadTimeout|Max retries exceeded|name resolution|ProxyError|SSLError|Connection (refused|reset|broken|aborted)|Network is unreachable/i.test(output);
}

/** pip matches platform names exactly, so those that wheels of these years carry are listed. */
function foreignTags(): string[] {
  const arch = process.arch === 'arm64' ? (process.platform === 'darwin' ? 'arm64' : 'aarch64') : 'x86_64';
  const linux = ['manylinux2014', 'manylinux_2_17', 'manylinux_2_24', 'manylinux_2_26', 'manylinux_2_27', 'manylinux_2_28', 'manylinux_2_31', 'manylinux_2_34'];
  const platforms = process.platform === 'darwin' ? ['macosx_11_0', 'macosx_12_0', 'macosx_13_0', 'macosx_14_0'] : linux;
  return ['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312', '--abi', 'abi3', '--abi', 'none', ...platforms.flatMap((name) => ['--platform', `${name}_${arch}`])];
}

/** What pip's complaint means for the user. */
export function downloadError(requirements: readonly string[], output: string): DistillError {
  const what = requirements.join(', ');
  const lines = output.split('\n');
  const got = (lines.find(isOffline) ?? lines.filter((line) => /error|no space/i.test(line)).at(-1) ?? lines.at(-1) ?? '').trim();
  if (/No space left|Errno 28|ENOSPC/.test(output)) return diskFull(got);
  if (isOffline(output)) {
    return new DistillError('DL213', `The package index cannot be reached to download ${what}.`, {
      got,
      advice: 'Check the network (proxy: set `HTTPS_PROXY`; a mirror: `pip config set global.index-url …`), then run `distill-lab setup` again. Until then a slower backend is used.',
    });
  }
  return new DistillError('DL213', `Downloading ${what} failed.`, { got, advice: 'Try `python3 -m pip download` with the same name by hand: its whole message tells why.' });
}

export function diskFull(got?: string): DistillError {
  return new DistillError('DL214', 'There is not enough free disk space for the engine.', {
    got,
    advice: 'Free some space, or set `DISTILL_LAB_ENGINE` to a folder on another disk, then run `distill-lab setup` again.',
  });
}

async function folderSize(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).then((info) => (info.isFile() ? info.size : 0), () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
