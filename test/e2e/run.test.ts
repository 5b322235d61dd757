import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWeights } from '../../src/engine/weights/read.ts';
import { FILES, heartbeatSchema, launchSchema, pictureIndexSchema, type Arm, type EventOf } from '../../src/experiment/record.ts';
import { isLive, readRun } from '../../src/store/index.ts';
import { commandLine, eventsOf, eventsOfType, lastJson, until, workspace } from './support/commandLine.ts';
import { openPorts, sessionOf } from './support/ports.ts';

const DATA = 'data: { format: scenes, train: 24, val: 6, classes: [disc, square], size: [64, 64], augment: { flip: 0.5 } }';
const NETWORK = 'detector: retinanet, backbone: tiny';
const TRAIN = (steps: number, more = ''): string => `train: { steps: ${steps}, batch: 2, optimizer: adamw, learningRate: 0.002, warmup: 4, seed: 3${more} }`;

function plain(name: string, steps: number, more = ''): string {
  return `name: ${name}\n${DATA}\nstudent: { ${NETWORK} }\n${TRAIN(steps, more)}\nevaluate: { every: 20 }\ncheckpoint: { every: 10 }\n`;
}

function distilled(name: string, steps: number, methods = '[{ method: fgd, scale: normalized }, { method: rm }, { method: pfi }]'): string {
  return `name: ${name}\n${DATA}\nteacher: { ${NETWORK}, weights: teacher.safetensors }\nstudent: { ${NETWORK}, inherit: neck+head }\ndistill: ${methods}\n`
    + `${TRAIN(steps)}\nevaluate: { every: 20 }\ncheckpoint: { every: 10 }\npictures: { every: 20, images: 2 }\n`;
}

let folder = '';
let teacher = '';
const cli = (...args: string[]): ReturnType<typeof commandLine> => commandLine(args, { cwd: folder });

