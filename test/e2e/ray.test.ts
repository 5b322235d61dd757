/** Runs on a real Ray of one node, through its Jobs interface. */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchSchema } from '../../src/experiment/sweepSchema.ts';
import { RayLauncher } from '../../src/launch/ray.ts';
import { isProcessAlive, listRuns, type RunSummary } from '../../src/store/index.ts';
import { commandLine, eventsOfType, until, workspace } from './support/commandLine.ts';
import { hasRay, type Ray, startRay } from './support/ray.ts';
import { seedsExperiment } from './support/sweeps.ts';

let folder = '';
beforeAll(() => { folder = workspace({ 'seeds.distill.yaml': seedsExperiment('seeds', 4) }); });
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
const sweep = (runs: string, address: string, ...more: readonly string[]): ReturnType<typeof commandLine> => commandLine(['sweep', 'seeds.distill.yaml', '--launcher', 'ray', '--set', `launch.ray.address=${address}`, '--runs', runs, '--json', ...more], { cwd: folder });
const runsOf = (root: string): Promise<readonly RunSummary[]> => listRuns([path.join(folder, root)]);

describe.skipIf(!hasRay)('on a real Ray', () => {
  let ray: Ray;
  beforeAll(async () => { ray = await startRay(); });
  afterAll(async () => { await ray.stop(); });

  it('runs go through its Jobs interface; their end and what they say are seen', async () => {
    const { code, stdout, stderr } = await sweep('real', ray.address);
    expect(code, stdout + stderr).toBe(0);
    const runs = await runsOf('real');
    expect(runs.map(({ state, job, sweep: note }) => [state, job?.launcher, note?.seed]).sort()).toEqual([['finished', 'ray', 0], ['finished', 'ray', 1]]);
    const launcher = new RayLauncher({ config: launchSchema.parse({ ray: { address: ray.address } }).ray, name: 'look' });
    for (const { folder: run, job, process: child } of runs) {
      expect(eventsOfType(run, 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4]);
      expect(await launcher.log(job?.job ?? '')).toContain(`distill-lab: ${run} on `);
      expect(readFileSync(path.join(run, 'log.txt'), 'utf8')).not.toMatch(/Error/);
      expect(isProcessAlive(child?.pid ?? 0, child?.start ?? '')).toBe(false);
    }
    expect([...(await launcher.states(runs.map(({ job }) => job?.job ?? ''))).values()]).toEqual([{ state: 'ended' }, { state: 'ended' }]);
  });

  it('a job that waits is stopped, one that the node cannot begin says why, one that Ray forgot is left out', async () => {
    const launcher = new RayLauncher({ config: launchSchema.parse({ ray: { address: ray.address } }).ray, name: 'jobs', poll: 0 });
    const argv = [process.execPath, path.join(folder, 'nowhere.js')];
    const jobs = [{ folder: path.join(folder, 'not there'), argv, resources: { grace: 5 } }, { folder, argv, resources: { cpus: 64, grace: 5 } }];
    const ids = (await launcher.start(jobs)).map((each) => ('id' in each ? each.id : ''));
    const [hidden = '', large = ''] = ids;
    const known = await until('the end of the first job', async () => {
      const found = await launcher.states(ids);
      return found.get(hidden)?.state === 'ended' ? found : undefined;
    }, 200);
    expect(known.get(large)?.state).toBe('waiting');
    expect(known.get(hidden)?.error).toMatchObject({ code: 'DL762', message: expect.stringContaining('does not see the run folder') as string });
    await launcher.stop(large);
    expect((await launcher.states(ids)).get(large)).toMatchObject({ state: 'ended', isCancelled: true });
    expect(await launcher.states(['distill-never-was'])).toEqual(new Map());
  });

  it('leaves no process when it is stopped', async () => {
    await ray.stop();
    expect(ray.processes()).toEqual([]);
  });
});

describe('where no Ray answers', () => {
  it('says so on each run', async () => {
    const { code, stdout } = await sweep('silent', 'http://127.0.0.1:9');
    expect(code, stdout).toBe(1);
    const runs = await runsOf('silent');
    expect(runs).toHaveLength(2);
    for (const { state, error } of runs) expect([state, error?.code, error?.message]).toEqual(['failed', 'DL760', 'Nothing answers at http://127.0.0.1:9.']);
  });
});
