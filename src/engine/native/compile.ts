/** Compiles tfjs-node's addon against TensorFlow's C library. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DistillError } from '../../errors.ts';
import { runCommand } from './command.ts';
import { addonFile, napiVersion, quietFile } from './folder.ts';
import { type AddonSources } from './places.ts';

/** The first C++ compiler that answers (`CXX` first), or undefined. */
export async function findCompiler(signal?: AbortSignal): Promise<string | undefined> {
  const named = process.env.CXX;
  for (const program of [...(named === undefined || named === '' ? [] : [named]), 'c++', 'g++', 'clang++']) {
    if ((await runCommand(program, ['--version'], { signal })).code === 0) return program;
  }
  return undefined;
}

export async function requireCompiler(signal?: AbortSignal): Promise<string> {
  const compiler = await findCompiler(signal);
  if (compiler !== undefined) return compiler;
  throw new DistillError('DL212', 'No C++ compiler was found; TensorFlow’s bridge to Node is compiled on this machine.', {
    advice: 'Install one (Debian, Ubuntu: `sudo apt install g++`; Fedora: `sudo dnf install gcc-c++`; macOS: `xcode-select --install`), then run `distill-lab setup` again.',
  });
}

/** Builds `<engine>/tfjs_binding.node` from the sources and `<engine>/tensorflow` (libraries and headers). */
export async function compileAddon(compiler: string, sources: AddonSources, engine: string, signal?: AbortSignal): Promise<void> {
  const tensorflow = join(engine, 'tensorflow');
  const libraries = await linkable(tensorflow);
  const includes = [sources.headers, join(tensorflow, 'include'), sources.package].map((folder) => `-I${folder}`);
  const files = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(sources.package, 'binding', file));
  const options = { signal, env: { TMPDIR: engine } };
  const { code, output } = await runCommand(compiler, ['-std=c++17', ...common, ...includes, ...files, ...libraries, '-o', join(engine, addonFile)], options);
  if (code !== 0) {
    const complaint = output.split('\n').find((line) => /error/i.test(line)) ?? output.split('\n').at(-1);
    throw new DistillError('DL216', 'TensorFlow’s bridge to Node does not compile.', {
      got: complaint,
      advice: 'It needs a compiler with C++17 (gcc 9, clang 10 or newer): set `CXX` to one and run `distill-lab setup` again.',
    });
  }
  // A convenience: an engine without it works, and greets.
  const framework = `-DFRAMEWORK="${basename(libraries.at(-1) ?? '')}"`;
  await runCommand(compiler, ['-x', 'c', framework, ...common, `-I${sources.headers}`, sources.quiet, '-o', join(engine, quietFile)], options);
}

export interface KernelSources {
  /** Folder of the ops' sources. */
  readonly kernels: string;
  /** Folder with `node_api.h`. */
  readonly headers: string;
  /** Folder of the engine: it holds TensorFlow's libraries and headers. */
  readonly engine: string;
  /** The file to write. */
  readonly output: string;
}

/** Builds our own ops against the engine's TensorFlow. @returns whether it worked: an engine without them is slower, no more */
export async function compileKernels(compiler: string, { kernels, headers, engine, output }: KernelSources, signal?: AbortSignal): Promise<boolean> {
  const tensorflow = join(engine, 'tensorflow');
  const libraries = await linkable(tensorflow);
  const files = (await readdir(kernels)).filter((name) => name.endsWith('.cc')).map((name) => join(kernels, name));
  const includes = [headers, join(tensorflow, 'include')].map((folder) => `-I${folder}`);
  const { code } = await runCommand(compiler, ['-std=c++17', ...common, '-O3', '-pthread', ...includes, ...files, ...libraries.slice(-1), '-o', output], { signal });
  return code === 0;
}

const mac = process.platform === 'darwin';
const common = [
  ...['-O2', '-fPIC', '-w', `-DNAPI_VERSION=${napiVersion}`, '-DBUILDING_NODE_EXTENSION'],
  ...(mac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']),
  // By place, not by path: the folder is moved when it is complete, and may be moved by its owner.
  `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/tensorflow`,
];

/** Paths of the two libraries, the framework last since the other needs it. */
async function linkable(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const find = (stem: string): string => {
    const name = names.filter((candidate) => candidate.startsWith(stem)).sort((a, b) => a.length - b.length)[0];
    if (name === undefined) throw new DistillError('DL219', `TensorFlow’s wheel holds no ${stem}.`, { advice: 'This platform has no such build: use the backend webgpu or cpu.' });
    return join(folder, name);
  };
  return [find('libtensorflow_cc'), find('libtensorflow_framework')];
}
