/** TensorFlow.js on WebGPU by way of Dawn: any GPU that speaks Vulkan, Metal or Direct3D 12. */
import * as tf from '@tensorflow/tfjs';
import { DistillError } from '../errors.ts';

/** What is used of WebGPU's own types, which Node does not declare. */
interface Adapter {
  readonly info: { readonly vendor: string; readonly architecture: string; readonly device: string; readonly description: string };
}
interface Gpu {
  requestAdapter(options?: { powerPreference: 'high-performance' }): Promise<Adapter | null>;
}
interface WebGpuPackage {
  readonly create: (options: readonly string[]) => Gpu;
  readonly globals: object;
}

/** Dawn frees its instance, and every device with it, when this is collected. */
let instance: Gpu | undefined;

/** Starts the backend and returns the adapter's name; a DL203 says why it cannot be. */
export async function startWebGpu(): Promise<string> {
  const { create, globals } = await importPackage();
  // tfjs's backend looks for these at import, and Dawn's driver search happens in `create`.
  Object.assign(globalThis, globals);
  instance ??= create([]);
  const gpu = instance;
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true, writable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new DistillError('DL203', 'WebGPU finds no GPU on this machine.', { advice: 'Install the GPU’s Vulkan driver, or set up native TensorFlow with `distill-lab setup`.' });
  }
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new DistillError('DL203', 'The WebGPU backend does not start on this GPU.', { got: describe(adapter) });
  await tf.ready();
  return describe(adapter);
}

async function importPackage(): Promise<WebGpuPackage> {
  try {
    // An optional dependency: absent where its binaries do not run, so the compiler must not insist on it.
    const name = 'webgpu';
    return (await import(name)) as WebGpuPackage;
  } catch (cause) {
    throw new DistillError('DL203', 'The package `webgpu` is not installed or does not load.', {
      got: cause instanceof Error ? cause.message.split('\n')[0] : String(cause),
      advice: 'Set up native TensorFlow with `distill-lab setup`.',
      cause,
    });
  }
}

function describe({ info }: Adapter): string {
  const names = [info.description, info.device, info.architecture, info.vendor].map((text) => text.replace(/[\s-]+$/, ''));
  return names.find((text) => text !== '') ?? 'unnamed GPU';
}
