/** Set-up as far as it goes without a network: its parts, and each way in which it must refuse. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkAddon } from '../../../src/engine/native/check.ts';
import { runCommand } from '../../../src/engine/native/command.ts';
import { withLock } from '../../../src/engine/native/lock.ts';
import { parseQuery } from '../../../src/engine/native/nvidia.ts';
import { announcedSize, downloadError } from '../../../src/engine/native/python.ts';
import { type SetupProgress, runSetup } from '../../../src/engine/native/setup.ts';
import { readText, unpack } from '../../../src/engine/native/unpack.ts';
import { cudaRequirements, isCuda, isHeader, isLibrary } from '../../../src/engine/native/wheels.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'distill-lab-setup-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

/** A folder with these programs only, as the whole PATH. */
function onlyPrograms(programs: Readonly<Record<string, string>>): void {
  const folder = join(root, 'bin');
  mkdirSync(folder, { recursive: true });
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  vi.stubEnv('PATH', folder);
  vi.stubEnv('CXX', '');
}

describe.skipIf(process.platform === 'win32')('set-up', () => {
  const python = '[ "$1" = -c ] && { echo 3; exit 0; }\n[ "$3" = --version ] && exit 0\n';
  let engine: string;
  beforeEach(() => {
    engine = join(root, 'engine');
    vi.stubEnv('DISTILL_LAB_ENGINE', engine);
  });

  async function attempt(options: Parameters<typeof runSetup>[0] = {}): Promise<unknown> {
    return runSetup({ force: true, flavour: 'cpu', ...options }).catch((error: unknown) => error);
  }

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['no Python', 'DL210', {}],
    ['Python 2 only', 'DL210', { python: 'echo 2' }],
    ['no pip', 'DL211', { python3: '[ "$1" = -c ] && { echo 3; exit 0; }\nexit 1' }],
    ['no compiler', 'DL212', { python3: python }],
    ['no network', 'DL213', { python3: `${python}echo "NewConnectionError: Connection refused"; echo "ERROR: No matching distribution found"; exit 1`, 'c++': 'exit 0' }],
    ['a download that fails', 'DL213', { python3: `${python}echo "ERROR: HTTP error 500"; exit 1`, 'c++': 'exit 0' }],
    ['a disk that fills up', 'DL214', { python3: `${python}echo "ERROR: [Errno 28] No space left on device"; exit 1`, 'c++': 'exit 0' }],
    ['a download that brings nothing', 'DL219', { python3: `${python}exit 0`, 'c++': 'exit 0' }],
  ])('with %s says %s, what to do, and leaves nothing behind', async (_, code, programs) => {
    onlyPrograms(programs);
    expect(await attempt()).toMatchObject({ code, details: { advice: expect.stringMatching(/\w/) as string } });
    expect(readdirSync(engine)).toEqual([]);
  });

  it('removes what a killed one left', async () => {
    mkdirSync(join(engine, '.building-dead', 'tensorflow'), { recursive: true });
    mkdirSync(join(engine, '.old-dead'));
    onlyPrograms({});
    await attempt();
    expect(readdirSync(engine)).toEqual([]);
  });

  it('can be cancelled while it downloads', async () => {
    onlyPrograms({ python3: `${python}exec /bin/sleep 60`, 'c++': 'exit 0' });
    const control = new AbortController();
    const stages: SetupProgress[] = [];
    const result = await attempt({
      signal: control.signal,
      onProgress: (progress) => {
        stages.push(progress);
        if (progress.stage === 'download') control.abort();
      },
    });
    expect(result).toMatchObject({ code: 'DL218' });
    expect(stages.at(-1)).toMatchObject({ stage: 'download', message: expect.stringContaining('TensorFlow') as string });
    expect(readdirSync(engine)).toEqual([]);
  });

  it('says DL221 where it may not write', async () => {
    writeFileSync(join(root, 'file'), '');
    vi.stubEnv('DISTILL_LAB_ENGINE', join(root, 'file', 'engine'));
    expect(await attempt()).toMatchObject({ code: 'DL221' });
  });
});

