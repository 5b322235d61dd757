/** Real child processes, killed for real. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readExperiment } from '../../../src/experiment/load.ts';
import { FILES, type RunEvent, type SweepNote } from '../../../src/experiment/record.ts';
import { parseResolved } from '../../../src/experiment/resolved.ts';
import { createRunFolder, kill, lengthOutlook, requestStop, resumeRun, slugOf, startLocal } from '../../../src/launch/index.ts';
import { diskError } from '../../../src/launch/disk.ts';
import { isLive, isProcessAlive, readRun, type RunSummary, watchRun } from '../../../src/store/index.ts';

const cliPath = fileURLToPath(new URL('fixtures/child.mjs', import.meta.url));
const LONG = 100_000;
let root = '';
const started: number[] = [];

beforeAll(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-launch-')); });
afterEach(() => {
  for (const pid of started.splice(0)) {
    try { process.kill(-pid, 'SIGKILL'); } catch { /* it has ended */ }
  }
});
afterAll(() => { rmSync(root, { recursive: true }); });

async function newRun(steps: number, file = path.join(root, 'a.distill.yaml')): Promise<string> {
  const text = `name: Größe 1/2\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: ${steps}, warmup: 0 }\n`;
  writeFileSync(file, text);
  const { experiment, positions } = readExperiment(text, file);
  if (experiment === undefined) throw new Error('the experiment of the test is not sound');
  return createRunFolder({ experimentFile: file, text, experiment, positions, runsRoot: path.join(root, 'runs'), overrides: [], version: '1.2.3' });
}

async function start(folder: string, play?: string): Promise<number> {
  const { pid } = await startLocal({ folder, cliPath, environment: { ...process.env, ...(play === undefined ? {} : { PLAY: play }) } });
  started.push(pid);
  return pid;
}

/** The first look at which the run is as wanted. */
function until(folder: string, wanted: (run: RunSummary) => boolean): Promise<RunSummary> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => { watch.dispose(); reject(new Error(`not as wanted after 20 s: ${readFileSync(path.join(folder, FILES.log), 'utf8')}`)); }, 20_000);
    const watch = watchRun(folder, ({ run }) => {
      if (!wanted(run)) return;
      clearTimeout(late);
      watch.dispose();
      resolve(run);
    }, { interval: 50 });
  });
}

function stepsOf(folder: string): number[] {
  return readFileSync(path.join(folder, FILES.events), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as RunEvent).flatMap((event) => (event.type === 'step' ? [event.step] : []));
}

const code = (expected: string): Error => expect.objectContaining({ name: 'DistillError', code: expected }) as Error;

