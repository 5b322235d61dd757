/** The queue with real child processes that play runs, and what it finds again when it was gone. */
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Output } from '../../../src/cli/output.ts';
import { liveTable } from '../../../src/cli/sweepWords.ts';
import { DistillError } from '../../../src/errors.ts';
import { FILES } from '../../../src/experiment/record.ts';
import { launchSchema } from '../../../src/experiment/sweepSchema.ts';
import { type Launcher } from '../../../src/launch/launcher.ts';
import { kill } from '../../../src/launch/index.ts';
import { LocalLauncher } from '../../../src/launch/localLauncher.ts';
import { isLive, listRuns, type RunSummary } from '../../../src/store/index.ts';
import { type Entry } from '../../../src/sweep/entry.ts';
import { askQueue, createSweepFolder, readJournal, SWEEP_FILES, writeJournal } from '../../../src/sweep/folder.ts';
import { findSweep, readSweep } from '../../../src/sweep/open.ts';
import { planSweep } from '../../../src/sweep/plan.ts';
import { SweepQueue } from '../../../src/sweep/queue.ts';

const cliPath = fileURLToPath(new URL('../launch/fixtures/child.mjs', import.meta.url));
let root = '';
let runsRoot = '';
let play: string | undefined;

beforeAll(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-sweep-')); });
beforeEach(() => {
  runsRoot = mkdtempSync(path.join(root, 'runs-'));
  play = undefined;
});
afterEach(async () => {
  for (const run of await listRuns([runsRoot])) if (isLive(run.state)) await kill(run.folder).catch(() => undefined);
});
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

async function newSweep(steps: number, lines = 'seeds: [0, 1, 2, 3]\n'): Promise<string> {
  const text = `name: played\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: ${steps}, warmup: 0 }\n${lines}`;
  const file = path.join(root, 'a.distill.yaml');
  const plan = planSweep(text, file);
  expect(plan.problems).toEqual([]);
  const runs = plan.runs.map((run) => ({ ...run, controls: [...run.controls], overrides: [...run.overrides] }));
  return createSweepFolder(runsRoot, { name: plan.name, file, created: Date.now(), version: '1', launch: launchSchema.parse({}), halving: undefined, runs }, text);
}

const local = (atOnce: number): Launcher => new LocalLauncher({ atOnce, environment: { ...process.env, ...(play === undefined ? {} : { PLAY: play }) } });
function open(folder: string, atOnce = 2, more: Partial<Parameters<typeof SweepQueue.open>[0]> = {}): Promise<SweepQueue> {
  return SweepQueue.open({ folder, runsRoot, cliPath, launcher: local(atOnce), interval: 50, ...more });
}
const states = ({ entries }: SweepQueue): readonly string[] => entries.map(({ state }) => state);
function stepsOf({ folder }: Pick<RunSummary, 'folder'>): readonly number[] {
  return readFileSync(path.join(folder, FILES.events), 'utf8').trim().split('\n').flatMap((line) => { const event = JSON.parse(line) as { type: string; step: number }; return event.type === 'step' ? [event.step] : []; });
}
const upTo = (steps: number): readonly number[] => Array.from({ length: steps }, (_, index) => index + 1);
const code = (expected: string): Error => expect.objectContaining({ name: 'DistillError', code: expected }) as Error;

describe('a queue', () => {
  it('trains all runs, never more at once than there are places, each with its note', async () => {
    const folder = await newSweep(5);
    let most = 0;
    const queue = await open(folder, 2, { onLook: (entries) => { most = Math.max(most, entries.filter(({ state }) => state === 'handed').length); } });
    expect(await queue.work()).toBe('finished');
    expect(states(queue)).toEqual(['finished', 'finished', 'finished', 'finished']);
    expect(most).toBe(2);
    const runs = await listRuns([runsRoot]);
    expect(runs.map(({ sweep }) => [sweep?.id, sweep?.seed]).sort()).toEqual([0, 1, 2, 3].map((seed) => [path.basename(folder), seed]));
    for (const run of runs) expect(stepsOf(run)).toEqual(upTo(5));
    expect(existsSync(path.join(folder, SWEEP_FILES.queue))).toBe(false);
    expect((await readJournal(folder)).at(-1)).toMatchObject({ type: 'closed', state: 'finished' });
  });

  it('pauses: runs save and end; taken up again, they go on where they were and nothing is repeated', async () => {
    const folder = await newSweep(400);
    const pause = new AbortController();
    const first = await open(folder, 2, { onLook: (entries) => { if (entries.filter(({ run }) => (run?.lastStep?.step ?? 0) > 5).length === 2) pause.abort(); } });
    expect(await first.work(pause.signal)).toBe('paused');
    expect((await listRuns([runsRoot])).map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    const second = await open(folder, 4);
    expect(await second.work()).toBe('finished');
    expect(states(second)).toEqual(['finished', 'finished', 'finished', 'finished']);
    const runs = await listRuns([runsRoot]);
    expect(runs).toHaveLength(4);
    for (const run of runs) expect(stepsOf(run)).toEqual(upTo(400));
  });

  it('pauses when another process asks it to', async () => {
    const folder = await newSweep(2000);
    const queue = await open(folder, 1, { onLook: (entries) => { if (entries.some(({ run }) => run?.state === 'running')) void askQueue(folder, 'stop'); } });
    expect(await queue.work()).toBe('stopped');
  });

  it('counts a failed run and goes on with the others; tries it again only when asked', async () => {
    const folder = await newSweep(5, 'seeds: [0, 1]\n');
    play = 'fail';
    const first = await open(folder);
    await first.work();
    expect(states(first)).toEqual(['failed', 'failed']);
    play = undefined;
    const second = await open(folder);
    await second.work();
    expect(states(second)).toEqual(['failed', 'failed']);
    const third = await open(folder, 2, { retry: true });
    await third.work();
    expect(states(third)).toEqual(['finished', 'finished']);
    expect(await listRuns([runsRoot])).toHaveLength(2);
  });

  it('gives up a run whose child dies at once again and again', async () => {
    const folder = await newSweep(5, 'seeds: [0]\n');
    play = 'crash';
    const queue = await open(folder);
    await queue.work();
    expect(states(queue)).toEqual(['killed']);
    expect((await readJournal(folder)).filter(({ type }) => type === 'started')).toHaveLength(3);
  });

  it('starts a killed run again, where it was', async () => {
    const folder = await newSweep(400, 'seeds: [0]\n');
    let killed = false;
    const queue = await open(folder, 1, {
      onLook: ([entry]) => {
        if (killed || (entry?.run?.lastStep?.step ?? 0) < 10) return;
        killed = true;
        process.kill(entry?.run?.process?.pid ?? 0, 'SIGKILL');
      },
    });
    await queue.work();
    expect([killed, states(queue)]).toEqual([true, ['finished']]);
    const [run] = await listRuns([runsRoot]);
    expect(run === undefined ? [] : stepsOf(run)).toEqual(upTo(400));
  });

  it('leaves a run that somebody stopped until that is taken back', async () => {
    const folder = await newSweep(300, 'seeds: [0]\n');
    const queue = await open(folder, 1, { onLook: ([entry]) => { if (entry?.folder !== undefined && (entry.run?.lastStep?.step ?? 0) > 3) writeFileSync(path.join(entry.folder, FILES.stopRequest), ''); } });
    expect(await queue.work()).toBe('finished');
    expect(states(queue)).toEqual(['stopped']);
    const again = await open(folder);
    expect(states(again)).toEqual(['stopped']);
    await again.work();
    const retried = await open(folder, 1, { retry: true });
    expect(states(retried)).toEqual(['waiting']);
  });

  it('says on each run why the launcher refused it, and goes on with the others', async () => {
    const folder = await newSweep(5, 'seeds: [0, 1]\n');
    const real = local(2);
    const refusing: Launcher = {
      name: 'local', atOnce: 2, states: (ids) => real.states(ids), stop: (id) => real.stop(id),
      start: async ([first, ...rest]) => [...(first === undefined ? [] : [{ error: new DistillError('DL761', 'There is no such partition.') }]), ...await real.start(rest)],
    };
    const queue = await open(folder, 2, { launcher: refusing });
    await queue.work();
    expect(states(queue)).toEqual(['failed', 'finished']);
    expect((await listRuns([runsRoot])).find(({ state }) => state === 'failed')).toMatchObject({ error: { code: 'DL761', message: 'There is no such partition.' } });
  });
});

describe('a queue whose launcher takes no more', () => {
  it('lets runs wait with that reason, leaves none of them behind as waiting when it is paused, and begins them when it can', async () => {
    const folder = await newSweep(5, 'seeds: [0, 1]\n');
    const words = 'Slurm takes no more jobs now (limit); tried again every minute.';
    const full: Launcher = { name: 'slurm', states: () => Promise.resolve(new Map()), stop: () => Promise.resolve(), start: (jobs) => Promise.resolve(jobs.map(() => ({ later: words }))) };
    const lines: string[] = [];
    const output: Output = { line: (text) => { lines.push(text); }, note: () => undefined, status: () => undefined, terminal: false, columns: 100 };
    const pause = new AbortController();
    let looks = 0;
    const queue = await open(folder, 2, {
      launcher: full,
      onLook: (entries) => {
        liveTable(entries, output, false);
        looks += 1;
        if (looks === 3) void listRuns([runsRoot]).then((runs) => { expect(runs.map(({ state, reason }) => [state, reason])).toEqual([['preparing', words], ['preparing', words]]); }).finally(() => { pause.abort(); });
      },
    });
    expect(await queue.work(pause.signal)).toBe('paused');
    expect(lines).toEqual([`waiting   2 runs: ${words}`]);
    expect((await listRuns([runsRoot])).map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    const again = await open(folder);
    expect(states(again)).toEqual(['waiting', 'waiting']);
    expect(await again.work()).toBe('finished');
    expect(await listRuns([runsRoot])).toHaveLength(2);
  });
});

describe('a queue that was gone', () => {
  it('finds runs that go on without it, and folders that it had no time to note', async () => {
    const folder = await newSweep(1200, 'seeds: [0, 1]\n');
    // As after kill -9: children live, the journal ends in the middle of a line, one folder was never noted.
    const lost = await open(folder, 2);
    const abandoned = new Promise<void>((resolve) => {
      const watched = lost as unknown as { entries: readonly Entry[] };
      void lost.work();
      const timer = setInterval(() => {
        if (watched.entries.filter(({ run }) => (run?.lastStep?.step ?? 0) > 3).length < 2) return;
        clearInterval(timer);
        resolve();
      }, 20);
    });
    await abandoned;
    const journal = path.join(folder, SWEEP_FILES.journal);
    const kept = readFileSync(journal, 'utf8').split('\n').filter((line) => !line.includes('c1-s1'));
    writeFileSync(journal, `${kept.join('\n')}{"type":"start`);
    const queue = await open(folder, 2);
    expect(states(queue)).toEqual(['handed', 'handed']);
    expect(await queue.work()).toBe('finished');
    const runs = await listRuns([runsRoot]);
    expect(runs).toHaveLength(2);
    for (const run of runs) expect(stepsOf(run)).toEqual(upTo(1200));
  });

  it('is not worked twice', async () => {
    const folder = await newSweep(5);
    writeFileSync(path.join(folder, SWEEP_FILES.queue), JSON.stringify({ pid: process.ppid, host: (await import('node:os')).hostname(), time: Date.now(), processStart: '' }));
    await expect(open(folder)).rejects.toThrow(code('DL741'));
    writeFileSync(path.join(folder, SWEEP_FILES.queue), JSON.stringify({ pid: 999_999_999, host: (await import('node:os')).hostname(), time: Date.now(), processStart: '' }));
    await expect(open(folder)).resolves.toBeInstanceOf(SweepQueue);
  });

  it('does not begin what was left out for its poor start', async () => {
    const folder = await newSweep(5, 'seeds: [0, 1]\n');
    await writeJournal(folder, { type: 'skipped', key: 'c1-s1', reason: 'AP 1.0 at step 2' });
    appendFileSync(path.join(folder, SWEEP_FILES.journal), '\u0000\n[]\n{"type":"nonsense"}\n');
    const queue = await open(folder);
    await queue.work();
    expect(states(queue)).toEqual(['finished', 'skipped']);
  });
});

describe('sweeps on the disk', () => {
  it('are found by their name or a unique part of it', async () => {
    const folder = await newSweep(5);
    const id = path.basename(folder);
    expect(await findSweep(id, runsRoot)).toBe(folder);
    expect(await findSweep(id.slice(-5), runsRoot)).toBe(folder);
    expect(await findSweep(folder, runsRoot)).toBe(folder);
    await expect(findSweep('nothing', runsRoot)).rejects.toThrow(code('DL740'));
    await newSweep(5);
    await expect(findSweep(id.slice(0, 10), runsRoot)).rejects.toThrow(/Several sweeps/);
    expect(readdirSync(path.join(runsRoot, 'sweeps'))).toHaveLength(2);
    expect((await readSweep(folder, runsRoot)).outcomes.map(({ run }) => run)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('that are damaged say so', async () => {
    const folder = await newSweep(5);
    writeFileSync(path.join(folder, SWEEP_FILES.plan), '{"name":1}');
    await expect(open(folder)).rejects.toThrow(code('DL740'));
  });
});
