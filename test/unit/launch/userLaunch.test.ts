/** The user's own launch settings beneath the file's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchSchema } from '../../../src/experiment/sweepSchema.ts';
import { checkedLaunch, joinedLaunch, readUserLaunch, userLaunchFile } from '../../../src/launch/userLaunch.ts';
import { launchOf } from '../../../src/sweep/prepare.ts';
import { planSweep } from '../../../src/sweep/plan.ts';
import manifest from '../../../package.json' with { type: 'json' };

let root = '';
beforeAll(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-launch-')); });
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

const FILE = 'name: a\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: 5, warmup: 0 }\nseeds: [0, 1]\n';

describe('launch', () => {
  test('of the file is stronger than the user\'s own, key by key; a default that nobody wrote is the weakest', () => {
    const plan = planSweep(`${FILE}launch: { on: slurm, gpus: 2, slurm: { partition: big } }\n`, '/x.yaml');
    expect(plan.problems).toEqual([]);
    const user = { on: 'local', grace: 90, gpus: 1, cpus: 4, slurm: { partition: 'small', account: 'me' } };
    expect(launchOf(plan, { defaults: [user, { minutes: 30, cpus: 1 }], file: '/x.yaml' })).toMatchObject({ on: 'slurm', gpus: 2, cpus: 4, minutes: 30, grace: 90, slurm: { partition: 'big', account: 'me' } });
    expect(launchOf(plan, { on: 'local', atOnce: 3, defaults: [], file: '/x.yaml' })).toMatchObject({ on: 'local', atOnce: 3, gpus: 2, grace: 60, slurm: { partition: 'big' } });
  });

  test('that nobody says anything of has its defaults', () => {
    expect(launchOf(planSweep(FILE, '/x.yaml'), { defaults: [{}], file: '/x.yaml' })).toEqual(launchSchema.parse({}));
    expect(joinedLaunch()).toEqual(launchSchema.parse({}));
  });
});

describe('the settings file', () => {
  test('lies in the user\'s own folder, or where a variable says', () => {
    if (process.platform !== 'win32') {
      expect(userLaunchFile({})).toBe(path.join(homedir(), '.config/distill-lab/launch.yaml'));
      expect(userLaunchFile({ XDG_CONFIG_HOME: '/c' })).toBe('/c/distill-lab/launch.yaml');
    }
    expect(userLaunchFile({ DISTILL_LAB_LAUNCH: path.join(root, 'l.yaml') })).toBe(path.join(root, 'l.yaml'));
  });

  test('is read as written, and need not be there', async () => {
    const file = path.join(root, 'launch.yaml');
    expect(await readUserLaunch({ DISTILL_LAB_LAUNCH: file })).toEqual({});
    writeFileSync(file, '# mine\n');
    expect(await readUserLaunch({ DISTILL_LAB_LAUNCH: file })).toEqual({});
    writeFileSync(file, 'on: slurm\ncpus: 8\n');
    expect(await readUserLaunch({ DISTILL_LAB_LAUNCH: file })).toEqual({ on: 'slurm', cpus: 8 });
  });

  test('a template for Kubernetes lies beside what names it: the settings, or the experiment', async () => {
    const file = path.join(root, 'kube.yaml');
    writeFileSync(file, 'on: kubernetes\nkubernetes: { template: job.yaml }\n');
    const user = await readUserLaunch({ DISTILL_LAB_LAUNCH: file });
    expect(launchOf(planSweep(FILE, '/x/a.yaml'), { defaults: [user], file: '/x/a.yaml' }).kubernetes.template).toBe(path.join(root, 'job.yaml'));
    const plan = planSweep(`${FILE}launch: { on: kubernetes, kubernetes: { template: ../own.yaml } }\n`, '/x/y/a.yaml');
    expect(launchOf(plan, { defaults: [user], file: '/x/y/a.yaml' }).kubernetes.template).toBe(path.resolve('/x/own.yaml'));
  });

  test.each(['on: moon\n', 'cpu: 3\n', '- on\n', 'on: [\n', 'a: &a [*a]\n'])('that says %j is refused with its place', async (text) => {
    const file = path.join(root, 'wrong.yaml');
    writeFileSync(file, text);
    await expect(readUserLaunch({ DISTILL_LAB_LAUNCH: file })).rejects.toMatchObject({ code: 'DL769', details: { where: { file } } });
  });

  test('and the editor\'s setting are held to the same keys', () => {
    expect(() => checkedLaunch({ slurm: { partition: '--wrap=x' } }, 'setting')).toThrow(expect.objectContaining({ code: 'DL769', message: 'The launch settings are not understood: `slurm.partition`.' }) as Error);
    const setting = manifest.contributes.configuration.properties['distillLab.launch'].properties;
    expect(Object.keys(setting).sort()).toEqual(Object.keys(launchSchema.shape).sort());
    expect(setting.on.enum).toEqual(launchSchema.shape.on.unwrap().options);
    expect(Object.keys(setting.slurm.properties).sort()).toEqual(Object.keys(launchSchema.shape.slurm.def.innerType.shape).sort());
    expect(Object.keys(setting.ray.properties).sort()).toEqual(Object.keys(launchSchema.shape.ray.def.innerType.shape).sort());
    expect(Object.keys(setting.kubernetes.properties).sort()).toEqual(Object.keys(launchSchema.shape.kubernetes.def.innerType.shape).sort());
  });
});