/** One short real training makes the teacher of all tests here. */
beforeAll(async () => {
  folder = workspace({ 'teacher.distill.yaml': plain('teacher', 40) });
  const { code, stdout, stderr } = await cli('run', 'teacher.distill.yaml', '--json');
  expect(code, stdout + stderr).toBe(0);
  teacher = String(lastJson(stdout).folder);
  const exported = await cli('export', teacher, '--output', 'teacher.safetensors');
  expect(exported.code, exported.stderr).toBe(0);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const file = `${name}.distill.yaml`;
  execFileSync('tee', [join(folder, file)], { input: text, stdio: ['pipe', 'ignore', 'inherit'] });
  return file;
}

/** Starts a run and returns its folder once it has trained some steps, or at once. */
async function startDetached(file: string, steps: number): Promise<string> {
  const { code, stdout, stderr } = await cli('run', file, '--detach', '--json');
  expect(code, stdout + stderr).toBe(0);
  const run = String(lastJson(stdout).folder);
  if (steps > 0) await until(`step ${steps}`, () => eventsOfType(run, 'step').some(({ step }) => step >= steps) || undefined);
  return run;
}

function losses(run: string, arm: Arm = 'student'): [number, Record<string, number>][] {
  return eventsOfType(run, 'step').filter((event) => event.arm === arm).map(({ step, losses: parts }) => [step, parts]);
}

describe('a distillation run', () => {
  let run = '';
  let result: Record<string, unknown> = {};

  beforeAll(async () => {
    const file = write('all', `${distilled('all', 40)}control: true\n`);
    const { code, stdout, stderr } = await cli('run', file, '--json');
    expect(code, stdout + stderr).toBe(0);
    result = lastJson(stdout);
    run = String(result.folder);
  });

  it('ends with one object that says what came out', () => {
    expect(result).toMatchObject({ state: 'finished', teacher: { AP: expect.any(Number) as number }, control: { AP: expect.any(Number) as number, inheritAP: expect.any(Number) as number }, student: { AP: expect.any(Number) as number }, gain: expect.any(Number) as number, secondsPerStep: expect.any(Number) as number });
    const { student, control, gain } = result as { student: { AP: number }; control: { AP: number; inheritAP: number }; gain: number };
    expect(gain).toBeCloseTo(student.AP - Math.max(control.AP, control.inheritAP), 3);
  });

  it('records every step of every arm once, with parts that sum to the total', () => {
    for (const arm of ['student', 'control', 'controlInherit'] as const) {
      const steps = losses(run, arm);
      expect(steps.map(([step]) => step)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
      for (const [, { total, ...parts }] of steps) expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBeCloseTo(total as number, 3);
    }
    expect(Object.keys(losses(run)[0]?.[1] ?? {}).map((part) => part.split('.')[0])).toEqual(expect.arrayContaining(['detection', 'fgd', 'rm', 'pfi']));
    expect(Object.keys(losses(run, 'control')[0]?.[1] ?? {}).every((part) => part === 'total' || part.startsWith('detection.'))).toBe(true);
  });

  it('starts its controls from the same weights and data', () => {
    const detection = (arm: Arm): number => losses(run, arm)[0]?.[1]['detection.classification'] ?? Number.NaN;
    expect(detection('controlInherit')).toBeCloseTo(detection('student'), 5);
    expect(detection('control')).not.toBeCloseTo(detection('student'), 5);
  });

  it('records the pictures of its methods, each value finite', () => {
    const recorded = eventsOfType(run, 'pictures');
    expect(recorded.map(({ step }) => step)).toEqual([10, 20, 40]);
    const pictures = join(run, recorded.at(-1)?.folder ?? '');
    const index = pictureIndexSchema.parse(JSON.parse(readFileSync(join(pictures, 'index.json'), 'utf8')));
    const bytes = readFileSync(join(pictures, 'values.bin'));
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    expect(new Set(index.masks.map(({ method }) => method))).toEqual(new Set(['fgd', 'rm', 'pfi']));
    expect(index.images).toHaveLength(2);
    for (const { shape, offset } of index.masks) {
      const size = shape.reduce((product, side) => product * side, 1);
      expect(offset + size).toBeLessThanOrEqual(values.length);
      expect(values.subarray(offset, offset + size).every(Number.isFinite)).toBe(true);
    }
    for (const { file } of index.images) expect(existsSync(join(run, FILES.pictures, file))).toBe(true);
  });

  it('exports the student alone, and the file scores the same', async () => {
    const exported = await cli('export', run, '--checkpoint', 'last', '--output', 'student.safetensors', '--json');
    expect(exported.code, exported.stderr).toBe(0);
    const names = [...(await readWeights(join(folder, 'student.safetensors'))).keys()];
    expect(names.every((name) => /^(backbone|neck|bbox_head)\./.test(name))).toBe(true);
    const evaluated = await cli('evaluate', 'all.distill.yaml', '--weights', 'student.safetensors', '--json');
    expect(evaluated.code, evaluated.stderr).toBe(0);
    const { metrics } = eventsOfType(run, 'evaluation').filter(({ subject }) => subject === 'student').at(-1) as EventOf<'evaluation'>;
    expect(JSON.stringify(lastJson(evaluated.stdout))).toContain(String(Math.round(metrics.AP * 1e6) / 1e4));
  });

  it('predicts images of a folder as JSON and pictures', async () => {
    const { code, stdout, stderr } = await cli('predict', run, join(run, FILES.pictures, 'images'), '--output', 'predicted', '--score', '0.01');
    expect(code, stdout + stderr).toBe(0);
    expect(readdirSync(join(folder, 'predicted')).sort()).toEqual(['0.png', '1.png', 'predictions.json']);
    const { images } = JSON.parse(readFileSync(join(folder, 'predicted', 'predictions.json'), 'utf8')) as { images: { width: number; detections: { box: number[]; score: number }[] }[] };
    expect(images.map(({ width }) => width)).toEqual([64, 64]);
    for (const { box } of images.flatMap(({ detections }) => detections)) expect(Math.min(...box) >= 0 && Math.max(...box) <= 64).toBe(true);
  });

  it('writes a report that needs nothing else', async () => {
    const { code, stderr } = await cli('report', run);
    expect(code, stderr).toBe(0);
    const html = readFileSync(join(run, FILES.report), 'utf8');
    expect(html).toContain('Content-Security-Policy');
    expect(html).not.toMatch(/(src|href)="https?:/);
  });

  it('keeps at most three checkpoints of an arm', () => {
    for (const arm of readdirSync(join(run, FILES.checkpoints))) expect(readdirSync(join(run, FILES.checkpoints, arm)).sort()).toEqual(['best', 'last']);
  });
});

describe('interruptions', () => {
  it('killed in the middle: shown within 5 s with its log, resumed bit for bit with no step twice', async () => {
    const file = write('whole', distilled('whole', 60));
    const whole = await cli('run', file, '--json');
    expect(whole.code, whole.stdout + whole.stderr).toBe(0);
    const expected = losses(String(lastJson(whole.stdout).folder));

    const run = await startDetached(file, 25);
    const { pid } = heartbeatSchema.parse(JSON.parse(readFileSync(join(run, FILES.heartbeat), 'utf8')));
    process.kill(pid, 'SIGKILL');
    const summary = await until('the killed state', async () => {
      const now = await readRun(run);
      return now.state === 'killed' ? now : undefined;
    }, 5);
    expect(summary.logTail.length).toBeGreaterThan(0);
    expect(eventsOfType(run, 'step').at(-1)?.step).toBeLessThan(60);

    const resumed = await cli('resume', run, '--json');
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    expect(losses(run)).toEqual(expected);
  });

  it('stopped: saves, and goes on to the same end', async () => {
    const file = write('stopped', distilled('stopped', 60, '[{ method: fgd }]').replace('seed: 3', 'seed: 3, ema: 0.9'));
    const run = await startDetached(file, 5);
    const stopped = await cli('stop', run);
    expect(stopped.code, stopped.stderr).toBe(0);
    expect((await readRun(run)).state).toBe('stopped');
    const last = eventsOfType(run, 'step').at(-1)?.step;
    expect(eventsOfType(run, 'checkpoint').at(-1)?.step).toBe(last);
    const resumed = await cli('resume', run, '--json');
    expect(lastJson(resumed.stdout)).toMatchObject({ state: 'finished', step: 60 });
    expect(losses(run).map(([step]) => step)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    // Stopped before its first evaluation: the teacher's AP is measured once all the same.
    expect(eventsOfType(run, 'evaluation').filter(({ subject }) => subject === 'teacher')).toHaveLength(1);
  });

  it.skipIf(process.platform !== 'linux')('asked to end while it is still being loaded: nothing has failed', async () => {
    const { stdout } = await cli('run', 'teacher.distill.yaml', '--runs', 'early', '--detach', '--json');
    const { folder: run, pid } = lastJson(stdout) as { folder: string; pid: number };
    // As soon as the process listens, which it does to SIGHUP last, and Node by itself never: the engine is far from being there.
    const listens = (): boolean => (Number.parseInt(/^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.slice(-4) ?? '0', 16) & 1) !== 0;
    await until('a process that listens', () => listens() || undefined);
    process.kill(pid, 'SIGTERM');
    const ended = await until('its end', async () => { const now = await readRun(run); return isLive(now.state) ? undefined : now; });
    expect([ended.state, eventsOfType(run, 'started')]).toEqual(['stopped', []]);
  });

  it('refuses to resume when the experiment has changed, and names the difference', async () => {
    const file = write('changed', plain('changed', 200));
    const run = await startDetached(file, 12);
    await cli('stop', run);
    write('changed', plain('changed', 200).replace('learningRate: 0.002', 'learningRate: 0.004'));
    const { code, stderr } = await cli('resume', run);
    expect(code).toBe(2);
    expect(stderr).toContain('train.learningRate');
    rmSync(join(folder, file));
  });
});

describe.skipIf(process.platform !== 'linux')('ports', () => {
  it('are opened by no process of a run, from its start to its end', async () => {
    const run = await startDetached(write('ports', distilled('ports', 30, '[{ method: fgd }]')), 0);
    const { pid } = launchSchema.parse(JSON.parse(readFileSync(join(run, FILES.launch), 'utf8')));
    const phases = new Set<string>();
    const found: string[] = [];
    const ended = await until('the end', async () => {
      found.push(...openPorts(sessionOf(pid)));
      const { state, phase } = await readRun(run);
      if (sessionOf(pid).length > 0) phases.add(phase?.phase ?? state);
      return isLive(state) ? undefined : state;
    });
    expect(ended).toBe('finished');
    expect(found).toEqual([]);
    expect(phases.size, [...phases].join(', ')).toBeGreaterThan(1);
  });

  it('would be seen', async () => {
    const [server, socket] = [createServer(), createSocket('udp4')];
    try {
      await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
      await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
      const [tcp, udp] = [server.address(), socket.address()].map((address) => (typeof address === 'object' ? address?.port ?? 0 : 0).toString(16).toUpperCase().padStart(4, '0'));
      expect(openPorts([process.pid])).toEqual(expect.arrayContaining([`tcp 0100007F:${tcp}`, `udp 0100007F:${udp}`]));
      expect(sessionOf(Number(readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ')[3]))).toContain(process.pid);
    } finally {
      server.close();
      socket.close();
    }
  });
});

describe('training further', () => {
  const constant = (name: string, steps: number): string => `${distilled(name, steps, '[{ method: fgd, scale: normalized }]').replace('seed: 3', 'seed: 3, schedule: constant').replace(', inherit: neck+head', '').replace('images: 2', 'images: 0')}control: true\n`;
  const ARMS = ['student', 'control'] as const;
  const measured = (run: string, step: number): unknown[] => ARMS.map((arm) => eventsOfType(run, 'evaluation').find((event) => event.subject === arm && event.step === step)?.metrics);

  it('a finished run equals the longer one in every arm, bit for bit, although it is killed on the way', async () => {
    const whole = await cli('run', write('long', constant('long', 30)), '--json');
    expect(whole.code, whole.stdout + whole.stderr).toBe(0);
    const expected = String(lastJson(whole.stdout).folder);
    const short = await cli('run', write('short', constant('short', 12)), '--json');
    expect(short.code, short.stdout + short.stderr).toBe(0);
    const run = String(lastJson(short.stdout).folder);
    expect((await cli('resume', run)).stderr).toContain('DL706');
    expect((await cli('resume', run, '--steps', '12')).stderr).toContain('DL711');

    const further = await cli('resume', run, '--steps', '30', '--detach', '--json');
    expect(further.code, further.stderr).toBe(0);
    await until('a further step', () => eventsOfType(run, 'step').some(({ step }) => step > 21) || undefined);
    expect((await readRun(run)).state).toBe('running');
    process.kill(Number(lastJson(further.stdout).pid), 'SIGKILL');
    await until('the killed state', async () => (await readRun(run)).state === 'killed' || undefined, 5);
    const resumed = await cli('resume', run, '--json');
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);

    expect(lastJson(resumed.stdout)).toMatchObject({ state: 'finished', step: 30, gain: lastJson(whole.stdout).gain });
    for (const arm of ARMS) expect(losses(run, arm), arm).toEqual(losses(expected, arm));
    expect(measured(run, 30)).toEqual(measured(expected, 30));
    expect(measured(run, 12).every((metrics) => metrics !== undefined), 'the end of the shorter run stays in the curve').toBe(true);
    expect(eventsOfType(run, 'warning').filter(({ message }) => message.includes('Lengthened')), 'nothing has to be said where the runs are equal').toEqual([]);
    expect(await readRun(run)).toMatchObject({ totalSteps: 30, progress: { done: 60, total: 60 } });
  });

  it('says what it means for a rate that had fallen to its end', async () => {
    const { code, stderr } = await cli('resume', teacher, '--steps', '44', '--json');
    expect(code, stderr).toBe(0);
    expect(eventsOfType(teacher, 'warning').map(({ message }) => message)).toContainEqual(expect.stringMatching(/^Lengthened from 40 to 44 steps\. From step 41 on, .*train\.schedule \(cosine; the learning rate goes from 0\.0000031 to 0\.000041\)/));
    const rates = eventsOfType(teacher, 'step').map(({ learningRate }) => learningRate);
    expect(rates).toHaveLength(44);
    expect(rates[40]).toBeCloseTo(0.002 * (1 + Math.cos(Math.PI * (40 / 44))) / 2, 12);
  });
});

describe('runs that cannot go on', () => {
  it('stops at an exploding loss with the step and the part, and keeps the last good checkpoint', async () => {
    const file = write('nan', plain('nan', 60).replace('learningRate: 0.002', 'learningRate: 1e30').replace('warmup: 4', 'warmup: 0, clip: 0'));
    const { code, stdout } = await cli('run', file, '--json');
    expect(code).toBe(1);
    const run = String(lastJson(stdout).folder);
    const { error } = eventsOfType(run, 'ended').at(-1) as EventOf<'ended'>;
    expect(error?.code).toBe('DL601');
    expect(error?.message).toMatch(/at step \d+ .*(detection|total|gradient)/);
    expect(error?.line).toBe(4);
    expect(eventsOfType(run, 'checkpoint').every(({ step }) => step < Number(/step (\d+)/.exec(error?.message ?? '')?.[1]))).toBe(true);
  });

  it('says so when the teacher has no file, before anything starts', async () => {
    const file = write('noteacher', distilled('noteacher', 20).replace('teacher.safetensors', 'nowhere.safetensors'));
    const { code, stderr } = await cli('run', file);
    expect(code).toBe(2);
    expect(stderr).toContain('nowhere.safetensors');
    expect(stderr).toContain('noteacher.distill.yaml:3');
  });

  it('fails with the tensor when weights have another shape', async () => {
    const file = write('othershape', distilled('othershape', 20).replace(`teacher: { ${NETWORK}`, 'teacher: { detector: retinanet, backbone: small'));
    const { code, stdout, stderr } = await cli('run', file);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/backbone\.[\w.]+/);
    expect(stdout + stderr).toMatch(/expected/i);
  });

  it.skipIf(process.getuid?.() !== 0)('says that the disk is full and can be resumed', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', disk], { stdio: 'pipe' });
    } catch (error) {
      console.warn(`skipped: no small disk can be mounted here (${String(error)})`);
      return;
    }
    try {
      const file = write('fulldisk', plain('fulldisk', 60));
      const { code, stdout, stderr } = await cli('run', file, '--runs', disk);
      expect(code).toBe(1);
      expect(stdout + stderr).toMatch(/disk is full/i);
    } finally {
      // The process is over soon after its last event.
      await until('the small disk to be free', () => { try { return execFileSync('umount', [disk], { stdio: 'pipe' }); } catch { return undefined; } }, 30);
    }
  });
});

describe('op by op', () => {
  it('gives the losses of the captured steps', async () => {
    // SGD: Adam's first steps turn the sign of gradients that are rounding noise into whole steps.
    const file = write('ops', distilled('ops', 12).replace('optimizer: adamw', 'optimizer: sgd'));
    const runs = await Promise.all(['true', 'false'].map(async (capture) => {
      const { code, stdout, stderr } = await cli('run', file, '--json', '--set', `engine.capture=${capture}`, '--set', 'pictures.images=0');
      expect(code, stdout + stderr).toBe(0);
      return String(lastJson(stdout).folder);
    })) as [string, string];
    const [captured, direct] = runs.map((run) => losses(run)) as [ReturnType<typeof losses>, ReturnType<typeof losses>];
    expect(eventsOf(runs[1]).find((event) => event.type === 'started')).toMatchObject({ engine: { captured: false } });
    captured.forEach(([step, parts], index) => {
      for (const [part, value] of Object.entries(parts)) {
        const other = direct[index]?.[1][part] ?? Number.NaN;
        expect(Math.abs(value - other) / Math.max(Math.abs(value), 1e-3), `${part} at step ${step}`).toBeLessThan(step === 1 ? 1e-5 : 1e-3);
      }
    });
  });
});
