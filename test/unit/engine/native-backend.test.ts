import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../../src/engine/backend.ts';
import { installedEngines } from '../../../src/engine/native/folder.ts';
import { loadAdvice } from '../../../src/engine/native/loadAdvice.ts';
import { loadedEngine, restoreUtil } from '../../../src/engine/native/load.ts';
import { npmEngine } from '../../../src/engine/native/locate.ts';

const there = installedEngines().length > 0 || npmEngine() !== undefined;
if (!there) console.info('skipped: native TensorFlow is not set up here (npm run setup)');

describe.skipIf(!there)('native TensorFlow', () => {
  beforeAll(async () => {
    await startEngine({ backend: 'tensorflow' });
  });

  it('is what auto takes, without a notice, and names device and version', async () => {
    const engine = await startEngine({ backend: 'auto' });
    expect(engine).toMatchObject({ backend: 'tensorflow' });
    expect(engine.notice).toBeUndefined();
    expect(engine.device).toMatch(/TensorFlow \d+\.\d+/);
    expect(tf.getBackend()).toBe('tensorflow');
  });

  it('shares one copy of tfjs: gradients of a convolution run on it', () => {
    const filter = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
    const image = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
    const gradient = tf.grad((weights: tf.Tensor) => tf.conv2d(image, weights as tf.Tensor4D, 1, 'same').sum())(filter);
    // Each tap sees as many pixels as the image shifted by it still covers.
    expect([...gradient.dataSync()]).toEqual([9, 12, 9, 12, 16, 12, 9, 12, 9]);
  });

  it('finds kernels that are registered for it from here', () => {
    tf.registerKernel({ kernelName: 'TestTwice', backendName: 'tensorflow', kernelFunc: ({ inputs }) => (inputs.x as tf.Tensor).mul(2) });
    const doubled = tf.engine().runKernel('TestTwice', { x: tf.tensor1d([1, 2]) }) as unknown as tf.Tensor;
    expect([...doubled.dataSync()]).toEqual([2, 4]);
  });

  it('runs the kernels that need util’s two lost functions', () => {
    restoreUtil();
    expect([...tf.topk(tf.tensor1d([3, 1, 2]), 2).values.dataSync()]).toEqual([3, 2]);
  });

  it('is loaded once', async () => {
    const before = loadedEngine();
    await startEngine({ backend: 'tensorflow' });
    expect(loadedEngine()).toBe(before);
    expect(before).toBeDefined();
  });

  it('refuses a GPU that is not there, instead of running elsewhere', async () => {
    await expect(startEngine({ backend: 'auto', device: '97' })).rejects.toMatchObject({ code: 'DL205' });
  });
});

describe('what is named is what is used', () => {
  it('cpu', async () => {
    expect(await startEngine({ backend: 'cpu' })).toEqual({ backend: 'cpu', device: 'CPU, 1 thread, JavaScript' });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('wasm, for inference only', async () => {
    await expect(startEngine({ backend: 'wasm' })).rejects.toMatchObject({ code: 'DL204' });
    expect(await startEngine({ backend: 'wasm', purpose: 'inference' })).toMatchObject({ backend: 'wasm' });
    expect([...tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])).dataSync()]).toEqual([11]);
  });

  it.each([
    ['auto', 'gpu'],
    ['auto', '-1'],
    ['cpu', '0'],
    ['wasm', '1'],
    ['webgpu', '0'],
  ] as const)('%s on device %s is refused', async (backend, device) => {
    await expect(startEngine({ backend, device })).rejects.toMatchObject({ code: 'DL205', details: { key: ['engine', 'device'] } });
  });
});

describe('the two functions that newer Nodes took out of util', () => {
  it('are put back where they lack', () => {
    const target: { isNullOrUndefined?: (value: unknown) => boolean; isArray?: (value: unknown) => boolean } = {};
    restoreUtil(target);
    expect([null, undefined, 0, ''].map((value) => target.isNullOrUndefined?.(value))).toEqual([true, true, false, false]);
    expect([[], {}].map((value) => target.isArray?.(value))).toEqual([true, false]);
  });

  it('are left alone where they are', () => {
    const own = (): boolean => true;
    const target = { isNullOrUndefined: own, isArray: own };
    restoreUtil(target);
    expect(target).toEqual({ isNullOrUndefined: own, isArray: own });
  });
});

describe('advice for an addon that does not load', () => {
  it.each([
    ["/lib/libm.so.6: version `GLIBC_2.38' not found", 'distribution'],
    ["libstdc++.so.6: version `GLIBCXX_3.4.32' not found", 'distribution'],
    ['libtensorflow_cc.so.2: cannot open shared object file: No such file or directory', '--force'],
    ['tfjs_binding.node: wrong ELF class: ELFCLASS32', 'another processor'],
    ['anything else', 'anew'],
  ])('%s', (reason, word) => {
    expect(loadAdvice(reason)).toContain(word);
  });
});
