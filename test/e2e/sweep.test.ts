/** Sweeps as a user runs them: the built command line, real training on tiny scenes, queues that are killed. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExperiment } from '../../src/experiment/load.ts';
import { SlurmLauncher } from '../../src/launch/slurm.ts';
import { isLive, isProcessAlive, listRuns, type RunSummary } from '../../src/store/index.ts';
import { readJournal } from '../../src/sweep/folder.ts';
import { checkedPlan, launchOf, makeSweep } from '../../src/sweep/prepare.ts';
import { SweepQueue } from '../../src/sweep/queue.ts';
import { CLI, commandLine, eventsOfType, lastJson, until, workspace } from './support/commandLine.ts';
import { hasSlurm, type Slurm, startSlurm } from './support/slurm.ts';
import { seedsExperiment, sweepExperiment, teacherExperiment } from './support/sweeps.ts';

let folder = '';
const cli = (...args: string[]): ReturnType<typeof commandLine> => commandLine(args, { cwd: folder });

beforeAll(async () => {
  folder = workspace({ 'teacher.distill.yaml': teacherExperiment(), 'sweep.distill.yaml': sweepExperiment('sweep', 8) });
  const { code, stdout, stderr } = await cli('run', 'teacher.distill.yaml', '--json');
  expect(code, stdout + stderr).toBe(0);
  const exported = await cli('export', String(lastJson(stdout).folder), '--output', 'teacher.safetensors');
  expect(exported.code, exported.stderr).toBe(0);
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/** Losses by step and AP by evaluation: what a run computed. */
function computed({ folder: run }: Pick<RunSummary, 'folder'>): unknown {
  return [eventsOfType(run, 'step').map(({ step, losses }) => [step, losses]), eventsOfType(run, 'evaluation').filter(({ subject }) => subject === 'student').map(({ step, metrics }) => [step, metrics])];
}
async function runsOf(root: string): Promise<ReadonlyMap<string, RunSummary>> {
  const runs = await listRuns([path.join(folder, root)]);
  const byKey = new Map(runs.flatMap((run) => (run.sweep === undefined ? [] : [[run.sweep.key, run] as const])));
  expect(byKey.size, 'a run was trained twice').toBe(runs.length);
  return byKey;
}

interface Row { readonly label: string; readonly role: string; readonly AP: { readonly count: number } | null; readonly gain: { readonly count: number; readonly mean: number } | null; readonly seeds: readonly { readonly key: string; readonly seed: number; readonly AP: number; readonly gain: number }[] }

/** Of the sweep on this machine, for those elsewhere to be compared with. */
let runs: ReadonlyMap<string, RunSummary> = new Map();

