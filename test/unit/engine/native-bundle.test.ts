/** The engine as users get it: bundled into one file, in a process of its own. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/engine/native/command.ts';
import { installedEngines } from '../../../src/engine/native/folder.ts';
import { npmEngine } from '../../../src/engine/native/locate.ts';

const project = join(import.meta.dirname, '../../..');
const vulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';
const native = installedEngines().length > 0 || npmEngine() !== undefined;
const software = existsSync(vulkan) && existsSync(join(project, 'node_modules', 'webgpu'));
if (!native) console.info('skipped: native TensorFlow is not set up here (npm run setup)');
if (!software) console.info('skipped: no software GPU here for WebGPU (Debian: apt-get install chromium)');

/** Starts the backend, registers a kernel for it, takes a gradient, and prints what came out as JSON. */
const program = `
import * as tf from '@tensorflow/tfjs';
import { startEngine } from './src/engine/backend.ts';
async function main() {
  const engine = await startEngine({ backend: process.argv[2] });
  tf.registerKernel({ kernelName: 'TestTwice', backendName: engine.backend, kernelFunc: ({ inputs }) => inputs.x.mul(2) });
  const twice = await tf.engine().runKernel('TestTwice', { x: tf.tensor1d([1, 2]) }).data();
  const gradient = await tf.grad((w) => tf.conv2d(tf.ones([1, 4, 4, 1]), w, 1, 'same').sum())(tf.ones([3, 3, 1, 1])).data();
  console.log('result:' + JSON.stringify({ backend: engine.backend, device: engine.device, twice: [...twice], gradient: [...gradient] }));
  process.exit(0);
}
void main();`;

let folder: string;
beforeAll(async () => {
  await mkdir(join(project, 'test-results'), { recursive: true });
  folder = await mkdtemp(join(project, 'test-results', 'bundle-'));
  await esbuild.build({
    stdin: { contents: program, resolveDir: project, loader: 'ts' },
    outfile: join(folder, 'probe.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'error',
    external: ['sharp', 'webgpu', '*.node'],
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function probe(backend: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { output } = await runCommand(process.execPath, [join(folder, 'probe.js'), backend], { env });
  const line = output.split('\n').find((text) => text.startsWith('result:'));
  if (line === undefined) throw new Error(output);
  return JSON.parse(line.slice('result:'.length));
}

const right = { twice: [2, 4], gradient: [9, 12, 9, 12, 16, 12, 9, 12, 9] };

describe('the bundled engine', () => {
  it.skipIf(!native)('trains on native TensorFlow', async () => {
    expect(await probe('tensorflow')).toMatchObject({ backend: 'tensorflow', ...right });
  });

  it('trains on plain JavaScript', async () => {
    expect(await probe('cpu')).toMatchObject({ backend: 'cpu', ...right });
  });

  it.skipIf(!software)('trains on WebGPU', async () => {
    const result = await probe('webgpu', { VK_ICD_FILENAMES: vulkan, LD_LIBRARY_PATH: '/usr/lib/chromium' });
    expect(result).toMatchObject({ backend: 'webgpu', ...right, device: expect.stringMatching(/swiftshader.*WebGPU/i) as string });
  });

  // Only the Vulkan loader can be sent astray by a variable.
  it.skipIf(process.platform !== 'linux')('says what is missing rather than running elsewhere', async () => {
    await expect(probe('webgpu', { VK_ICD_FILENAMES: '/nowhere.json' })).rejects.toThrow(/DL203/);
  });
});
