/** Sweeps as lists and editors see them: real folders, journals and run records, without a queue. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchSchema } from '../../../src/experiment/sweepSchema.ts';
import { processStart } from '../../../src/processStart.ts';
import { type RunSummary } from '../../../src/store/index.ts';
import { emptyHistory, fold } from '../../../src/store/history.ts';
import { summarize } from '../../../src/store/run.ts';
import { askQueue, createSweepFolder, SWEEP_FILES, writeJournal } from '../../../src/sweep/folder.ts';
import { planSweep } from '../../../src/sweep/plan.ts';
import { SweepReader, type SweepStatus, sweepStatus } from '../../../src/sweep/status.ts';
import { type RunEvent } from '../../../src/experiment/record.ts';
import { ended, evaluation, started, step } from '../store/material.ts';

let root = '';
let folder = '';
let created = 0;
const TEXT = 'name: scenes\ndata: { format: scenes, size: [64, 64] }\nteacher: { detector: retinanet, backbone: small, weights: t.safetensors }\nstudent: { detector: retinanet, backbone: tiny }\ndistill: [{ method: fgd }]\ntrain: { steps: 10, warmup: 0 }\ncontrol: true\nseeds: [0]\nsweep: { distill: [[fgd], [rm]] }\n';

beforeAll(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-status-')); });
afterAll(() => { rmSync(root, { recursive: true, force: true }); });
beforeEach(async () => {
  rmSync(path.join(root, 'sweeps'), { recursive: true, force: true });
  const plan = planSweep(TEXT, path.join(root, 'a.distill.yaml'));
  const runs = plan.runs.map((run) => ({ ...run, controls: [...run.controls], overrides: [...run.overrides] }));
  created = Date.now();
  folder = await createSweepFolder(root, { name: plan.name, file: path.join(root, 'a.distill.yaml'), created, version: '1', launch: launchSchema.parse({}), halving: undefined, runs }, TEXT);
});

function run(key: string, role: 'student' | 'control', events: readonly RunEvent[], more: Partial<RunSummary> = {}, alive = false): RunSummary {
  const history = emptyHistory();
  for (const event of events) fold(history, event);
  const sign = { pid: 7, host: 'here', time: 50_000, processStart: '1' };
  const summary = summarize(path.join(root, key), history, { outline: undefined, note: {}, heartbeat: sign, launch: undefined, stopRequested: false, created: 1, alive }, 0, 51_000);
  return { ...summary, sweep: { id: path.basename(folder), name: 'scenes', key, role, label: '', values: {}, seed: 0, controls: [] }, ...more };
}
const finished = (AP: number): readonly RunEvent[] => [started({ arms: ['student'] }), step(10), evaluation('student', 10, AP), ended()];

async function look(runs: readonly RunSummary[] = [], now = Date.now(), reader = new SweepReader()): Promise<SweepStatus> {
  const [record] = await reader.read(root);
  if (record === undefined) throw new Error('the sweep is not found');
  return sweepStatus(record, runs, now);
}
const states = ({ places }: SweepStatus): readonly string[] => places.map(({ state }) => state);
const open = (): Promise<void> => writeJournal(folder, { type: 'opened', pid: 1, host: 'here' });
/** This process stands for a queue on another host's clock: alive by its note alone. */
function work(time = Date.now()): void {
  writeFileSync(path.join(folder, SWEEP_FILES.queue), JSON.stringify({ pid: 1, host: 'elsewhere', time, processStart: 'x' }));
}

