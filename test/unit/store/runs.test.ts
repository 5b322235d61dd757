import { appendFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILES } from '../../../src/experiment/record.ts';
import { diskBytes, type ListMemory, listRuns, readImage, readLogTail, readPictures, readRun, type RunChange, watchRun } from '../../../src/store/index.ts';
import { INDEX_FILE } from '../../../src/store/runIndex.ts';
import { ended, evaluation, lines, runFolder, started, step } from './material.ts';

let root = '';
beforeEach(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-store-')); });
afterEach(() => { rmSync(root, { recursive: true }); });

const finished = lines([started(), step(1), step(100), step(100, { arm: 'control' }), step(100, { arm: 'controlInherit' }), evaluation('teacher', 0, 0.7), evaluation('student', 100, 0.5), evaluation('control', 100, 0.1), evaluation('controlInherit', 100, 0.2), ended()]);

describe('a run folder', () => {
  it('tells the run', async () => {
    const run = await readRun(runFolder(root, 'r', finished));
    expect(run).toMatchObject({ id: 'r', name: 'a run', state: 'finished', totalSteps: 100, steps: { student: 100, control: 100 }, progress: { done: 300, total: 300 }, metrics: { teacher: { AP: 0.7 }, student: { AP: 0.5 } }, gain: { value: 0.3, against: 'controlInherit' } });
    expect(run.damage).toBeUndefined();
  });

  it('with garbage in its events tells the rest, and one warning', async () => {
    const run = await readRun(runFolder(root, 'r', `\u0000\n${finished.slice(0, 60)}\n${finished}{"type":`));
    expect(run).toMatchObject({ state: 'finished', name: 'a run', damage: '2 lines of events.jsonl could not be read and are left out.' });
  });

  it.each([FILES.heartbeat, FILES.resolved, FILES.launch])('with a strange %s is still read', async (file) => {
    const folder = runFolder(root, 'r', finished);
    writeFileSync(path.join(folder, file), '{"pid": "x"');
    expect((await readRun(folder)).state).toBe('finished');
    writeFileSync(path.join(folder, file), 'x'.repeat(100_000));
    expect((await readRun(folder)).state).toBe('finished');
    rmSync(path.join(folder, file));
    mkdirSync(path.join(folder, file));
    expect((await readRun(folder)).state).toBe('finished');
  });

  it('of another machine goes as long as its heart beats, whoever has its process number here, and is followed through the folder', async () => {
    const folder = runFolder(root, 'r', lines([started({ arms: ['student'] }), step(1)]));
    const beat = (host: string, time = Date.now()): void => { writeFileSync(path.join(folder, FILES.heartbeat), JSON.stringify({ pid: process.pid, host, time, processStart: '1' })); };
    beat('node-17');
    expect(await readRun(folder)).toMatchObject({ state: 'running', process: { host: 'node-17' } });
    expect((await listRuns([root])).map(({ state }) => state)).toEqual(['running']);
    const seen: RunChange[] = [];
    const watch = watchRun(folder, (change) => { seen.push(change); }, { interval: 20 });
    try {
      await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(0);
      appendFileSync(path.join(folder, FILES.events), lines([step(2)]));
      beat('node-17');
      await expect.poll(() => [seen.at(-1)?.run.state, seen.at(-1)?.run.lastStep?.step], { timeout: 10_000 }).toEqual(['running', 2]);
    } finally {
      watch.dispose();
    }
    beat('node-17', Date.now() - 600_000);
    expect(await readRun(folder)).toMatchObject({ state: 'lost', reason: 'No heartbeat from node-17 for 10 min.' });
    // The same words from this machine are checked against its process, which began at another time.
    beat(hostname());
    expect((await readRun(folder)).state).toBe('killed');
  });

  it('that is not there is lost, not an error', async () => {
    expect(await readRun(path.join(root, 'nowhere'))).toMatchObject({ state: 'lost', name: 'nowhere' });
  });

  it('tells the last lines of its log, without colours, whole lines only', async () => {
    const folder = runFolder(root, 'r', '');
    expect(await readLogTail(folder)).toEqual([]);
    writeFileSync(path.join(folder, FILES.log), `${'y'.repeat(20_000)}\n\u001B[31mred\u001B[0m\r\n\nlast`);
    expect(await readLogTail(folder)).toEqual(['red', 'last']);
  });

  it('tells its size on disk', async () => {
    const folder = runFolder(root, 'r', '12345');
    mkdirSync(path.join(folder, 'checkpoints/last'), { recursive: true });
    writeFileSync(path.join(folder, 'checkpoints/last/a'), '123');
    symlinkSync('/', path.join(folder, 'link'));
    expect(await diskBytes(folder)).toBe(8);
    expect(await diskBytes(path.join(root, 'nowhere'))).toBe(0);
  });
});

describe('a list of runs', () => {
  const states = async (): Promise<string[]> => (await listRuns([root])).map(({ id, state }) => `${id} ${state}`).sort();

  it('holds run folders only, wherever they are', async () => {
    runFolder(root, 'a', finished);
    const elsewhere = runFolder(root, 'b', lines([started(), step(3)]));
    writeFileSync(path.join(elsewhere, FILES.heartbeat), JSON.stringify({ pid: 1, host: 'far-away', time: 5000, processStart: '' }));
    mkdirSync(path.join(root, 'no-run'));
    writeFileSync(path.join(root, 'file'), '');
    expect(await states()).toEqual(['a finished', 'b lost']);
    expect(await listRuns([path.join(root, 'nowhere')])).toEqual([]);
    expect(await listRuns([root, root])).toHaveLength(2);
    expect((await listRuns([root])).find(({ id }) => id === 'a')).toMatchObject({ gain: { value: 0.3 }, metrics: { student: { AP: 0.5 } } });
  });

  it('comes from its index, and the same without it', async () => {
    const folder = runFolder(root, 'a', finished);
    const first = await listRuns([root]);
    expect(existsSync(path.join(root, INDEX_FILE))).toBe(true);
    const before = statSync(path.join(root, INDEX_FILE)).mtimeMs;
    expect(await listRuns([root])).toEqual(first);
    expect(statSync(path.join(root, INDEX_FILE)).mtimeMs).toBe(before);
    rmSync(path.join(root, INDEX_FILE));
    expect(await listRuns([root])).toEqual(first);
    appendFileSync(path.join(folder, FILES.events), lines([started({ totalSteps: 200, from: { student: 100 } }), step(150), ended('stopped')]));
    expect(await listRuns([root])).toMatchObject([{ state: 'stopped', totalSteps: 200, steps: { student: 150 } }]);
    rmSync(folder, { recursive: true });
    expect(await listRuns([root])).toEqual([]);
  });

  it.each(['', '{', '[]', '{"version":1,"runs":{"a":{}}}', '{"version":1,"runs":{"a":{"stamp":"x","mark":{"offset":5,"fingerprint":"","badLines":0},"history":{},"surroundings":{}}}}'])('is not spoilt by the index %j', async (index) => {
    runFolder(root, 'a', finished);
    writeFileSync(path.join(root, INDEX_FILE), index);
    expect(await states()).toEqual(['a finished']);
  });

  it('shows all others when one is garbage', async () => {
    for (let i = 0; i < 40; i += 1) runFolder(root, `run-${i}`, i === 7 ? '\u0000\u0001garbage\n{}\n' : finished);
    const runs = await listRuns([root]);
    expect(runs).toHaveLength(40);
    expect(runs.filter(({ state }) => state === 'finished')).toHaveLength(39);
    expect(runs.find(({ id }) => id === 'run-7')?.damage).toMatch(/^2 lines/);
  });
});

describe('a watch', () => {
  it('tells the past, then the news, and a cut', async () => {
    const folder = runFolder(root, 'r', lines([started(), step(1)]));
    const changes: RunChange[] = [];
    const watch = watchRun(folder, (change) => { changes.push(change); }, { interval: 10_000 });
    await watch.refresh();
    expect(changes.map(({ reset, events }) => [reset, events.length])).toEqual([[true, 2]]);
    appendFileSync(path.join(folder, FILES.events), lines([step(2)]));
    await watch.refresh();
    await watch.refresh();
    expect(changes.slice(1).map(({ reset, events, run }) => [reset, events.length, run.lastStep?.step])).toEqual([[false, 1, 2]]);
    writeFileSync(path.join(folder, FILES.events), lines([started()]));
    await watch.refresh();
    expect(changes.at(-1)).toMatchObject({ reset: true, run: { steps: {} } });
    watch.dispose();
    const told = changes.length;
    appendFileSync(path.join(folder, FILES.events), lines([step(1)]));
    await watch.refresh();
    expect(changes).toHaveLength(told);
  });

  it('is left alone longer while it waits for its scheduler, and seen at once when that says something', async () => {
    const folder = runFolder(root, 'r', '');
    const note = (state: 'waiting' | 'running', reason?: string): void => {
      writeFileSync(path.join(folder, 'aside'), JSON.stringify({ launcher: 'slurm', job: '7', state, since: 1, ...(reason === undefined ? {} : { reason }) }));
      renameSync(path.join(folder, 'aside'), path.join(folder, FILES.job));
    };
    note('waiting', 'no free node');
    // The next look by itself would come after hours.
    const changes: RunChange[] = [];
    const watch = watchRun(folder, (change) => { changes.push(change); }, { interval: 1_000_000 });
    try {
      await watch.refresh();
      expect(changes.at(-1)?.run).toMatchObject({ state: 'preparing', reason: 'no free node' });
      note('waiting', 'others come first');
      await expect.poll(() => changes.at(-1)?.run.reason, { timeout: 10_000 }).toBe('others come first');
      note('running');
      await expect.poll(() => changes.at(-1)?.run.job?.state, { timeout: 10_000 }).toBe('running');
      appendFileSync(path.join(folder, FILES.events), lines([started(), step(1)]));
      await expect.poll(() => changes.at(-1)?.run.lastStep?.step, { timeout: 10_000 }).toBe(1);
    } finally {
      watch.dispose();
    }
  });

  it('that waits is not read again by a list until something in it changes', async () => {
    const folder = runFolder(root, 'r', '');
    const job = path.join(folder, FILES.job);
    writeFileSync(job, JSON.stringify({ launcher: 'slurm', job: '7', state: 'waiting', since: 1, reason: 'no free node' }));
    const memory: ListMemory = new Map();
    const [first] = await listRuns([root], memory);
    const entry = memory.get(root)?.get('r');
    expect(first?.reason).toBe('no free node');
    await listRuns([root], memory);
    expect(memory.get(root)?.get('r')).toBe(entry);
    writeFileSync(`${job}.new`, JSON.stringify({ launcher: 'slurm', job: '7', state: 'waiting', since: 1, reason: 'others come first' }));
    renameSync(`${job}.new`, job);
    expect((await listRuns([root], memory)).map(({ reason }) => reason)).toEqual(['others come first']);
  });

  it('tells when it has not read to the end: the last steps of a dead run may still come', async () => {
    const padding = lines([{ type: 'warning', time: 1, message: 'x'.repeat(1_000_000) }]).repeat(10);
    const folder = runFolder(root, 'r', lines([started()]) + padding + lines([step(7)]));
    writeFileSync(path.join(folder, FILES.heartbeat), JSON.stringify({ pid: 2 ** 30, host: hostname(), time: Date.now(), processStart: '1' }));
    const changes: RunChange[] = [];
    const watch = watchRun(folder, (change) => { changes.push(change); }, { interval: 10_000 });
    await watch.refresh();
    watch.dispose();
    expect(changes.filter(({ more }) => more).map(({ run }) => run.lastStep)).toContain(undefined);
    expect(changes.slice(-1).map(({ run, more }) => [run.state, run.lastStep?.step, more])).toEqual([['killed', 7, false]]);
  });

  it('tells the beginning of a long record first: somebody waits for it', async () => {
    const all = 20_000;
    const folder = runFolder(root, 'r', lines([started(), ...Array.from({ length: all }, (_, i) => step(i + 1))]));
    const changes: RunChange[] = [];
    const watch = watchRun(folder, (change) => { changes.push(change); }, { interval: 10_000 });
    await watch.refresh();
    watch.dispose();
    expect(changes[0]?.events.length).toBeLessThan(all / 4);
    expect(changes.map(({ reset }) => reset)).toEqual(changes.map((_, at) => at === 0));
    expect(changes.flatMap(({ events }) => events.flatMap((event) => (event.type === 'step' ? [event.step] : [])))).toEqual(Array.from({ length: all }, (_, i) => i + 1));
  });
});

describe('pictures', () => {
  const index = {
    step: 5, arm: 'student', images: [{ id: '1', file: 'images/0.png', width: 2, height: 1, groundTruth: [], teacher: [], student: [] }],
    masks: [{ method: 'fgd', kind: 'k', title: 't', caption: 'c', form: 'map', signed: false, role: 'teacher', level: 'P3', stride: 8, image: 0, shape: [1, 2], offset: 1 }],
  };
  let folder = '';
  beforeEach(() => {
    folder = runFolder(root, 'r', '');
    mkdirSync(path.join(folder, 'pictures/student-5'), { recursive: true });
    mkdirSync(path.join(folder, 'pictures/images'));
    writeFileSync(path.join(folder, 'pictures/student-5/index.json'), JSON.stringify(index));
    writeFileSync(path.join(folder, 'pictures/student-5/values.bin'), Buffer.from(new Float32Array([1, 2, 3]).buffer));
    writeFileSync(path.join(folder, 'pictures/images/0.png'), 'png');
    writeFileSync(path.join(root, 'secret.png'), 'secret');
  });

  it.each(['pictures/student-5', 'student-5'])('are read from %s', async (name) => {
    const read = await readPictures(folder, name);
    expect([...read.values]).toEqual([1, 2, 3]);
    expect(read.index.masks).toHaveLength(1);
    expect((await readImage(folder, 'images/0.png')).toString()).toBe('png');
  });

  it.each(['../../secret.png', '..\\..\\secret.png', '../events.jsonl', 'images/../../../secret.png', '', '.', '/etc/passwd'])('outside the run (%j) are refused', async (file) => {
    const absolute = file === '/etc/passwd' ? path.join(root, 'secret.png') : file;
    await expect(readImage(folder, absolute)).rejects.toThrow(expect.objectContaining({ code: 'DL720' }) as Error);
  });

  it('behind a link out of the run are refused', async () => {
    symlinkSync(path.join(root, 'secret.png'), path.join(folder, 'pictures/images/1.png'));
    symlinkSync(root, path.join(folder, 'pictures/out'));
    await expect(readImage(folder, 'images/1.png')).rejects.toMatchObject({ code: 'DL720' });
    await expect(readImage(folder, 'out/secret.png')).rejects.toMatchObject({ code: 'DL720' });
    symlinkSync(path.join(folder, 'pictures/images/0.png'), path.join(folder, 'pictures/images/2.png'));
    expect((await readImage(folder, 'images/2.png')).toString()).toBe('png');
  });

  it.each([
    ['no JSON', '{'], ['another form', '{"step":1}'],
    ['a mask past the end', JSON.stringify({ ...index, masks: [{ ...index.masks[0], offset: 2 }] })],
    ['a mask before the start', JSON.stringify({ ...index, masks: [{ ...index.masks[0], offset: -1 }] })],
    ['a mask between two values', JSON.stringify({ ...index, masks: [{ ...index.masks[0], offset: 0.5 }] })],
  ])('with %s are refused', async (_, text) => {
    writeFileSync(path.join(folder, 'pictures/student-5/index.json'), text);
    await expect(readPictures(folder, 'student-5')).rejects.toMatchObject({ code: 'DL721' });
  });
});