describe('the lock', () => {
  it('lets one in at a time', async () => {
    const log: string[] = [];
    const enter = (name: string): Promise<void> =>
      withLock(root, async () => {
        log.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        log.push(`${name} out`);
      }, { poll: 5 });
    await Promise.all(['a', 'b', 'c'].map(enter));
    expect(log).toHaveLength(6);
    for (const [index, line] of log.entries()) expect(line.endsWith(index % 2 === 0 ? 'in' : 'out')).toBe(true);
    expect(readdirSync(root)).toEqual([]);
  });

  it('is given back after a failure', async () => {
    await expect(withLock(root, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await withLock(root, () => Promise.resolve('free'))).toBe('free');
  });

  it('of a dead process is taken over', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.once('close', resolve));
    writeFileSync(join(root, 'setup.lock'), JSON.stringify({ pid: child.pid, host: hostname(), token: 'dead' }));
    expect(await withLock(root, () => Promise.resolve('mine'))).toBe('mine');
  });

  it('of a living process is waited for, by its number, until the caller gives up', async () => {
    writeFileSync(join(root, 'setup.lock'), JSON.stringify({ pid: process.pid, host: hostname(), token: 'alive' }));
    const control = new AbortController();
    const waited: number[] = [];
    const result = withLock(root, () => Promise.resolve('mine'), {
      signal: control.signal,
      poll: 5,
      onWait: (pid) => {
        waited.push(pid);
        control.abort();
      },
    });
    await expect(result).rejects.toMatchObject({ name: 'AbortError' });
    expect(waited).toEqual([process.pid]);
    expect(readFileSync(join(root, 'setup.lock'), 'utf8')).toContain('alive');
  });

  it.each(['{"pid":1,"host":"elsewhere","token":"old"}', 'not JSON'])('without a sign of life is taken over: %s', async (text) => {
    const path = join(root, 'setup.lock');
    writeFileSync(path, text);
    utimesSync(path, new Date(0), new Date(0));
    expect(await withLock(root, () => Promise.resolve('mine'))).toBe('mine');
  });
});