describe('a new run folder', () => {
  it('keeps the file as written, defaults, lines and versions', async () => {
    const folder = await newRun(5);
    expect(path.basename(folder)).toMatch(/^\d{4}-\d\d-\d\d-gro-e-1-2-[2-9a-z]{5}$/);
    expect(readFileSync(path.join(folder, FILES.experiment), 'utf8')).toContain('name: Größe 1/2');
    const resolved = parseResolved(readFileSync(path.join(folder, FILES.resolved), 'utf8'), 'r');
    expect(resolved).toMatchObject({ version: '1.2.3', source: { file: path.join(root, 'a.distill.yaml'), lines: { 'train.steps': 4 } } });
    expect(resolved.experiment.train.batch).toBe(4);
    expect((await readRun(folder)).state).toBe('preparing');
  });

  it.each([['scenes-fgd', 'scenes-fgd'], ['../../etc', 'etc'], ['Ünï cödé!', 'u-ni-co-de'], ['日本', 'run'], ['a'.repeat(80), 'a'.repeat(40)]])('is named %s → %s', (name, slug) => {
    expect(slugOf(name)).toMatch(/^[a-z0-9-]+$/);
    expect(slugOf(name).replaceAll('-', '')).toBe(slug.replaceAll('-', ''));
  });

  it('cannot stand in a file', async () => {
    writeFileSync(path.join(root, 'taken'), '');
    const { experiment, positions } = readExperiment('name: x\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: 200 }\n', 'x');
    if (experiment === undefined) throw new Error('the experiment of the test is not sound');
    await expect(createRunFolder({ experimentFile: 'x', text: '', experiment, positions, runsRoot: path.join(root, 'taken') })).rejects.toThrow(code('DL703'));
  });

  it.each([['ENOSPC', 'DL701'], ['EDQUOT', 'DL701'], ['EACCES', 'DL702'], ['EROFS', 'DL702'], ['ENOTDIR', 'DL703']])('%s becomes %s', (errno, expected) => {
    expect(diskError('/x', Object.assign(new Error(errno), { code: errno }))).toMatchObject({ code: expected });
    if (errno === 'EDQUOT') expect(diskError('/x', Object.assign(new Error(errno), { code: errno }))).toMatchObject({ message: 'Your quota of this disk is used up.' });
    const other = new Error('x');
    expect(diskError('/x', other)).toBe(other);
  });

  it.skipIf(process.platform === 'win32')('says so where it may not write', async () => {
    // Permissions do not stop root, but nobody makes folders in Linux's /sys.
    const folder = process.getuid?.() === 0 && process.platform === 'linux' ? '/sys' : mkdtempSync(path.join(root, 'locked-'));
    if (folder !== '/sys') await chmod(folder, 0o500);
    const { experiment, positions } = readExperiment('name: x\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: 200 }\n', 'x');
    if (experiment === undefined) throw new Error('the experiment of the test is not sound');
    await expect(createRunFolder({ experimentFile: 'x', text: '', experiment, positions, runsRoot: path.join(folder, 'runs') })).rejects.toThrow(code('DL702'));
  });
});