describe('a sweep of two methods, two seeds and controls', () => {
  let result: { readonly rows: readonly Row[]; readonly best: string } = { rows: [], best: '' };

  beforeAll(async () => {
    const { code, stdout, stderr } = await cli('sweep', 'sweep.distill.yaml', '--runs', 'whole', '--runs-at-once', '2', '--json', '--write-best', 'best.distill.yaml');
    expect(code, stdout + stderr).toBe(0);
    result = lastJson(stdout) as unknown as typeof result;
    runs = await runsOf('whole');
  });

  it('says before it starts how much it is, and starts nothing', async () => {
    const { code, stdout } = await cli('sweep', 'sweep.distill.yaml', '--runs', 'whole', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('6 runs (4 distilled, 2 controls, 2 seeds)');
    expect(stdout).toMatch(/time: about \d+ (s|min), 1 at once.*disk: about \d+ MB \(judged by 5 earlier runs/);
    expect((await runsOf('whole')).size).toBe(6);
  });

  it('trains every run once and joins controls by seed', () => {
    expect([...runs.keys()].sort()).toEqual(['c1-s0', 'c1-s1', 'c2-s0', 'c2-s1', 'control1-s0', 'control1-s1']);
    expect(result.rows.map(({ label, role }) => [label, role])).toEqual([['control', 'control'], ['fgd', 'student'], ['rm', 'student']]);
    const [control, ...students] = result.rows;
    for (const { AP, gain, seeds } of students) {
      expect([AP?.count, gain?.count]).toEqual([2, 2]);
      for (const { seed, AP: own, gain: over } of seeds) expect(over).toBeCloseTo(own - (control?.seeds.find((each) => each.seed === seed)?.AP ?? Number.NaN), 3);
    }
  });

  it('starts a control from the weights and images of its seed: the detection loss of the first step is the same', () => {
    const first = (key: string): number => eventsOfType(runs.get(key)?.folder ?? '', 'step')[0]?.losses['detection.classification'] ?? Number.NaN;
    expect(first('c1-s0')).toBeCloseTo(first('control1-s0'), 5);
    expect(first('c1-s1')).toBeCloseTo(first('control1-s1'), 5);
    expect(first('c1-s0')).not.toBeCloseTo(first('c1-s1'), 5);
  });

  it('trains a control as the same run with `control: true` does', async () => {
    const { code, stdout, stderr } = await cli('run', 'sweep.distill.yaml', '--seed', '0', '--runs', 'single', '--json');
    expect(code, stdout + stderr).toBe(0);
    const alone = eventsOfType(String(lastJson(stdout).folder), 'step').filter(({ arm }) => arm === 'control').map(({ losses }) => losses);
    expect(eventsOfType(runs.get('control1-s0')?.folder ?? '', 'step').map(({ losses }) => losses)).toEqual(alone);
  });

  it('writes the best as an experiment that runs by itself', () => {
    const text = readFileSync(path.join(folder, 'best.distill.yaml'), 'utf8');
    const { experiment, problems } = readExperiment(text, 'best');
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(experiment?.distill.map(({ method }) => method)).toEqual([result.best]);
    expect(experiment?.sweep).toBeUndefined();
  });

  it('is listed together, with its name', async () => {
    const { stdout } = await cli('runs', 'whole');
    expect(stdout).toMatch(/^sweep \d{4}-\d\d-\d\d-sweep-[a-z0-9]{5}: 6 finished\n( {2}\S.*\n?){6}$/);
  });

  it('paused by Ctrl-C, then killed with -9 in the middle: nothing finished is repeated, nothing half-finished lost, the numbers stay', async () => {
    const start = (...args: readonly string[]): ReturnType<typeof spawn> => spawn(process.execPath, [CLI, 'sweep', ...args, '--runs', 'broken', '--runs-at-once', '2', '--json'], { cwd: folder, stdio: 'ignore' });
    const found = (): Promise<readonly RunSummary[]> => listRuns([path.join(folder, 'broken')]);
    const paused = start('sweep.distill.yaml');
    const ended = new Promise<number | null>((resolve) => { paused.on('close', resolve); });
    await until('a step', async () => (await found()).some(({ lastStep }) => lastStep !== undefined) || undefined, 300);
    paused.kill('SIGINT');
    expect(await ended).toBe(3);
    expect((await found()).some(({ state }) => isLive(state))).toBe(false);

    const [id = ''] = readdirSync(path.join(folder, 'broken', 'sweeps'));
    const killed = start('--resume', id);
    await until('a finished run and one that goes', async () => {
      const all = await found();
      return (all.some(({ state }) => state === 'finished') && all.some(({ state, lastStep }) => state === 'running' && (lastStep?.step ?? 0) > 1)) || undefined;
    }, 300);
    killed.kill('SIGKILL');
    const half = (await found()).find(({ state }) => isLive(state));
    // One child dies with the queue, as it may when a machine goes down; what else goes lives on.
    if (half?.process !== undefined && isProcessAlive(half.process.pid, half.process.start)) process.kill(half.process.pid, 'SIGKILL');
    const finished = [...(await runsOf('broken')).values()].filter(({ state }) => state === 'finished').map((run) => [run.folder, run.ended]);
    const { code, stdout, stderr } = await cli('sweep', '--resume', id, '--runs', 'broken', '--runs-at-once', '2', '--json');
    expect(code, stdout + stderr).toBe(0);
    const after = await runsOf('broken');
    for (const [key, run] of runs) expect(computed(after.get(key) ?? { folder: '' }), key).toEqual(computed(run));
    for (const [run, time] of finished) expect([...after.values()].find((each) => each.folder === run)?.ended).toBe(time);
    for (const { process: child } of after.values()) expect(isProcessAlive(child?.pid ?? 0, child?.start ?? '')).toBe(false);
  });
});

describe.skipIf(!hasSlurm)('on a real Slurm', () => {
  let slurm: Slurm;
  const onSlurm = (...args: string[]): ReturnType<typeof commandLine> => commandLine(args, { cwd: folder, env: { ...slurm.environment } });
  beforeAll(async () => { slurm = await startSlurm(); });
  afterAll(async () => { await slurm.stop(); });

  it('the same sweep goes through as an array, and gives the numbers of this machine seed by seed', async () => {
    const { code, stdout, stderr } = await onSlurm('sweep', 'sweep.distill.yaml', '--launcher', 'slurm', '--runs', 'slurm', '--json');
    expect(code, stdout + stderr).toBe(0);
    const after = await runsOf('slurm');
    expect([...after.keys()].sort()).toEqual([...runs.keys()].sort());
    for (const [key, run] of runs) expect(computed(after.get(key) ?? { folder: '' }), key).toEqual(computed(run));
    expect(new Set([...after.values()].map(({ job }) => job?.job.split('_')[0])).size).toBe(1);
    expect(new Set([...after.values()].map(({ process: child }) => child?.host))).toEqual(new Set(slurm.hosts));
    for (const { process: child } of after.values()) expect(isProcessAlive(child?.pid ?? 0, child?.start ?? '')).toBe(false);
  });

  it('a job that is put back or out of time goes on bit for bit, a cancelled one is stopped until it is taken up again', async () => {
    writeFileSync(path.join(folder, 'seeds.distill.yaml'), seedsExperiment('seeds', 400));
    const reference = await cli('sweep', 'seeds.distill.yaml', '--runs', 'seeds', '--runs-at-once', '2', '--json');
    expect(reference.code, reference.stdout + reference.stderr).toBe(0);
    const expected = await runsOf('seeds');

    const queue = onSlurm('sweep', 'seeds.distill.yaml', '--launcher', 'slurm', '--set', 'launch.minutes=10', '--set', 'launch.grace=50', '--runs', 'requeued', '--json');
    const going = (key: string): Promise<RunSummary> => until(`steps of ${key}`, async () => {
      const found = (await listRuns([path.join(folder, 'requeued')])).find(({ sweep }) => sweep?.key === key);
      if (found !== undefined && !isLive(found.state)) throw new Error(`${key} is ${found.state} already`);
      return (found?.lastStep?.step ?? 0) > 5 ? found : undefined;
    }, 300);
    // Slurm lets a job that was put back wait for two minutes; this cluster's administrator does not.
    const hurry = async (job: string, ...more: readonly string[]): Promise<void> => {
      await until('the job to wait', () => slurm.ask('squeue', '--noheader', '--array', '--format=%r', `--jobs=${job}`).includes('BeginTime') || undefined, 300);
      slurm.ask('scontrol', 'update', `JobId=${job}`, 'StartTime=now', ...more);
    };
    const requeued = await going('c1-s0');
    const job = requeued.job?.job ?? '';
    slurm.ask('scontrol', 'requeue', job);
    slurm.ask('scancel', (await going('c1-s1')).job?.job ?? '');
    // Its second attempt has the least time that Slurm gives: it is held still until Slurm says that the time is nearly over.
    await hurry(job, 'TimeLimit=1');
    const second = await until('its second attempt', () => eventsOfType(requeued.folder, 'started')[1], 300);
    process.kill(second.pid, 'SIGSTOP');
    await until('the end of its time', () => readFileSync(path.join(requeued.folder, 'log.txt'), 'utf8').includes('the time of its job is nearly over') || undefined, 120);
    process.kill(second.pid, 'SIGCONT');
    await hurry(job, 'TimeLimit=10');
    const { code, stdout, stderr } = await queue;
    expect(code, stdout + stderr).toBe(3);
    const after = await runsOf('requeued');
    expect(after.get('c1-s0')?.state).toBe('finished');
    expect(computed(after.get('c1-s0') ?? { folder: '' })).toEqual(computed(expected.get('c1-s0') ?? { folder: '' }));
    // It was in three processes, each of which began where the one before had saved.
    expect(eventsOfType(requeued.folder, 'started').map(({ from }) => (from.student ?? 0) > 0)).toEqual([false, true, true]);
    expect(after.get('c1-s1')?.state).toBe('stopped');
    expect((await cli('runs', 'requeued')).stdout).toMatch(/seed-1\S* +stopped/);

    // The time may be over before the script, or Node, has begun to listen.
    const [id = ''] = readdirSync(path.join(folder, 'requeued', 'sweeps'));
    const resumed = onSlurm('sweep', '--resume', id, '--retry', '--runs', 'requeued', '--json');
    const early = await until('a job that begins', () => /^(\d+)\|RUNNING/m.exec(slurm.ask('squeue', '--noheader', '--format=%i|%T'))?.[1], 120);
    slurm.ask('scancel', '--signal=USR1', '--batch', early);
    let ended = false;
    void resumed.then(() => { ended = true; });
    await until('its end', () => {
      const [waits] = /^\d+(?=\|BeginTime)/m.exec(slurm.ask('squeue', '--noheader', '--format=%i|%r')) ?? [];
      if (waits !== undefined) slurm.ask('scontrol', 'update', `JobId=${waits}`, 'StartTime=now');
      return ended || undefined;
    }, 300);
    const last = await resumed;
    expect(last.code, last.stdout + last.stderr).toBe(0);
    expect(computed((await runsOf('requeued')).get('c1-s1') ?? { folder: '' })).toEqual(computed(expected.get('c1-s1') ?? { folder: '' }));
    expect(slurm.ask('squeue', '--noheader').trim()).toBe('');
  });

  it('a limit on jobs lets runs wait, with that reason, until it is lifted; a controller that is away has forgotten none', async () => {
    const text = seedsExperiment('limited', 4);
    const [file, runsRoot] = [path.join(folder, 'limited.distill.yaml'), path.join(folder, 'limited')];
    writeFileSync(file, text);
    const plan = checkedPlan(text, file, { overrides: [] });
    const sweep = await makeSweep({ plan, text, file, runsRoot, version: '0', launch: launchOf(plan, { on: 'slurm', defaults: [], file }) });
    // The controller counts the jobs of the tests before, too.
    await slurm.restart(`MaxJobCount=${slurm.ask('squeue', '--noheader', '--array', '--states=all').trim().split('\n').length + 1}`);
    const launcher = new SlurmLauncher({ config: {}, name: 'limited', environment: { ...process.env, ...slurm.environment }, poll: 500 });
    const queue = await SweepQueue.open({ folder: sweep, runsRoot, launcher, cliPath: CLI, interval: 100, later: 3000 });
    const closing = queue.work();
    const limit = /^Slurm takes no more jobs now \(.+\); tried again every minute\.$/;
    await until('a run that is kept back', () => queue.entries.some(({ reason }) => limit.test(reason ?? '')) || undefined);
    const kept = (await listRuns([runsRoot])).filter(({ reason }) => limit.test(reason ?? ''));
    expect(kept.length).toBeGreaterThan(0);
    for (const { state } of kept) expect(state).toBe('preparing');
    await slurm.restart('');
    expect(await closing).toBe('finished');
    expect(queue.entries.map(({ state }) => state)).toEqual(['finished', 'finished']);
    expect((await readJournal(sweep)).filter(({ type }) => type === 'started')).toHaveLength(2);
    for (const { folder: run } of await listRuns([runsRoot])) expect(eventsOfType(run, 'started')).toHaveLength(1);
  });

  it.each([
    ['a partition that does not exist', ['launch.slurm.partition=nowhere'], /[Pp]artition/],
    ['more memory than any node has', ['launch.memory=64'], /[Mm]emory/],
    // Slurm takes such a job, and would let it wait for ever.
    ['more time than the partition allows', ['launch.slurm.partition=short', 'launch.minutes=30'], /its time is longer than the partition allows/],
  ])('%s is told on each run, in Slurm\'s words', async (what, settings, words) => {
    const root = what.replaceAll(' ', '-');
    const { code, stdout } = await onSlurm('sweep', 'sweep.distill.yaml', '--launcher', 'slurm', ...[...settings, 'seeds=[0]'].flatMap((each) => ['--set', each]), '--runs', root, '--json');
    expect(code, stdout).toBe(1);
    const found = await listRuns([path.join(folder, root)]);
    expect(found.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed']);
    for (const { error } of found) expect(error?.explanation).toMatch(new RegExp(`DL761[\\s\\S]*${words.source}|${words.source}[\\s\\S]*DL761`));
    expect(slurm.ask('squeue', '--noheader').trim()).toBe('');
  });

  it('a run folder that the node does not see is told on the run', async () => {
    // The node finds nothing where the client has put the run: as with a disk that is not shared.
    const hidden = path.join(folder, 'hidden');
    const queue = onSlurm('sweep', 'sweep.distill.yaml', '--launcher', 'slurm', '--set', 'seeds=[0]', '--set', 'sweep=', '--set', 'control=false', '--runs', hidden, '--json', '--set', 'launch.minutes=5');
    slurm.ask('scontrol', 'update', `NodeName=${slurm.nodes.join()}`, 'State=DRAIN', 'Reason=test');
    const [run] = await until('a run that waits', async () => {
      const found = await listRuns([hidden]);
      return found.some(({ job }) => job?.state === 'waiting' && job.job !== '') ? found : undefined;
    }, 120);
    renameSync(path.join(run?.folder ?? '', 'resolved.json'), path.join(folder, 'aside.json'));
    slurm.ask('scontrol', 'update', `NodeName=${slurm.nodes.join()}`, 'State=RESUME');
    const { code, stdout } = await queue;
    expect(code, stdout).toBe(1);
    expect(stdout).toMatch(/The node does not see the run folder/);
  });

  it('without sbatch on the path, says so', async () => {
    const { code, stdout } = await commandLine(['sweep', 'sweep.distill.yaml', '--launcher', 'slurm', '--set', 'seeds=[0]', '--runs', 'nopath', '--json'], { cwd: folder, env: { PATH: '/nowhere' } });
    expect(code, stdout).toBe(1);
    for (const { error } of await listRuns([path.join(folder, 'nopath')])) expect(error?.code).toBe('DL760');
  });
});

describe('bad input', () => {
  it('is told before anything starts, with the combination', async () => {
    writeFileSync(path.join(folder, 'bad.distill.yaml'), sweepExperiment('bad', 8).replace('[rm]', '[rmm]'));
    const { code, stderr } = await cli('sweep', 'bad.distill.yaml', '--runs', 'bad');
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.distill\.yaml:\d+:\d+: error: "rmm" is not a value/);
    expect(await listRuns([path.join(folder, 'bad')])).toEqual([]);
  });

  it('says to use `sweep` for a file that makes several runs', async () => {
    const { code, stderr } = await cli('run', 'sweep.distill.yaml');
    expect(code).toBe(2);
    expect(stderr).toMatch(/DL718.*distill-lab sweep sweep\.distill\.yaml/s);
  });
});
