/** The commands as a user calls them, with a child that plays a run. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DistillError } from '../../../src/errors.ts';
import { exitCodeOf, type Output } from '../../../src/cli/output.ts';
import { comparisonObject, comparisonTable } from '../../../src/cli/commands/teachers.ts';
import { main } from '../../../src/cli/program.ts';
import { resultObject, resultTable } from '../../../src/cli/results.ts';
import { lossWords, percent, progressLine, signedPercent, timeLeft } from '../../../src/cli/words.ts';
import { readRun } from '../../../src/store/index.ts';
import { ended, evaluation, lines as eventLines, runFolder, started, step } from '../store/material.ts';

const cliPath = fileURLToPath(new URL('../launch/fixtures/child.mjs', import.meta.url));
let root = '';
let runs = '';
let file = '';
let out: string[] = [];
let notes: string[] = [];
let statuses: string[] = [];

function output(terminal = false): Output {
  return { line: (text) => { out.push(text); }, note: (text) => { notes.push(text); }, status: (text) => { statuses.push(text); }, terminal, columns: 120 };
}
const cli = (...args: readonly string[]): Promise<number> => main(args, { output: output(), cliPath });

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'distill-cli-'));
  file = path.join(root, 'a.distill.yaml');
  runs = path.join(root, 'runs');
  writeFileSync(file, 'name: a run\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: 6, warmup: 0 }\n');
});
afterAll(() => { rmSync(root, { recursive: true }); });
beforeEach(() => { [out, notes, statuses] = [[], [], []]; });

describe('the program', () => {
  it('helps, and tells its version', async () => {
    expect(await cli('--help')).toBe(0);
    expect(out.join('\n')).toMatch(/run .*resume .*stop .*evaluate .*predict .*export .*report .*doctor .*setup/s);
    expect(out.join('\n')).not.toContain('run-child');
    expect(await cli('--version')).toBe(0);
    expect(out.at(-1)).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it.each([[['nonsense']], [['run']], [['run', 'a', '--nonsense']], [['export', 'r', '--naming', 'x']], [['evaluate', 'r', '--subject', 'x']]])('refuses %j with 2', async (args) => {
    expect(await cli(...args)).toBe(2);
    expect(notes.join('\n')).toMatch(/^error: /);
  });

  it('tells bad input from failures', () => {
    const codes = (['DL102', 'DL301', 'DL404', 'DL505', 'DL704', 'DL201', 'DL601'] as const).map((code) => exitCodeOf(new DistillError(code, 'x')));
    expect(codes).toEqual([2, 2, 2, 2, 2, 1, 1]);
    expect(exitCodeOf(new Error('x'))).toBe(1);
  });
});

describe('validate', () => {
  it('says when a file is sound, and what is wrong with one that is not', async () => {
    expect(await cli('validate', file)).toBe(0);
    expect(out).toEqual([`${file}: a run is valid`]);
    expect(await cli('validate', file, '--set', 'train.batch=0')).toBe(2);
    expect(notes.join('\n')).toContain('--set train.batch=0: error: `train.batch` is out of range. [DL106]');
    const flawed = path.join(root, 'flawed.distill.yaml');
    writeFileSync(flawed, 'nme: x\n');
    expect(await cli('validate', flawed)).toBe(2);
    expect(notes.join('\n')).toContain(`${flawed}:1:1: error: \`nme\` is not a key of an experiment. [DL102]`);
    expect(await cli('validate', path.join(root, 'nowhere'))).toBe(2);
    expect(notes.at(-1)).toContain('[DL100]');
  });

  it('speaks JSON', async () => {
    expect(await cli('validate', file, '--json', '--set', 'train.stps=3')).toBe(2);
    expect(JSON.parse(out[0] ?? '')).toMatchObject([{ file, valid: false, problems: [{ code: 'DL102', key: ['train', 'stps'] }] }]);
  });
});

describe('run', () => {
  it('goes to the end, in plain lines', async () => {
    expect(await cli('run', file, '--runs', runs), notes.join('\n')).toBe(0);
    expect(out[0]).toMatch(/^run folder: .*a-run-/);
    expect(out).toContain('a played run');
    expect(out.join('\n')).toMatch(/student: step 1\/6, loss 1\.00 \(\), 50 images\/s/);
  });

  it('ends its JSON lines with the result', async () => {
    expect(await cli('run', file, '--runs', runs, '--json', '--seed', '3', '--steps', '4')).toBe(0);
    const objects = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.filter(({ type }) => type === 'step')).toHaveLength(4);
    const last = objects.at(-1) ?? {};
    expect(last).toMatchObject({ state: 'finished', step: 4, teacher: { AP: null }, control: { AP: null }, student: { AP: null }, gain: null });
    expect(JSON.parse(readFileSync(path.join(String(last.folder), 'resolved.json'), 'utf8'))).toMatchObject({ experiment: { train: { seed: 3, steps: 4 } }, overrides: ['train.seed=3', 'train.epochs=', 'train.steps=4'] });
  });

  it('does not start what is not sound', async () => {
    const before = readdirSync(runs).length;
    expect(await cli('run', file, '--runs', runs, '--set', 'train.warmup=9')).toBe(2);
    expect(notes.at(-1)).toBe('Not started.');
    expect(await cli('run', file, '--runs', runs, '--json', '--set', 'train.warmup=9')).toBe(2);
    expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({ state: 'refused', problems: [{ code: 'DL117' }] });
    expect(readdirSync(runs)).toHaveLength(before);
  });

  it.each([['fail', 1, /It did not fit/], ['crash', 4, /killed: .*\n.*\n.*Segmentation fault/s]])('that goes wrong (%s) ends with %i and the reason', async (play, code, reason) => {
    vi.stubEnv('PLAY', play);
    try {
      expect(await cli('run', file, '--runs', runs)).toBe(code);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(notes.join('\n')).toMatch(reason);
  });

  it('can be left alone, listed, stopped and resumed', async () => {
    expect(await cli('run', file, '--runs', runs, '--detach', '--json', '--steps', '100000')).toBe(0);
    const { folder } = JSON.parse(out[0] ?? '') as { folder: string };
    await vi.waitFor(async () => { expect((await readRun(folder)).state).toBe('running'); }, { timeout: 20_000 });
    expect(await cli('runs', runs)).toBe(0);
    expect(out.at(1)).toMatch(/running {2,}step \d+\/100000/);
    expect(await cli('stop', folder)).toBe(0);
    expect(out.at(-1)).toMatch(/^stopped at step \d+$/);
    expect(await cli('stop', folder)).toBe(0);
    expect(out.at(-1)).toBe('the run is stopped already');
    expect(await cli('resume', folder, '--detach')).toBe(0);
    await vi.waitFor(async () => { expect((await readRun(folder)).state).toBe('running'); }, { timeout: 20_000 });
    expect(await cli('resume', folder)).toBe(2);
    expect(notes.at(-1)).toContain('[DL705]');
    expect(await cli('stop', folder, '--kill')).toBe(0);
    expect(out.at(-1)).toMatch(/^killed at step/);
    expect(await cli('runs', runs, '--json')).toBe(0);
    expect((JSON.parse(out.at(-1) ?? '') as { id: string }[]).map(({ id }) => id)).toContain(path.basename(folder));
  });

  it('is stopped by the first Ctrl-C', async () => {
    const going = cli('run', file, '--runs', path.join(root, 'signal'), '--json', '--steps', '100000');
    await vi.waitFor(() => { expect(out.some((line) => line.includes('"type":"step"'))).toBe(true); }, { timeout: 20_000 });
    process.emit('SIGINT');
    expect(await going).toBe(3);
    expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({ state: 'stopped' });
    expect(process.listenerCount('SIGINT')).toBe(0);
  });
});

describe('what works on runs', () => {
  it.each([['resume'], ['stop'], ['export'], ['report']])('%s says when there is none', async (command) => {
    expect(await cli(command, root)).toBe(2);
  });

  it.each([
    [['evaluate'], /DL713.*\n.*--weights FILE/s], [['evaluate', '--subject', 'teacher'], /has no teacher/], [['predict', '--score', '2', 'x.png'], /`--score` is out of range/],
  ])('%j says what it lacks', async (args, says) => {
    expect(await cli(args[0] ?? '', file, ...args.slice(1))).toBe(2);
    expect(notes.join('\n')).toMatch(says);
  });

  it('the demo wants its teacher, or starts', async () => {
    const hasTeacher = existsSync(fileURLToPath(new URL('../../../examples/teachers/scenes-retinanet-small.safetensors', import.meta.url)));
    expect(await cli('demo', '--runs', path.join(root, 'demo'), '--set', 'train.batch=0')).toBe(2);
    expect(notes.join('\n')).toMatch(hasTeacher ? /DL106/ : /DL714.*scenes-teacher\.distill\.yaml/s);
  });

  it('teachers says what it lacks, and what it found', async () => {
    expect(await cli('teachers', file)).toBe(2);
    expect(notes.join('\n')).toMatch(/no teachers to compare.*DL717/);
    expect(await cli('teachers', file, '--images', '0')).toBe(2);
    expect(notes.join('\n')).toMatch(/`--images` is out of range.*DL713/);
    expect(await cli('teachers', file, '--set', 'train.batch=0')).toBe(2);
    const comparison = { teachers: [{ weights: 'weak.pth', AP: 0.31 }, { weights: 'strong.pth', AP: 0.42 }, { weights: 'equal.pth', AP: 0.42 }], costs: [[0, 0.25, 1], [0.5, 0, 1], [1, 1, 0]], fromStudent: [0.9, 0.95, 1], studentTrained: false, order: [0, 1] };
    expect(comparisonTable(comparison)).toEqual([
      'adaptation cost, from row to column      AP       1       2       3',
      'student, untrained                            0.900   0.950   1.000',
      '1 weak.pth                             31.0   0.000   0.250   1.000',
      '2 strong.pth                           42.0   0.500   0.000   1.000',
      '3 equal.pth                            42.0   1.000   1.000   0.000',
      'order: 1, then 2',
      'left out: 3 (no shorter way to the next than the student\'s own, or not weaker than it)',
    ]);
    expect(comparisonObject(comparison)).toMatchObject({ teachers: [{ weights: 'weak.pth', AP: 31 }, { AP: 42 }, {}], order: [0, 1] });
  });

  it('methods tells papers, and options of one', async () => {
    expect(await cli('methods')).toBe(0);
    expect(out.join('\n')).toMatch(/^fgd: FGD \(CVPR 2022\), .*\n {4}family: feature/);
    out.length = 0;
    expect(await cli('methods', 'fgd')).toBe(0);
    expect(out.join('\n')).toMatch(/\n {2}alpha: a number from 0, default 0\.001/);
    expect(await cli('methods', '--json')).toBe(0);
    const rows = JSON.parse(out.at(-1) ?? '') as { id: string; options: unknown[] }[];
    expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(['fgd', 'rm', 'pfi']));
    expect(rows.every(({ options }) => options.length > 0)).toBe(true);
    expect(await cli('methods', 'fdg')).toBe(2);
    expect(notes.join('\n')).toMatch(/`fdg`.*DL715.*Did you mean `fgd`/s);
  });
});

describe('results', () => {
  const whole = eventLines([started(), step(99), step(100), evaluation('teacher', 0, 0.698), evaluation('student', 100, 0.475), evaluation('control', 100, 0.159), evaluation('controlInherit', 100, 0.178), ended()]);

  it('are a table with the gain against the better control', async () => {
    const table = resultTable(await readRun(runFolder(root, 'result', whole)));
    expect(table.map((line) => line.trimEnd())).toEqual([
      'COCO AP in per cent                           AP    AP50    AP75     APs     APm     APl   AR100',
      'teacher                                     69.8    69.8    69.8    69.8    69.8       –    69.8',
      'student without distillation                15.9    15.9    15.9    15.9    15.9       –    15.9',
      'student inheriting, without distillation    17.8    17.8    17.8    17.8    17.8       –    17.8',
      'student, distilled                          47.5    47.5    47.5    47.5    47.5       –    47.5',
      'gain +29.7 AP over the better control (inheriting), both at step 100',
    ]);
    expect(resultTable(await readRun(runFolder(root, 'empty', '')))).toEqual(['No evaluation yet.']);
  });

  it('are an object in per cent', async () => {
    const result = resultObject(await readRun(runFolder(root, 'result', whole)));
    expect(result).toMatchObject({ state: 'finished', teacher: { AP: 69.8, APl: null }, control: { AP: 15.9, inheritAP: 17.8 }, student: { AP: 47.5 }, gain: 29.7, secondsPerStep: 0.1, step: 100 });
    const plain = resultObject(await readRun(runFolder(root, 'plain', eventLines([started({ arms: ['student', 'control'] }), evaluation('student', 100, 0.5), evaluation('control', 100, 0.6), ended()]))));
    expect(plain.control).not.toHaveProperty('inheritAP');
    expect(plain.gain).toBe(-10);
  });
});

describe('words', () => {
  it('are short and in the field\'s units', () => {
    expect([percent(0.4751), percent(-1), percent(undefined), signedPercent(-0.031), signedPercent(0)]).toEqual(['47.5', '–', '–', '−3.1', '±0.0']);
    expect([timeLeft(0.2), timeLeft(59), timeLeft(200), timeLeft(9000)]).toEqual(['1 s left', '59 s left', '3 min left', '2.5 h left']);
    expect(lossWords({ total: 3, 'detection.box': 0.4, 'detection.classification': 0.41, 'fgd.global': 1.5 })).toBe('detection 0.810 · fgd 1.50');
  });

  it('fit a terminal\'s line', async () => {
    const run = await readRun(runFolder(root, 'bar', eventLines([started({ arms: ['student'] }), step(49), step(50)])));
    expect(progressLine(run, 200)).toMatch(/^█{10}░{10} {2}50 % {2}.*step 50\/100 {2}loss 1\.00 {2}\(detection 0\.400 · fgd 0\.600\) {2}40 images\/s/);
    expect(progressLine(run, 40)).toHaveLength(39);
  });

  it('redraw one line of a terminal while a run goes', async () => {
    expect(await main(['run', file, '--runs', runs], { output: output(true), cliPath })).toBe(0);
    expect(statuses.at(-1)).toBe('');
    expect(statuses.some((text) => text.includes('step 6/6'))).toBe(true);
  });
});

describe('keeping runs', () => {
  it('lists them in the order and choice asked for, with sizes', async () => {
    const kept = path.join(root, 'kept');
    runFolder(kept, 'good', eventLines([started({ name: 'good', arms: ['student'] }), step(100), evaluation('student', 100, 0.5), ended()]));
    runFolder(kept, 'better', eventLines([started({ name: 'better', arms: ['student'] }), step(100), evaluation('student', 100, 0.6), ended()]));
    runFolder(kept, 'bad', eventLines([started({ name: 'bad' }), ended('failed')]));
    expect(await cli('runs', kept, '--sort', 'ap')).toBe(0);
    expect(out.map((line) => line.split(' ')[0])).toEqual(['better', 'good', 'bad']);
    out = [];
    expect(await cli('runs', kept, '--filter', 'good fgd', '--json')).toBe(0);
    expect(JSON.parse(out[0] ?? '')).toMatchObject([{ id: 'good', experiment: 'good', pinned: false, bytes: expect.any(Number) as number }]);
    out = [];
    expect(await cli('runs', kept, '--state', 'failed')).toBe(0);
    expect(out).toHaveLength(1);
    expect(await cli('runs', kept, '--sort', 'colour')).toBe(2);
  });

  it('cleans up after a dry run, and deletes', async () => {
    const kept = path.join(root, 'kept');
    expect(await cli('clean', kept, '--dry-run')).toBe(0);
    expect(out).toEqual(['bad  ended before its first step', expect.stringMatching(/would be freed$/)]);
    expect(existsSync(path.join(kept, 'bad'))).toBe(true);
    out = [];
    expect(await cli('clean', kept, '--json')).toBe(0);
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ dryRun: false, items: [{ kind: 'run', run: 'bad' }] });
    expect(existsSync(path.join(kept, 'bad'))).toBe(false);
    expect(await cli('delete', path.join(kept, 'good'), path.join(root, 'nowhere'))).toBe(2);
    expect(existsSync(path.join(kept, 'good'))).toBe(true);
    out = [];
    expect(await cli('delete', path.join(kept, 'good'))).toBe(0);
    expect(out).toEqual([expect.stringMatching(/^deleted good: \d/)]);
    expect(existsSync(path.join(kept, 'good'))).toBe(false);
    expect(await cli('clean', kept, '--pictures-quota', 'much')).toBe(2);
  });
});
