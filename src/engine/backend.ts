/** Starts a tensor backend: native TensorFlow where it is installed, else the best that is there, and says why. */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { DistillError } from '../errors.ts';
import { type LoadedEngine, loadEngine, loadedEngine } from './native/load.ts';
import { locateEngines } from './native/locate.ts';
import { findNvidia, hasNvidiaDriver } from './native/nvidia.ts';
import { wasmFolder } from './native/places.ts';
import { startWebGpu } from './webgpu.ts';

export interface EngineOptions {
  readonly backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** `cpu` or numbers of GPUs, `0,1`. */
  readonly device?: string | undefined;
  /** `direct` sums as the textbook has it even where `fast` could be had; default `fast`. */
  readonly convolutions?: 'fast' | 'direct' | undefined;
  /** Training needs gradients, which WebAssembly does not have. */
  readonly purpose?: 'training' | 'inference';
}

type Backend = Engine['backend'];

export interface Engine {
  readonly backend: 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** For people: `CPU, 2 cores, TensorFlow 2.21.0`. */
  readonly device: string;
  /** Why it is not the one that was hoped for; shown, never hidden. */
  readonly notice?: string;
  /** TensorFlow's names of the GPUs that it sees; absent where it runs on none. */
  readonly gpus?: readonly string[];
  /** Captured programs compute convolutions as matrix products (`capture/passes/convolutions.ts`). */
  readonly fastConvolutions?: true;
}

/**
 * Starts the backend that is named, or with `auto` the fastest that starts: TensorFlow, WebGPU, (WebAssembly), JavaScript.
 * What is named and cannot be had is an error (DL2xx); only `auto` falls back, with the reasons in `notice`.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  checkDevice(options);
  if (options.backend !== 'auto') return start(options.backend, options);
  const reasons: string[] = [];
  for (const backend of candidates(options)) {
    try {
      const engine = await start(backend, options);
      return reasons.length === 0 ? engine : { ...engine, notice: notice(backend, reasons) };
    } catch (error) {
      if (!(error instanceof DistillError) || error.code === 'DL205') throw error;
      reasons.push(error.details.got === undefined ? error.message : `${error.message} (${error.details.got})`);
    }
  }
  throw new DistillError('DL203', 'No tensor backend starts on this machine.', { got: reasons.join(' '), advice: 'Run `distill-lab doctor`.' });
}

function candidates({ device, purpose }: EngineOptions): readonly Backend[] {
  // A number asks for a CUDA GPU: nothing else would be what was asked for.
  if (device !== undefined && device !== 'cpu') return ['tensorflow'];
  const all: readonly Backend[] = ['tensorflow', 'webgpu', 'wasm', 'cpu'];
  return all.filter((backend) => (backend !== 'webgpu' || device !== 'cpu') && (backend !== 'wasm' || purpose === 'inference'));
}

const titles: Readonly<Record<Backend, string>> = { tensorflow: 'native TensorFlow', webgpu: 'WebGPU', wasm: 'WebAssembly', cpu: 'plain JavaScript (slow)' };

function notice(backend: Backend, reasons: readonly string[]): string {
  return `${reasons.join(' ')} Running on ${titles[backend]} instead. For native TensorFlow run \`distill-lab setup\`; \`distill-lab doctor\` tells more.`;
}

async function start(backend: Backend, options: EngineOptions): Promise<Engine> {
  switch (backend) {
    case 'tensorflow':
      return startTensorFlow(options);
    case 'webgpu':
      return { backend, device: `${await startWebGpu()}, WebGPU` };
    case 'wasm':
      return { backend, device: await startWasm(options) };
    case 'cpu':
      await activate('cpu');
      return { backend, device: 'CPU, 1 thread, JavaScript' };
  }
}

async function startTensorFlow({ device, convolutions = 'fast' }: EngineOptions): Promise<Engine> {
  const engine = loadedEngine() ?? (await loadFresh(device));
  checkGpu(engine, device);
  await activate('tensorflow');
  const library = `TensorFlow ${engine.tensorflow}`;
  if (engine.usesGpu) return { backend: 'tensorflow', device: `${await gpuName()}, ${library}`, gpus: await visibleGpus() };
  const missed = device !== 'cpu' && hasNvidiaDriver();
  return {
    backend: 'tensorflow',
    device: `CPU, ${availableParallelism()} cores, ${library}`,
    ...(engine.hasKernels && convolutions === 'fast' ? { fastConvolutions: true } : {}),
    ...(missed ? { notice: 'There is an NVIDIA driver, but TensorFlow runs on the CPU. `distill-lab setup` installs the CUDA build; `distill-lab doctor` tells more.' } : {}),
  };
}

async function loadFresh(device: string | undefined): Promise<LoadedEngine> {
  // TensorFlow reads these once, when it is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (device !== undefined) process.env.CUDA_VISIBLE_DEVICES = device === 'cpu' ? '-1' : device;
  const wantsGpu = device !== 'cpu' && hasNvidiaDriver();
  const found = locateEngines(wantsGpu);
  if (found.length === 0) {
    throw new DistillError('DL201', 'Native TensorFlow is not set up.', { advice: 'Run `distill-lab setup`, or set `engine.backend: auto` to use what is there.' });
  }
  return loadEngine(found);
}

function checkDevice({ backend, device, purpose = 'training' }: EngineOptions): void {
  if (device !== undefined && device !== 'cpu' && !/^\d+(?:,\d+)*$/.test(device)) {
    throw new DistillError('DL205', `There is no device "${device}".`, { key: ['engine', 'device'], expected: '`cpu` or numbers of GPUs, for example `0` or `0,1`', got: device });
  }
  const gpu = device !== undefined && device !== 'cpu';
  if ((backend === 'wasm' || backend === 'cpu') && gpu) {
    throw new DistillError('DL205', `The backend ${backend} runs on no GPU.`, { key: ['engine', 'device'], got: device, advice: 'Leave `engine.device` out, or use the backend `tensorflow`.' });
  }
  if (backend === 'webgpu' && device !== undefined) {
    throw new DistillError('DL205', 'WebGPU takes the GPU that the system names first; it cannot be chosen.', { key: ['engine', 'device'], got: device, advice: 'Leave `engine.device` out.' });
  }
  if (backend === 'wasm' && purpose === 'training') {
    throw new DistillError('DL204', 'The WebAssembly backend cannot train: it lacks the gradients of convolutions.', { key: ['engine', 'backend'], advice: 'Use `auto`, `tensorflow`, `webgpu` or `cpu`.' });
  }
}

/** What was asked for against what TensorFlow got; it cannot be changed in a process that has loaded it. */
function checkGpu({ usesGpu }: LoadedEngine, device: string | undefined): void {
  if (device === undefined || usesGpu === (device !== 'cpu')) return;
  if (usesGpu) throw new DistillError('DL205', 'This process has TensorFlow on the GPU already.', { key: ['engine', 'device'], advice: 'Start a new process to run on the CPU.' });
  throw new DistillError('DL205', `TensorFlow finds no GPU ${device}.`, {
    key: ['engine', 'device'],
    advice: 'Run `distill-lab doctor`: it lists the GPUs and says whether the CUDA build is set up. Leave `engine.device` out to run on the CPU.',
  });
}

