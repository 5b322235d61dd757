/** The batch script with a real shell and real signals, and what is made of Slurm's words. A real Slurm is in `test/e2e`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchSchema } from '../../../src/experiment/sweepSchema.ts';
import { nodeTrouble } from '../../../src/launch/onNode.ts';
import { type SlurmOptions } from '../../../src/launch/slurm.ts';
import { slurmScript } from '../../../src/launch/slurmScript.ts';
import { asksAgain, isForgotten, isLimit, isSilent, never, reasonOf } from '../../../src/launch/slurmWords.ts';

const config: SlurmOptions['config'] = launchSchema.parse({}).slurm;
let root = '';
beforeAll(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-slurm-script-')); });
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

async function until(what: string, ask: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !ask();) {
    if (Date.now() > end) throw new Error(`waited for ${what}`);
    await new Promise((later) => { setTimeout(later, 10); });
  }
}

describe.skipIf(process.platform === 'win32')('a job\'s script', () => {
  /** A run folder, a program in the place of Node, and one in the place of Slurm's `scontrol` that notes what it was asked. */
  function node(child: string): { readonly folder: string; readonly start: () => ChildProcess; readonly asked: () => string; readonly log: () => string } {
    const folder = mkdtempSync(path.join(root, 'run-'));
    const program = (name: string, text: string): string => {
      const file = path.join(folder, name);
      writeFileSync(file, `#!/bin/bash\n${text}\n`);
      chmodSync(file, 0o755);
      return file;
    };
    for (const file of ['resolved.json', 'cli.js']) writeFileSync(path.join(folder, file), '{}');
    program('scontrol', `echo "$@" >>${folder}/asked`);
    const script = program('script', slurmScript([{ folder, argv: [program('node', `[ "$2" = child-environment ] && { touch ${folder}/preparing; while [ -e ${folder}/wait ]; do sleep 0.01; done; exit; }\n${child}`), path.join(folder, 'cli.js')], resources: { grace: 60 } }], { config, name: 'x' }));
    const read = (file: string) => (): string => (existsSync(path.join(folder, file)) ? readFileSync(path.join(folder, file), 'utf8') : '');
    return {
      folder, asked: read('asked'), log: read('log.txt'),
      start: () => spawn(script, { stdio: 'ignore', env: { ...process.env, PATH: `${folder}:${process.env.PATH ?? ''}`, SLURM_JOB_ID: '7' } }),
    };
  }
  const codeOf = (job: ChildProcess): Promise<number | null> => new Promise((resolve) => { job.on('exit', resolve); });
  /** Saves a step further each time, as a child that hears the signal. */
  const SAVES = 'step=$(( $(grep -o "[0-9]*" checkpoints/student/last/state.json || echo 0) + 1 ))\ntrap \'mkdir -p checkpoints/student/last; echo "{\\"step\\":$step}" >checkpoints/student/last/state.json; exit 3\' TERM\ntouch ready\nwhile :; do sleep 0.01; done';

  it('puts itself back when its time is nearly over and the child has saved', async () => {
    const { folder, start, asked, log } = node(SAVES);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      const job = start();
      const code = codeOf(job);
      await until('the child', () => existsSync(path.join(folder, 'ready')));
      rmSync(path.join(folder, 'ready'));
      job.kill('SIGUSR1');
      expect(await code).toBe(3);
    }
    // As often as it takes: each brought the run further.
    expect(asked()).toBe('requeue 7\n'.repeat(4));
    expect(log()).toMatch(/^\d{4}-\d\d-\d\dT\S+Z the time of its job is nearly over/m);
  });

  it('does so too when the child did not listen yet, or was not even started', async () => {
    const deaf = node('touch ready\nexec sleep 60');
    const job = deaf.start();
    const code = codeOf(job);
    await until('the child', () => existsSync(path.join(deaf.folder, 'ready')));
    job.kill('SIGUSR1');
    expect(await code).toBe(143);
    expect(deaf.asked()).toBe('requeue 7\n');

    const early = node('touch ready\nexec sleep 60');
    writeFileSync(path.join(early.folder, 'wait'), '');
    const second = early.start();
    const secondCode = codeOf(second);
    await until('the preparation', () => existsSync(path.join(early.folder, 'preparing')));
    second.kill('SIGUSR1');
    rmSync(path.join(early.folder, 'wait'));
    expect(await secondCode).toBe(143);
    expect(early.asked()).toBe('requeue 7\n');
    expect(existsSync(path.join(early.folder, 'ready'))).toBe(false);
  });

  it('gives up, and is understood, when three in a row were over before a step was saved', async () => {
    const { folder, start, asked } = node('touch ready\nexec sleep 60');
    const codes: (number | null)[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const job = start();
      const code = codeOf(job);
      await until('the child', () => existsSync(path.join(folder, 'ready')));
      rmSync(path.join(folder, 'ready'));
      job.kill('SIGUSR1');
      codes.push(await code);
    }
    expect(asked()).toBe('requeue 7\n'.repeat(2));
    expect(nodeTrouble(codes[2] ?? 0, 'node-a', 'Slurm job 7')).toMatchObject({ code: 'DL763' });
    expect(codes.slice(0, 2).map((code) => nodeTrouble(code ?? 0, 'node-a', 'Slurm job 7'))).toEqual([undefined, undefined]);
  });

  it('leaves it to Slurm, or to the user, when it was told to end', async () => {
    for (const [signal, isStopped] of [['SIGTERM', false], ['SIGUSR1', true]] as const) {
      const { folder, start, asked } = node(SAVES);
      const job = start();
      const code = codeOf(job);
      await until('the child', () => existsSync(path.join(folder, 'ready')));
      if (isStopped) writeFileSync(path.join(folder, 'stop'), '');
      job.kill(signal);
      expect(await code).toBe(3);
      expect(asked()).toBe('');
    }
  });

  it('is an array for several runs only, with folders of any name', () => {
    const job = (folder: string) => ({ folder, argv: ['node', 'cli'], resources: { grace: 60, minutes: 5, gpus: 0 } });
    const two = slurmScript([job('/a b/it\'s'), job('/c$(x)')], { config, name: 'a/b c', atOnce: 1 });
    expect(two).toContain('#SBATCH --array=0-1%1\n');
    expect(two).toContain('#SBATCH --job-name=a-b-c\n');
    expect(two).toContain('folders=(\'/a b/it\'\\\'\'s\' \'/c$(x)\')\n');
    expect(two).not.toContain('--gpus');
    expect(slurmScript([job('/a')], { config, name: 'x', atOnce: 1 })).not.toContain('--array');
  });

  it('ends with a code of its own where the folder is not to be seen', async () => {
    const { folder, start } = node('');
    mkdirSync(path.join(folder, 'aside'));
    rmSync(path.join(folder, 'resolved.json'));
    expect(await codeOf(start())).toBe(66);
  });
});

