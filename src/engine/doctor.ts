/** `distill-lab doctor`: what there is to compute with, what is used, how fast it is and what to do about what is missing. */
import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { explainError } from '../errors.ts';
import { type Engine, startEngine } from './backend.ts';
import { type Advice, adviceFor } from './doctorAdvice.ts';
import { findCompiler } from './native/compile.ts';
import { checkAddon } from './native/check.ts';
import { runCommand } from './native/command.ts';
import { type Flavour, engineFolder } from './native/folder.ts';
import { loadedEngine } from './native/load.ts';
import { locateEngines } from './native/locate.ts';
import { type Nvidia, findNvidia, hasNvidiaDriver } from './native/nvidia.ts';

export interface Diagnosis {
  readonly node: string;
  /** `linux x64`. */
  readonly platform: string;
  readonly engineFolder: string;
  /** Every engine that was found, in the order in which they are tried. */
  readonly engines: readonly EngineFinding[];
  /** What is used, as a run with `backend: auto` would; undefined (and `failure` tells why) if nothing starts. */
  readonly used: Engine | undefined;
  readonly failure: string | undefined;
  /** Version of the TensorFlow that is running. */
  readonly tensorflow: string | undefined;
  readonly usesGpu: boolean;
  /** Whether convolutions are computed as matrix products; undefined where that is of no use (GPUs, other backends). */
  readonly fastConvolutions: boolean | undefined;
  /** Undefined where there is no NVIDIA driver. */
  readonly nvidia: Nvidia | undefined;
  /** What a set-up needs: version texts, undefined where missing. */
  readonly tools: { readonly python: string | undefined; readonly pip: string | undefined; readonly compiler: string | undefined };
  /** Bytes. */
  readonly memory: { readonly total: number; readonly free: number };
  /** Bytes that are free in the folder where the command was given; undefined where the file system does not tell. */
  readonly disk: number | undefined;
  /** Whether images can be read: `undefined` if so, else why not. */
  readonly sharp: string | undefined;
  readonly speed: Speed | undefined;
  /** What to do, most useful first; empty when all is well. */
  readonly advice: readonly Advice[];
}

export interface EngineFinding {
  readonly addon: string;
  readonly source: 'engine folder' | 'npm';
  readonly flavour: Flavour | undefined;
  readonly tensorflow: string | undefined;
  /** Why it does not load, if it does not. */
  readonly problem: string | undefined;
}

export interface Speed {
  /** 10⁹ floating-point operations a second, of a 3×3 convolution with 64 channels: forward only. */
  readonly gflops: number;
  /** Milliseconds a convolution. */
  readonly milliseconds: number;
  readonly seconds: number;
}

export interface DiagnoseOptions {
  /** Duration of the speed test. */
  readonly seconds?: number;
}

export async function diagnose({ seconds = 3 }: DiagnoseOptions = {}): Promise<Diagnosis> {
  const [engines, nvidia, tools, sharp] = await Promise.all([findEngines(), findNvidia(), findTools(), checkSharp()]);
  const { used, failure } = await tryStart();
  const facts = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    engineFolder: engineFolder(),
    engines,
    used,
    failure,
    tensorflow: used?.backend === 'tensorflow' ? loadedEngine()?.tensorflow : undefined,
    usesGpu: loadedEngine()?.usesGpu ?? false,
    fastConvolutions: used?.backend === 'tensorflow' && loadedEngine()?.usesGpu === false ? used.fastConvolutions === true : undefined,
    nvidia,
    tools,
    memory: { total: totalmem(), free: freemem() },
    disk: await freeDisk(),
    sharp,
    speed: used === undefined ? undefined : await measureSpeed(seconds),
  };
  return { ...facts, advice: adviceFor(facts) };
}

async function findEngines(): Promise<EngineFinding[]> {
  return Promise.all(
    locateEngines(hasNvidiaDriver()).map(async ({ addon, source, flavour, tensorflow }) => {
      const check = await checkAddon(addon);
      return { addon, source, flavour, tensorflow: check.good ? check.tensorflow : tensorflow, problem: check.good ? undefined : check.reason };
    }),
  );
}

async function tryStart(): Promise<Pick<Diagnosis, 'used' | 'failure'>> {
  try {
    return { used: await startEngine({ backend: 'auto' }), failure: undefined };
  } catch (error) {
    return { used: undefined, failure: explainError(error) };
  }
}

async function findTools(): Promise<Diagnosis['tools']> {
  const first = async (program: string, args: readonly string[]): Promise<string | undefined> => {
    const { code, output } = await runCommand(program, args);
    return code === 0 ? output.split('\n')[0] : undefined;
  };
  const compiler = await findCompiler();
  return {
    python: await first('python3', ['--version']),
    pip: (await first('python3', ['-m', 'pip', '--version']))?.split(' from ')[0],
    compiler: compiler === undefined ? undefined : await first(compiler, ['--version']),
  };
}

async function freeDisk(): Promise<number | undefined> {
  return statfs('.').then(({ bavail, bsize }) => bavail * bsize, () => undefined);
}

async function checkSharp(): Promise<string | undefined> {
  try {
    const { default: sharp } = await import('sharp');
    await sharp({ create: { width: 2, height: 2, channels: 3, background: 'black' } }).png().toBuffer();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Convolves again and again for `seconds`; on JavaScript backends the image is small, or one round would take longer. */
export async function measureSpeed(seconds: number): Promise<Speed> {
  const native = tf.getBackend() === 'tensorflow' || tf.getBackend() === 'webgpu';
  const [size, channels] = native ? [128, 64] : [32, 32];
  const image = tf.randomNormal<tf.Rank.R4>([1, size, size, channels]);
  const filter = tf.randomNormal<tf.Rank.R4>([3, 3, channels, channels]);
  const convolve = async (): Promise<void> => {
    const result = tf.tidy(() => tf.conv2d(image, filter, 1, 'same').sum());
    await result.data();
    result.dispose();
  };
  try {
    // The first rounds fill caches and, on a GPU, compile.
    for (let round = 0; round < 3; round += 1) await convolve();
    const start = performance.now();
    let rounds = 0;
    let elapsed = 0;
    while (elapsed < seconds * 1000) {
      await convolve();
      rounds += 1;
      elapsed = performance.now() - start;
    }
    const operations = 2 * size * size * channels * channels * 9;
    return { gflops: (operations * rounds) / (elapsed * 1e6), milliseconds: elapsed / rounds, seconds: elapsed / 1000 };
  } finally {
    image.dispose();
    filter.dispose();
  }
}

export { formatDiagnosis } from './doctorAdvice.ts';
