/** The doctor's list: what it says and offers for each kind of trouble. The machine's own diagnosis is read too. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { findingsOf, nodeMissing, type Surroundings } from '../../../src/extension/findings.ts';
import { english } from '../../../src/extension/words.ts';
import { diagnosisIn, diagnosisSchema, type Diagnosis } from '../../../src/firstSteps/diagnosis.ts';
import { setupLine, shareDone, type SetupStage } from '../../../src/firstSteps/setupProgress.ts';
import { diagnose } from '../../../src/engine/doctor.ts';

const healthy: Diagnosis = diagnosisSchema.parse({
  node: 'v20.20.2', platform: 'linux x64', engineFolder: '/e', used: { backend: 'tensorflow', device: 'CPU, 2 cores, TensorFlow 2.21.0' },
  tools: { python: 'Python 3.11.7', pip: 'pip 23.2.1', compiler: 'c++ 12.2.0' }, memory: { total: 16e9, free: 8e9 }, disk: 5e10, speed: { gflops: 155.4 },
});
const here: Surroundings = { installers: ['apt-get'], ownNode: false };
const advised = (id: string, changes: Partial<Diagnosis> = {}, around: Partial<Surroundings> = {}): ReturnType<typeof findingsOf>[number] | undefined =>
  findingsOf(english, { ...healthy, ...changes, advice: [{ id, text: 'as it came' }] }, { ...here, ...around })[0];

describe('findings', () => {
  test('where all is well there are facts only', () => {
    const findings = findingsOf(english, healthy, here);
    expect(findings.every(({ state, fix }) => state === 'good' && fix === undefined)).toBe(true);
    expect(findings.map(({ title }) => title)).toEqual(['Computes on CPU, 2 cores, TensorFlow 2.21.0', 'Images can be read', 'Node.js v20.20.2', '16.0 GB of memory, 8.0 GB free', 'Engine folder']);
  });

  test.each([
    ['setup', {}, 'notice', /not set up/, { do: 'setup' }],
    ['broken', { engines: [{ addon: '/x', problem: 'libtf.so: cannot open' }] }, 'problem', /does not load/, { do: 'setupAnew' }],
    ['tools', { tools: {} }, 'notice', /Python 3, a C\+\+ compiler/, { do: 'type', command: 'sudo apt-get install python3 python3-pip g++' }],
    ['tools', { tools: { python: 'x', pip: 'x' } }, 'notice', /: a C\+\+ compiler$/, { do: 'type', command: 'sudo apt-get install g++' }],
    ['tools', { tools: { python: 'x' }, platform: 'darwin arm64' }, 'notice', /pip/, { do: 'type', command: 'xcode-select --install' }],
    ['cuda', {}, 'notice', /GPU/, { do: 'setup' }],
    ['driver', { nvidia: { driver: '470.1', gpus: [] } }, 'notice', /no GPU/, { do: 'read', page: 'engine.md' }],
    ['windows', {}, 'notice', /WSL/, { do: 'read', page: 'engine.md' }],
    ['start', { failure: 'nothing' }, 'problem', /Nothing to compute/, { do: 'read' }],
    ['images', { sharp: 'no module\nat x' }, 'problem', /Images/, undefined],
    ['memory', { memory: { total: 2e9, free: 1e9 } }, 'notice', /2\.0 GB/, { do: 'read', page: 'performance.md' }],
    ['disk', { disk: 1e9 }, 'problem', /1\.0 GB free/, { do: 'freeDisk' }],
    ['node', { node: 'v18.0.0' }, 'problem', /v18\.0\.0 is too old/, { do: 'chooseNode' }],
    ['hidden', {}, 'notice', /hides the GPU/, undefined],
    ['of another version', {}, 'notice', /^as it came$/, undefined],
  ] as const)('%s', (id, changes, state, title, fix) => {
    const finding = advised(id, changes as Partial<Diagnosis>);
    expect(finding?.state).toBe(state);
    expect(finding?.title).toMatch(title);
    if (fix === undefined) expect(finding?.fix).toBeUndefined();
    else expect(finding?.fix).toMatchObject(fix);
  });

  test('an unknown package manager leads to the page instead of a command', () => {
    expect(advised('tools', { tools: {} }, { installers: [] })?.fix).toMatchObject({ do: 'read' });
  });

  test('problems stand before notices, notices before facts', () => {
    const findings = findingsOf(english, { ...healthy, advice: [{ id: 'setup', text: '' }, { id: 'node', text: '' }] }, here);
    expect(findings.slice(0, 3).map(({ state }) => state)).toEqual(['problem', 'notice', 'good']);
  });

  test('a chosen Node can be chosen anew, and one that does not start must be', () => {
    expect(findingsOf(english, healthy, { ...here, ownNode: true }).find(({ title }) => title.startsWith('Node.js'))?.fix?.do).toBe('chooseNode');
    expect(nodeMissing(english, '/no/node', 'ENOENT')).toMatchObject({ state: 'problem', title: 'Node.js does not start: /no/node', fix: { do: 'chooseNode' } });
  });
});

describe('what the doctor prints', () => {
  test('is found among other lines, and is none in garbage', () => {
    expect(diagnosisIn(['{"a":1}', JSON.stringify(healthy), '{ broken'])?.node).toBe('v20.20.2');
    expect(diagnosisIn(['hello', '{}'])).toBeUndefined();
  });

  test('of this machine has all that the list shows', async () => {
    const diagnosis = diagnosisIn([JSON.stringify(await diagnose({ seconds: 0.1 }))]);
    expect(diagnosis?.used?.backend).toBeDefined();
    expect(diagnosis?.disk).toBeGreaterThan(0);
    const titles = findingsOf(english, diagnosis as Diagnosis, here).map(({ title }) => title);
    expect(titles.some((title) => title.startsWith('Computes on'))).toBe(true);
    expect(titles).not.toContain('as it came');
  });
});

describe('the lines of a set-up', () => {
  test('progress and result are read, everything else is a line', () => {
    expect(setupLine('{"type":"progress","stage":"download","message":"m","fraction":0.5}')).toMatchObject({ stage: 'download', fraction: 0.5 });
    expect(setupLine('{"type":"result","tensorflow":"2.21.0","flavour":"cpu","folder":"/e","installed":true,"source":"x","seconds":3}')).toMatchObject({ type: 'result' });
    for (const line of ['', 'text', '{', '{"type":"progress","stage":"dance","message":""}', '[1]']) expect(setupLine(line)).toBeUndefined();
  });

  test('the share of the whole only grows, and reaches one at the end', () => {
    const stages: readonly SetupStage[] = ['look', 'download', 'unpack', 'compile', 'check', 'done'];
    const shares = stages.flatMap((stage) => [shareDone({ stage }), shareDone({ stage, fraction: 0.5 }), shareDone({ stage, fraction: 1 })]);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect([shares[0], shares.at(-1)]).toEqual([0, 1]);
  });
});

test('every page that a finding leads to comes with the extension', async () => {
  const { existsSync } = await import('node:fs');
  for (const page of ['engine.md', 'performance.md']) expect(existsSync(path.resolve(import.meta.dirname, '../../../docs', page))).toBe(true);
});