describe('a sweep', () => {
  test('waits for its queue, and is called killed when that never came', async () => {
    expect(await look()).toMatchObject({ state: 'preparing', done: 0, failed: 0, runs: [], name: 'scenes', on: 'local' });
    expect(states(await look())).toEqual(['waiting', 'waiting', 'waiting']);
    expect((await look([], created + 60_000)).state).toBe('killed');
  });

  test('goes while its queue does, on any machine, and is killed when that falls silent', async () => {
    await open();
    work();
    expect((await look()).state).toBe('running');
    await askQueue(folder, 'pause');
    expect((await look()).state).toBe('pausing');
    await askQueue(folder, 'stop');
    expect((await look()).state).toBe('stopping');
    work(Date.now() - 120_000);
    expect((await look()).state).toBe('killed');
  });

  test('of this machine goes as long as the process of its queue', async () => {
    await open();
    writeFileSync(path.join(folder, SWEEP_FILES.queue), JSON.stringify({ pid: process.ppid, host: hostname(), time: 0, processStart: processStart(process.ppid) }));
    expect((await look()).state).toBe('running');
    writeFileSync(path.join(folder, SWEEP_FILES.queue), JSON.stringify({ pid: process.ppid, host: hostname(), time: Date.now(), processStart: '1' }));
    expect((await look()).state).toBe('killed');
  });

  test('says how it was closed, until it is taken up again', async () => {
    const reader = new SweepReader();
    await open();
    await writeJournal(folder, { type: 'closed', state: 'paused' });
    expect((await look([], undefined, reader)).state).toBe('paused');
    await open();
    work();
    expect((await look([], undefined, reader)).state).toBe('running');
  });

  test('counts what is done, and tells the best combination', async () => {
    await open();
    work();
    const status = await look([run('c1-s0', 'student', finished(0.4)), run('c2-s0', 'student', finished(0.45)), run('control1-s0', 'control', finished(0.5))]);
    expect(status).toMatchObject({ done: 3, failed: 0, best: { label: 'rm', AP: 0.45 } });
    expect(status.runs.map(({ id }) => id)).toEqual(['control1-s0', 'c1-s0', 'c2-s0']);
  });

  test('tells what waits, what ended early and what failed, from journal and folders', async () => {
    await open();
    work();
    await writeJournal(folder, { type: 'skipped', key: 'c1-s0', reason: 'place 3 of 4' });
    await writeJournal(folder, { type: 'ended', key: 'control1-s0', state: 'failed' });
    const status = await look([run('c1-s0', 'student', [started(), step(4), ended('stopped')])]);
    expect(status.places.map(({ state, reason }) => [state, reason])).toEqual([['failed', undefined], ['skipped', 'place 3 of 4'], ['waiting', undefined]]);
    expect(status).toMatchObject({ done: 1, failed: 1 });
  });

  test('a run that was put aside waits, one that somebody stopped does not, one that its scheduler has put back does', async () => {
    await open();
    work();
    const aside = run('c1-s0', 'student', [started(), step(4), ended('stopped')]);
    const back = run('c2-s0', 'student', [], { state: 'preparing', job: { launcher: 'slurm', job: '7', state: 'waiting', reason: 'Priority', since: 1 }, reason: 'Priority' });
    expect(states(await look([aside, back])).slice(1)).toEqual(['waiting', 'waiting']);
    await writeJournal(folder, { type: 'ended', key: 'c1-s0', state: 'stopped', asked: true });
    expect(states(await look([aside, back])).slice(1)).toEqual(['stopped', 'waiting']);
    await writeJournal(folder, { type: 'closed', state: 'paused' });
    expect(states(await look([aside]))[1]).toBe('stopped');
  });

  test('takes the newest folder of a run, and none of another place', async () => {
    const elsewhere = run('c1-s0', 'student', finished(0.9), { folder: '/other/c1-s0' });
    expect((await look([elsewhere, run('c1-s0', 'student', finished(0.4)), run('c1-s0', 'student', finished(0.1))])).best?.AP).toBe(0.4);
  });

  test('with a torn journal or no plan harms nothing', async () => {
    appendFileSync(path.join(folder, SWEEP_FILES.journal), '{"type":"ope\n\u0000\nnull\n');
    mkdirSync(path.join(root, 'sweeps', 'no-plan'));
    expect(await look()).toMatchObject({ state: 'preparing' });
    writeFileSync(path.join(folder, SWEEP_FILES.plan), '{}');
    expect(await new SweepReader().read(root)).toEqual([]);
  });
});