describe('Slurm\'s words', () => {
  const failed = (stderr: string): string => reasonOf({ code: 1, stdout: '', stderr });

  it('are told without sbatch\'s own name, the particular before the general', () => {
    expect(failed('sbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission failed: Requested node configuration is not available\n')).toBe('Memory specification can not be satisfied; Requested node configuration is not available');
    expect(failed('')).toBe('sbatch ended with code 1');
  });

  it.each([
    ['sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\nsbatch: error: Batch job submission failed: Resource temporarily unavailable', 'limit'],
    ['sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user\'s size and/or time limits)', 'limit'],
    ['sbatch: error: Batch job submission failed: Invalid job array specification', 'limit'],
    ['sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)', 'silent'],
    ['sbatch: error: Batch job submission failed: Socket timed out on send/recv operation', 'silent'],
    ['sbatch: error: invalid partition specified: nowhere\nsbatch: error: Batch job submission failed: Invalid partition name specified', 'refused'],
    ['sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)', 'refused'],
    ['sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified', 'refused'],
  ])('%s', (stderr, kind) => {
    const why = failed(stderr);
    expect(isSilent(why) ? 'silent' : isLimit(why) ? 'limit' : 'refused').toBe(kind);
  });

  it('tell when sbatch would sleep, and whether squeue knows nothing or nobody answers', () => {
    expect(asksAgain('sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n')).toBe(true);
    expect(asksAgain('sbatch: error: Batch job submission failed: Invalid partition name specified\n')).toBe(false);
    expect([isForgotten('slurm_load_jobs error: Invalid job id specified'), isForgotten('slurm_load_jobs error: Unable to contact slurm controller (connect failure)')]).toEqual([true, false]);
  });

  it.each(['PartitionTimeLimit', 'MaxMemPerLimit', 'QOSMaxWallDurationPerJobLimit', 'AssocMaxCpuPerJobLimit', 'Job\'s account not known, so it can\'t use this partition (others allows vision)'])('%s never passes by itself', (reason) => {
    expect(never(reason)).toContain(reason);
  });
  it.each(['Priority', 'Resources', 'QOSMaxJobsPerUserLimit', 'AssocMaxJobsLimit', 'QOSGrpCpuLimit', 'BeginTime', 'None'])('%s may pass', (reason) => {
    expect(never(reason)).toBeUndefined();
  });
});