describe('a run', () => {
  it('goes to its end, in the environment of the engine, its words in the log', async () => {
    const folder = await newRun(5);
    await start(folder);
    const run = await until(folder, ({ state }) => !isLive(state));
    expect(run).toMatchObject({ state: 'finished', name: 'Größe 1/2', totalSteps: 5, steps: { student: 5 }, engine: { device: '2' } });
    expect(readFileSync(path.join(folder, FILES.log), 'utf8')).toMatch(/^child \d+ begins/);
  });

  it('leads a process group of its own and survives its parent\'s end', async () => {
    const folder = await newRun(LONG);
    const pid = await start(folder);
    await until(folder, ({ state }) => state === 'running');
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      expect([group, session]).toEqual([String(pid), String(pid)]);
    }
  });

  it('stops when asked, and goes on where it stopped', async () => {
    const folder = await newRun(LONG);
    await start(folder);
    await until(folder, ({ lastStep }) => (lastStep?.step ?? 0) >= 3);
    expect((await requestStop(folder)).state).toBe('running');
    await until(folder, ({ state }) => state === 'stopped');
    expect(existsSync(path.join(folder, FILES.stopRequest))).toBe(true);
    const before = stepsOf(folder);
    const { pid } = await resumeRun({ folder, cliPath });
    started.push(pid);
    expect(existsSync(path.join(folder, FILES.stopRequest))).toBe(false);
    await until(folder, ({ state, lastStep }) => state === 'running' && (lastStep?.step ?? 0) > before.length + 2);
    await kill(folder);
    const steps = stepsOf(folder);
    expect(steps).toEqual(steps.map((_, index) => index + 1));
  });

  it('that is killed is known to be killed within 5 s, with its last words, and can go on', async () => {
    const folder = await newRun(LONG);
    const pid = await start(folder);
    await until(folder, ({ lastStep }) => (lastStep?.step ?? 0) >= 3);
    const helper = Number(readFileSync(path.join(folder, 'helper.pid'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    const killed = Date.now();
    const run = await until(folder, ({ state }) => state === 'killed');
    expect(Date.now() - killed).toBeLessThan(5000);
    expect(run.reason).toMatch(/^The process ended after step \d+ without a word\.$/);
    expect(run.logTail).toEqual([expect.stringMatching(/^child \d+ begins/)]);
    process.kill(helper, 'SIGKILL');
    const again = await resumeRun({ folder, cliPath });
    started.push(again.pid);
    expect((await until(folder, ({ state }) => state === 'running')).process?.pid).toBe(again.pid);
  });

  it('that dies before its first word is killed too, not for ever preparing', async () => {
    const folder = await newRun(5);
    await start(folder, 'crash');
    const run = await until(folder, ({ state }) => !isLive(state));
    expect(run).toMatchObject({ state: 'killed', reason: 'The process ended before its first step without a word.' });
    expect(run.logTail.at(-1)).toBe('Segmentation fault (core dumped)');
  });

  it('that fails tells its code and line, and keeps its log', async () => {
    const folder = await newRun(5);
    await start(folder, 'fail');
    const run = await until(folder, ({ state }) => !isLive(state));
    expect(run).toMatchObject({ state: 'failed', reason: 'It did not fit.', error: { code: 'DL404', line: 3 } });
    expect(run.logTail).toHaveLength(1);
  });

  it('that stalls but lives is never called dead', async () => {
    const folder = await newRun(LONG);
    await start(folder, 'stall');
    await until(folder, ({ state }) => state === 'running');
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    try {
      const run = await readRun(folder);
      expect(run.state).toBe('running');
      expect(run.reason).toMatch(/^no heartbeat for \d+ s$/);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('is ended with all that it started by a kill', async () => {
    const folder = await newRun(LONG);
    const pid = await start(folder);
    await until(folder, ({ state }) => state === 'running');
    const helper = Number(readFileSync(path.join(folder, 'helper.pid'), 'utf8'));
    await kill(folder);
    await vi.waitFor(() => { expect([isProcessAlive(pid, ''), isProcessAlive(helper, '')]).toEqual([false, false]); }, { timeout: 10_000 });
    await expect(kill(folder)).rejects.toThrow(code('DL709'));
  });

  it('needs a program and a Node', async () => {
    const folder = await newRun(5);
    await expect(startLocal({ folder, cliPath: path.join(root, 'nowhere.js') })).rejects.toThrow(code('DL708'));
    await expect(startLocal({ folder, cliPath, node: path.join(root, 'no-node') })).rejects.toThrow(code('DL708'));
  });
});

describe('another process of the same number', () => {
  it('is not taken for the run, nor killed for it', async () => {
    const folder = await newRun(5);
    const heartbeat = { pid: process.pid, host: (await import('node:os')).hostname(), time: Date.now(), processStart: '1' };
    writeFileSync(path.join(folder, FILES.heartbeat), JSON.stringify(heartbeat));
    const run = await readRun(folder);
    expect(run.state).toBe(process.platform === 'linux' ? 'killed' : 'preparing');
    if (process.platform === 'linux') await expect(kill(folder)).rejects.toThrow(code('DL709'));
  });
});

describe('resuming is refused', () => {
  it('while the run goes', async () => {
    const folder = await newRun(LONG);
    await start(folder);
    await until(folder, ({ state }) => state === 'running');
    await expect(resumeRun({ folder, cliPath })).rejects.toThrow(code('DL705'));
  });

  it('when it is finished, unless it is lengthened', async () => {
    const folder = await newRun(5);
    await start(folder);
    await until(folder, ({ state }) => state === 'finished');
    await expect(resumeRun({ folder, cliPath })).rejects.toThrow(code('DL706'));
    for (const steps of [5, 3, 0.5, Number.NaN]) await expect(resumeRun({ folder, cliPath, steps })).rejects.toThrow(code('DL711'));
    const { pid } = await resumeRun({ folder, cliPath, steps: 9 });
    started.push(pid);
    expect(await until(folder, ({ state, totalSteps }) => state === 'finished' && totalSteps === 9)).toMatchObject({ steps: { student: 9 } });
    expect(stepsOf(folder)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await expect(resumeRun({ folder, cliPath })).rejects.toThrow(code('DL706'));
  });

  it('when its file has become longer, until somebody says what is meant', async () => {
    const file = path.join(root, 'longer.distill.yaml');
    const folder = await newRun(5, file);
    const text = readFileSync(file, 'utf8');
    await start(folder);
    await until(folder, ({ state }) => state === 'finished');
    writeFileSync(file, text.replace('steps: 5', 'steps: 9'));
    await expect(resumeRun({ folder, cliPath })).rejects.toMatchObject({ code: 'DL712', details: { got: 'train.steps: 5 → train.steps: 9', advice: 'Train on to that length with `--steps 9`, or start a new run.' } });
    expect(await lengthOutlook(folder)).toEqual({ unit: 'steps', now: 5, inFile: 9, courses: ['train.schedule'] });
    // Longer and changed is another experiment.
    writeFileSync(file, text.replace('steps: 5', 'steps: 9').replace('warmup: 0', 'warmup: 2'));
    await expect(resumeRun({ folder, cliPath })).rejects.toThrow(code('DL706'));
    await expect(resumeRun({ folder, cliPath, steps: 9 })).rejects.toMatchObject({ code: 'DL707', details: { got: 'train.warmup: 0 → 2' } });
    writeFileSync(file, text.replace('steps: 5', 'steps: 9'));
    const { pid } = await resumeRun({ folder, cliPath, steps: 9 });
    started.push(pid);
    await until(folder, ({ state, totalSteps }) => state === 'finished' && totalSteps === 9);
    expect(stepsOf(folder)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // File and run agree again; shorter than the run is nothing to go on with.
    expect(await lengthOutlook(folder)).toEqual({ unit: 'steps', now: 9, courses: ['train.schedule'] });
    writeFileSync(file, text.replace('steps: 5', 'steps: 3'));
    await expect(resumeRun({ folder, cliPath })).rejects.toThrow(code('DL706'));
  });

  it('of a stopped run too, which may go on as it was started, and knows its length ever after', async () => {
    const file = path.join(root, 'stopped-longer.distill.yaml');
    const folder = await newRun(LONG, file);
    const text = readFileSync(file, 'utf8');
    await start(folder);
    await until(folder, ({ lastStep }) => (lastStep?.step ?? 0) >= 2);
    await requestStop(folder);
    const stopped = await until(folder, ({ state }) => state === 'stopped');
    writeFileSync(file, text.replace(`steps: ${LONG}`, `steps: ${LONG + 1}`));
    await expect(resumeRun({ folder, cliPath })).rejects.toMatchObject({ code: 'DL712', details: { advice: `Train on to that length with \`--steps ${LONG + 1}\`, or go on as the run was started (\`--as-started\`).` } });
    started.push((await resumeRun({ folder, cliPath, asStarted: true })).pid);
    await until(folder, ({ state, lastStep }) => state === 'running' && (lastStep?.step ?? 0) > (stopped.lastStep?.step ?? 0));
    await kill(folder);
    await until(folder, ({ state }) => state === 'killed');
    started.push((await resumeRun({ folder, cliPath, steps: LONG + 1 })).pid);
    await until(folder, ({ state, totalSteps }) => state === 'running' && totalSteps === LONG + 1);
    await kill(folder);
    await until(folder, ({ state }) => state === 'killed');
    const steps = stepsOf(folder);
    expect(steps).toEqual(steps.map((_, index) => index + 1));
    // In the middle of the further steps nothing has to be said again.
    started.push((await resumeRun({ folder, cliPath })).pid);
    expect((await until(folder, ({ state }) => state === 'running')).totalSteps).toBe(LONG + 1);
  });

  it('in epochs, once the run has said how long one is', async () => {
    const folder = await newRun(5);
    await start(folder, 'crash');
    await until(folder, ({ state }) => state === 'killed');
    await expect(resumeRun({ folder, cliPath, epochs: 3 })).rejects.toThrow(code('DL711'));
    // The played run has ten steps an epoch, and reads its steps from the record.
    await start(folder);
    await until(folder, ({ state }) => state === 'finished');
    for (const epochs of [0.5, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) await expect(resumeRun({ folder, cliPath, epochs })).rejects.toThrow(code('DL711'));
    await expect(resumeRun({ folder, cliPath: path.join(root, 'nowhere.js'), epochs: 0.9 })).rejects.toThrow(code('DL708'));
    // What could not be started left the run as it was.
    expect(parseResolved(readFileSync(path.join(folder, FILES.resolved), 'utf8'), 'r')).toMatchObject({ overrides: [], experiment: { train: { steps: 5 } } });
    started.push((await resumeRun({ folder, cliPath, epochs: 0.9 })).pid);
    expect(parseResolved(readFileSync(path.join(folder, FILES.resolved), 'utf8'), 'r')).toMatchObject({ overrides: ['train.steps=', 'train.epochs=0.9'], experiment: { train: { epochs: 0.9 } } });
  });

  it('to another length of a run of a sweep, whose others would have been trained for less', async () => {
    const folder = await newRun(5);
    await start(folder);
    await until(folder, ({ state }) => state === 'finished');
    const file = path.join(folder, FILES.resolved);
    const sweep: SweepNote = { id: 's', name: 'a sweep', key: 'k', role: 'student', label: '', values: {}, seed: 0, controls: [] };
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')) as object, sweep }));
    await expect(resumeRun({ folder, cliPath, steps: 9 })).rejects.toThrow(code('DL719'));
    await expect(lengthOutlook(folder)).rejects.toThrow(code('DL719'));
  });

  it('to another length with teachers in progression, whose borders would move', async () => {
    const folder = await newRun(5);
    await start(folder);
    await until(folder, ({ state }) => state === 'finished');
    const file = path.join(folder, FILES.resolved);
    const resolved = JSON.parse(readFileSync(file, 'utf8')) as { experiment: Record<string, unknown> };
    const teacher = { detector: 'retinanet', backbone: 'tiny', weights: 'a.pth' };
    writeFileSync(file, JSON.stringify({ ...resolved, experiment: { ...resolved.experiment, teacher: [teacher, teacher], teaching: 'progressive' } }));
    rmSync(path.join(folder, FILES.experiment));
    await expect(resumeRun({ folder, cliPath, steps: 9, asStarted: true })).rejects.toThrow(code('DL716'));
  });

  it('when the experiment has changed, with the keys that differ', async () => {
    const file = path.join(root, 'changing.distill.yaml');
    const folder = await newRun(LONG, file);
    await start(folder);
    await until(folder, ({ state }) => state === 'running');
    await requestStop(folder);
    await until(folder, ({ state }) => state === 'stopped');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('warmup: 0', 'warmup: 0, batch: 8').replace('name: Größe 1/2', 'name: other'));
    await expect(resumeRun({ folder, cliPath })).rejects.toMatchObject({ code: 'DL707', details: { got: 'train.batch: 4 → 8' } });
    writeFileSync(file, text.replace('warmup: 0', 'wramup: 0'));
    await expect(resumeRun({ folder, cliPath })).rejects.toThrow(code('DL102'));
    const { pid } = await resumeRun({ folder, cliPath, asStarted: true });
    started.push(pid);
    await until(folder, ({ state }) => state === 'running');
    await kill(folder);
    writeFileSync(path.join(folder, FILES.experiment), text.replace('warmup: 0', 'warmup: 7'));
    await until(folder, ({ state }) => state === 'killed');
    await expect(resumeRun({ folder, cliPath, asStarted: true })).rejects.toMatchObject({ code: 'DL707', details: { got: 'train.warmup: 0 → 7' } });
  });

  it('where there is no run', async () => {
    await expect(resumeRun({ folder: root, cliPath })).rejects.toThrow(code('DL704'));
  });

  it('when it may still go on another machine', async () => {
    const folder = await newRun(5);
    writeFileSync(path.join(folder, FILES.heartbeat), JSON.stringify({ pid: 1, host: 'far-away', time: Date.now() - 3_600_000, processStart: '' }));
    expect(await readRun(folder)).toMatchObject({ state: 'lost', reason: 'No heartbeat from far-away for 60 min.' });
    await expect(resumeRun({ folder, cliPath })).rejects.toThrow(code('DL710'));
    await expect(kill(folder)).rejects.toThrow(code('DL710'));
  });
});
