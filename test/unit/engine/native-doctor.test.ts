import { describe, expect, it, vi } from 'vitest';
import { diagnose, measureSpeed } from '../../../src/engine/doctor.ts';
import { type Facts, adviceFor, formatDiagnosis } from '../../../src/engine/doctorAdvice.ts';
import { startEngine } from '../../../src/engine/backend.ts';

const healthy: Facts = {
  node: 'v20.20.2',
  platform: 'linux x64',
  engineFolder: '/home/ann/.local/share/distill-lab/engine',
  engines: [{ addon: '/e/tfjs_binding.node', source: 'engine folder', flavour: 'cpu', tensorflow: '2.21.0', problem: undefined }],
  used: { backend: 'tensorflow', device: 'CPU, 2 cores, TensorFlow 2.21.0' },
  failure: undefined,
  tensorflow: '2.21.0',
  usesGpu: false,
  fastConvolutions: true,
  nvidia: undefined,
  tools: { python: 'Python 3.11.7', pip: 'pip 23.2.1', compiler: 'c++ 12.2.0' },
  memory: { total: 16e9, free: 8e9 },
  disk: 100e9,
  sharp: undefined,
  speed: { gflops: 155.4, milliseconds: 7.8, seconds: 3 },
};
const fallback: Facts = { ...healthy, engines: [], used: { backend: 'cpu', device: 'CPU, 1 thread, JavaScript', notice: 'Native TensorFlow is not set up.' }, tensorflow: undefined };
const nvidia = { driver: '550.54', gpus: [{ index: 0, name: 'NVIDIA A100', memory: 40960 }] };

describe('the doctor’s advice', () => {
  it('is none where all is well', () => {
    expect(adviceFor(healthy)).toEqual([]);
    expect(adviceFor({ ...healthy, nvidia, usesGpu: true })).toEqual([]);
  });

  it.each<[string, Facts, RegExp]>([
    ['no engine', fallback, /^Run `distill-lab setup`/],
    ['no engine, no Python', { ...fallback, tools: { ...healthy.tools, python: undefined, pip: undefined } }, /^Install Python 3 \(.*then run `distill-lab setup`/],
    ['no engine, no pip, no compiler', { ...fallback, tools: { python: 'Python 3.11.7', pip: undefined, compiler: undefined } }, /^Install pip and a C\+\+ compiler/],
    ['Windows', { ...fallback, platform: 'win32 x64' }, /WSL 2/],
    ['an engine that lost a library', { ...fallback, engines: [{ addon: '/e/x.node', source: 'npm', flavour: undefined, tensorflow: undefined, problem: 'libtensorflow_cc.so.2: cannot open shared object file' }] }, /x\.node does not load .*--force/],
    ['nothing starts', { ...fallback, used: undefined, failure: 'no backend' }, /No backend starts: no backend/],
    ['a GPU, but the CPU build', { ...healthy, nvidia }, /CUDA build of TensorFlow is not: run `distill-lab setup`/],
    ['the CUDA build, but no GPU seen', { ...healthy, nvidia, engines: [{ addon: '/e/x.node', source: 'engine folder', flavour: 'cuda', tensorflow: '2.21.0', problem: undefined }] }, /sees no GPU \(driver 550\.54\)/],
    ['an engine without our ops', { ...healthy, fastConvolutions: false }, /^Run `distill-lab setup`: fast convolutions/],
    ['no sharp', { ...healthy, sharp: 'Could not load the sharp module' }, /Images cannot be read/],
    ['little memory', { ...healthy, memory: { total: 2e9, free: 1e9 } }, /2\.0 GB of memory/],
    ['a full disk', { ...healthy, disk: 1e9 }, /1\.0 GB of disk are free/],
    ['an old Node', { ...healthy, node: 'v18.19.0' }, /v18\.19\.0 is too old/],
  ])('for %s', (_, facts, expected) => {
    expect(adviceFor(facts).map(({ text }) => text).join('\n')).toMatch(expected);
  });

  it('sees a GPU that the user has hidden', () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
    const cuda = { addon: '/e/x.node', source: 'engine folder', flavour: 'cuda', tensorflow: '2.21.0', problem: undefined } as const;
    expect(adviceFor({ ...healthy, nvidia, engines: [cuda] })).toEqual([{ id: 'hidden', text: expect.stringContaining('hides the GPU') as unknown }]);
    vi.unstubAllEnvs();
  });
});

describe('the doctor’s report', () => {
  it('says all is well in a line a fact', () => {
    expect(formatDiagnosis({ ...healthy, advice: [] })).toBe(
      [
        'Node            v20.20.2, linux x64',
        'Memory          16.0 GB, 8.0 GB free',
        'Disk            100.0 GB free here',
        'Backend         tensorflow on CPU, 2 cores, TensorFlow 2.21.0',
        'Convolutions    fast (as matrix products)',
        'Speed           155 GFLOP/s in a 3×3 convolution (7.8 ms each)',
        'Engine folder   /home/ann/.local/share/distill-lab/engine',
        'Engines         TensorFlow 2.21.0, cpu, from the engine folder (/e/tfjs_binding.node)',
        'NVIDIA          no driver found',
        'Python          Python 3.11.7, pip 23.2.1',
        'C++ compiler    c++ 12.2.0',
        'Images (sharp)  ok',
        '',
        'All is well.',
      ].join('\n'),
    );
  });

  it('numbers what to do, and names GPUs and the reason of a fallback', () => {
    const text = formatDiagnosis({ ...fallback, nvidia, tools: { python: undefined, pip: undefined, compiler: undefined }, speed: undefined, advice: [{ id: 'setup', text: 'One.' }, { id: 'node', text: 'Two.' }] });
    for (const part of ['Native TensorFlow is not set up.', 'none found', 'GPU 0: NVIDIA A100, 42.9 GB', 'not found, no pip', 'not measured', 'What to do:\n1. One.\n2. Two.']) expect(text).toContain(part);
  });
});

describe('a diagnosis of this machine', () => {
  it('agrees with the engine that starts here', async () => {
    const found = await diagnose({ seconds: 0.05 });
    const engine = await startEngine({ backend: 'auto' });
    expect(found.used).toEqual(engine);
    expect(found.failure).toBeUndefined();
    expect(found.sharp).toBeUndefined();
    expect(found.node).toBe(process.version);
    expect(found.speed?.gflops).toBeGreaterThan(0);
    expect(formatDiagnosis(found)).toContain(engine.device);
  });

  it('measures the backend that runs', async () => {
    await startEngine({ backend: 'cpu' });
    const { gflops, milliseconds } = await measureSpeed(0.01);
    // 2 · 32² pixels · 32² channels · 9 taps a round.
    expect(gflops * milliseconds * 1e6).toBeCloseTo(2 * 32 ** 4 * 9, -1);
  });
});