describe('unpacking a wheel', () => {
  function wheel(files: Readonly<Record<string, string>>): string {
    const path = join(root, 'some-1.0-py3-none-any.whl');
    const executable = { os: 3, attrs: 0o755 << 16 };
    writeFileSync(path, zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, name.includes('/bin/') ? [strToU8(text), executable] : strToU8(text)]))));
    return path;
  }

  it('takes what is wanted, keeps programs executable and tells how far it is', async () => {
    const fractions: number[] = [];
    const path = wheel({ 'tensorflow/libtensorflow_cc.so.2': 'code', 'nvidia/cuda_nvcc/bin/ptxas': 'tool', 'tensorflow/python/x.py': 'no' });
    const names = await unpack(path, join(root, 'out'), (name) => isLibrary(name) || isCuda(name), { onProgress: (done) => fractions.push(done) });
    expect(names).toEqual(['tensorflow/libtensorflow_cc.so.2', 'nvidia/cuda_nvcc/bin/ptxas']);
    expect(readFileSync(join(root, 'out', 'tensorflow/libtensorflow_cc.so.2'), 'utf8')).toBe('code');
    expect(statSync(join(root, 'out', 'nvidia/cuda_nvcc/bin/ptxas')).mode & 0o111).not.toBe(0);
    expect(statSync(join(root, 'out', 'tensorflow/libtensorflow_cc.so.2')).mode & 0o111).toBe(0);
    expect(fractions).toEqual([0.5, 1]);
  });

  it('refuses names that lead out of the folder', async () => {
    await expect(unpack(wheel({ '../escaped': 'x' }), join(root, 'out'), () => true)).rejects.toThrow(/invalid relative path/);
    expect(readdirSync(root)).not.toContain('escaped');
  });

  it('refuses what is no archive', async () => {
    writeFileSync(join(root, 'bad.whl'), 'not a zip');
    await expect(unpack(join(root, 'bad.whl'), root, () => true)).rejects.toThrow();
  });

  it('stops when told', async () => {
    await expect(unpack(wheel({ a: 'a' }), join(root, 'out'), () => true, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('reads one text', async () => {
    const path = wheel({ 'some-1.0.dist-info/METADATA': 'Name: some' });
    expect(await readText(path, (name) => name.endsWith('/METADATA'))).toBe('Name: some');
    expect(await readText(path, (name) => name === 'absent')).toBeUndefined();
  });
});

describe('what is kept of a wheel', () => {
  it.each([
    ['tensorflow/libtensorflow_cc.so.2', true],
    ['tensorflow/libtensorflow_framework.so.2', true],
    ['tensorflow/libtensorflow_cc.2.dylib', true],
    ['tensorflow/THIRD_PARTY_NOTICES.txt', true],
    ['tensorflow/python/_pywrap_tensorflow_internal.so', false],
    ['tensorflow/include/tensorflow/libtensorflow_cc.so.2', false],
  ])('library %s: %s', (name, kept) => {
    expect(isLibrary(name)).toBe(kept);
  });

  it.each([
    ['tensorflow/include/tensorflow/c/c_api.h', true],
    ['tensorflow/include/xla/tsl/c/tsl_status.h', true],
    ['tensorflow/include/external/local_tsl/tsl/platform/status.h', true],
    ['tensorflow/include/Eigen/Core', false],
    ['tensorflow/c/c_api.h', false],
  ])('header %s: %s', (name, kept) => {
    expect(isHeader(name)).toBe(kept);
  });

  it.each([
    ['nvidia/cublas/lib/libcublas.so.12', true],
    ['nvidia/cudnn/lib/libcudnn_ops.so.9', true],
    ['nvidia/cuda_nvcc/bin/ptxas', true],
    ['nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc', true],
    ['nvidia/cublas/include/cublas.h', false],
    ['nvidia/cublas/lib/libcublas_static.a', false],
  ])('CUDA %s: %s', (name, kept) => {
    expect(isCuda(name)).toBe(kept);
  });

  it('CUDA’s wheels are those that TensorFlow’s own metadata names', () => {
    const metadata = ['Requires-Dist: numpy>=1.26.0', 'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"', "Requires-Dist: nvidia-nccl-cu12 (==2.19.3) ; extra == 'and-cuda'", 'Requires-Dist: other; extra == "gcs"', ''].join('\r\n');
    expect(cudaRequirements(metadata)).toEqual(['nvidia-cublas-cu12<13.0,>=12.5.3.2', 'nvidia-nccl-cu12==2.19.3']);
    expect(cudaRequirements('')).toEqual([]);
  });
});

describe('what pip says', () => {
  it.each([
    ['  Downloading tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl (284.6 MB)', 284.6e6],
    ['Downloading x.whl (1.5 GB)', 1.5e9],
    ['Downloading x.whl (12 kB)', 12e3],
    ['Saved ./x.whl', undefined],
  ])('%s', (line, bytes) => {
    expect(announcedSize(line)).toBe(bytes);
  });

  it('shows the network’s complaint rather than its consequence', () => {
    const error = downloadError(['tensorflow-cpu==2.21.0'], 'WARNING: Retrying after NewConnectionError: Connection refused\nERROR: No matching distribution found');
    expect(error.details.got).toContain('Connection refused');
    expect(error.explain()).toContain('HTTPS_PROXY');
  });
});

describe('what the driver says', () => {
  it('becomes a list of GPUs', () => {
    expect(parseQuery('0, NVIDIA A100-SXM4-40GB, 40960, 550.54.15\n1, NVIDIA RTX A2000, 6138, 550.54.15\n')).toEqual({
      driver: '550.54.15',
      gpus: [
        { index: 0, name: 'NVIDIA A100-SXM4-40GB', memory: 40960 },
        { index: 1, name: 'NVIDIA RTX A2000', memory: 6138 },
      ],
    });
  });

  it.each(['', 'NVIDIA-SMI has failed because it could not communicate with the driver', 'No devices were found'])('or nothing: %s', (text) => {
    expect(parseQuery(text)).toBeUndefined();
  });
});

describe('commands', () => {
  it('give their code, their lines and their last words', async () => {
    const lines: string[] = [];
    const result = await runCommand(process.execPath, ['-e', 'console.log("one\\ntwo"); console.error("three"); process.exitCode = 3'], { onLine: (line) => lines.push(line) });
    expect(result.code).toBe(3);
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
    expect(result.output).toContain('three');
  });

  it('that do not exist have no code', async () => {
    expect(await runCommand('no-such-program-here', [])).toEqual({ code: undefined, output: '' });
  });

  it('are ended with what they started', async () => {
    const control = new AbortController();
    const script = 'require("node:child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], { stdio: "inherit" }); console.log("up"); setTimeout(() => {}, 60000)';
    const onLine = (): void => {
      control.abort();
    };
    // The pipes close when the last process that holds them is gone: that it settles at all says that both are.
    await expect(runCommand(process.execPath, ['-e', script], { signal: control.signal, onLine })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('trying an addon', () => {
  it('tells why it is refused', async () => {
    writeFileSync(join(root, 'bad.node'), 'no library');
    expect(await checkAddon(join(root, 'bad.node'))).toMatchObject({ good: false, reason: expect.stringMatching(/file too short|invalid ELF header|not.*valid|slice/i) as string });
    expect(await checkAddon(join(root, 'absent.node'))).toMatchObject({ good: false });
  });
});
