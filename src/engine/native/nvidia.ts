/** What the machine says of its NVIDIA GPUs; asks the driver's own tool, never CUDA itself. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

export interface Gpu {
  /** As `CUDA_VISIBLE_DEVICES` and `nvidia-smi` count. */
  readonly index: number;
  readonly name: string;
  /** MiB. */
  readonly memory: number;
}

export interface Nvidia {
  /** Version of the driver, `unknown` if only its library was found. */
  readonly driver: string;
  readonly gpus: readonly Gpu[];
}

const libraries = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/lib/wsl/lib', '/usr/local/nvidia/lib64'].map(
  (folder) => `${folder}/libcuda.so.1`,
);

/** Whether there is a driver at all: quick, runs nothing. */
export function hasNvidiaDriver(): boolean {
  return existsSync('/proc/driver/nvidia/version') || libraries.some((path) => existsSync(path));
}

/** Undefined where there is no driver. */
export async function findNvidia(): Promise<Nvidia | undefined> {
  try {
    const query = ['--query-gpu=index,name,memory.total,driver_version', '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 15_000 });
    return parseQuery(stdout);
  } catch {
    return hasNvidiaDriver() ? { driver: kernelDriver() ?? 'unknown', gpus: [] } : undefined;
  }
}

/** `0, NVIDIA A100-SXM4-40GB, 40960, 550.54.15` a line. */
export function parseQuery(text: string): Nvidia | undefined {
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 4 && /^\d+$/.test(cells[0] ?? ''));
  const driver = rows[0]?.[3];
  if (driver === undefined) return undefined;
  return { driver, gpus: rows.map(([index, name = '', memory]) => ({ index: Number(index), name, memory: Number(memory) })) };
}

function kernelDriver(): string | undefined {
  try {
    return /Kernel Module\S*\s+(?:for \S+\s+)?(\d+\.\d+(?:\.\d+)?)/.exec(readFileSync('/proc/driver/nvidia/version', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
