/**
 * Loads the compiled addon and registers it with TensorFlow.js as backend `tensorflow`.
 *
 * tfjs-node's own entry point is passed over: it looks for its addon in one fixed place inside `node_modules`, at
 * import, and throws on Node 23 and newer. Its backend class and its kernels are taken one by one instead.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { type TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js';
import { DistillError } from '../../errors.ts';
import { quietFile } from './folder.ts';
import { loadKernels } from './kernels.ts';
import { loadAdvice } from './loadAdvice.ts';
import { type FoundEngine } from './locate.ts';

export interface LoadedEngine {
  readonly found: FoundEngine;
  /** Version of the library that is running. */
  readonly tensorflow: string;
  readonly usesGpu: boolean;
  /** Whether it has our own ops (`kernels/`): they are for CPUs. */
  readonly hasKernels: boolean;
}

let loaded: LoadedEngine | undefined;

/** The engine that this process runs on, if one was loaded: there can be one only. */
export function loadedEngine(): LoadedEngine | undefined {
  return loaded;
}

/** Loads the first that can be; a DL202 with every reason if none can. */
export async function loadEngine(candidates: readonly FoundEngine[]): Promise<LoadedEngine> {
  if (loaded !== undefined) return loaded;
  const reasons: string[] = [];
  for (const found of candidates) {
    try {
      const binding = openAddon(found.addon);
      await registerBackend(binding);
      loaded = { found, tensorflow: binding.TF_Version, usesGpu: binding.isUsingGpuDevice(), hasKernels: loadKernels(dirname(found.addon)) };
      return loaded;
    } catch (error) {
      reasons.push(`${found.addon}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new DistillError('DL202', 'Native TensorFlow is there but does not load.', {
    got: reasons.join('; '),
    advice: loadAdvice(reasons.join(' ')),
  });
}

function openAddon(path: string): TFJSBinding {
  quiet(dirname(path));
  const module: { exports: Partial<TFJSBinding> } = { exports: {} };
  process.dlopen(module, path);
  if (module.exports.createTensor === undefined) throw new Error('it is not TensorFlow.js’s addon');
  return module.exports as TFJSBinding;
}

/** Keeps TensorFlow's greeting out of the terminal, unless its log was asked for. */
function quiet(folder: string): void {
  const path = join(folder, quietFile);
  if (['0', '1'].includes(process.env.TF_CPP_MIN_LOG_LEVEL ?? '2') || !existsSync(path)) return;
  try {
    process.dlopen({ exports: {} }, path);
  } catch {
    // The addon, opened next, tells what is wrong.
  }
}

async function registerBackend(binding: TFJSBinding): Promise<void> {
  restoreUtil();
  const { NodeJSKernelBackend } = await import('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js');
  await import('@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js');
  // The name is what makes the backend read `isUsingGpuDevice`; priority as tfjs-node registers itself.
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu'), 3);
}

/** tfjs-node 4.22 calls two functions of `util` that Node 23 took out. */
export function restoreUtil(target: { isNullOrUndefined?: unknown; isArray?: unknown } = util): void {
  target.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  target.isArray ??= Array.isArray;
}