async function startWasm(options: EngineOptions): Promise<string> {
  checkDevice({ ...options, backend: 'wasm' });
  const folder = wasmFolder();
  if (folder === undefined) throw new DistillError('DL203', 'The WebAssembly backend’s files are missing from this installation.');
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  // Its threads are browser workers: in Node they would never answer.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setWasmPaths(folder);
  await activate('wasm');
  return 'CPU, 1 thread, WebAssembly';
}

async function activate(backend: Backend): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new DistillError('DL203', `The backend ${backend} does not start on this machine.`, { advice: 'Run `distill-lab doctor`.' });
  await tf.ready();
  // tfjs's JavaScript backend prints an advertisement for tfjs-node at its first use; our notice says more.
  if (backend === 'cpu') Object.assign(tf.backend(), { firstUse: false });
}

/** As TensorFlow counts them: from 0, over those that it may see. */
async function visibleGpus(): Promise<string[]> {
  const named = process.env.CUDA_VISIBLE_DEVICES?.split(',').length;
  const count = named ?? (await findNvidia())?.gpus.length ?? 1;
  return Array.from({ length: Math.max(1, count) }, (_, index) => `/device:GPU:${index}`);
}

async function gpuName(): Promise<string> {
  const first = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0] ?? '0';
  const nvidia = await findNvidia();
  const gpu = nvidia?.gpus.find(({ index }) => String(index) === first) ?? nvidia?.gpus[0];
  return gpu === undefined ? 'GPU' : `${gpu.name} (GPU ${gpu.index})`;
}
