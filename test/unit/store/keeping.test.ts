/** What a person changes in run folders: notes, deletions that can be taken back, clean-up. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILES } from '../../../src/experiment/record.ts';
import { experimentSchema } from '../../../src/experiment/schema.ts';
import { type ListMemory, listRuns, moveToTrash, planCleanUp, purge, purgeAbandoned, readNote, readRun, refuseGoing, removeForGood, restore, writeNote } from '../../../src/store/index.ts';
import { INDEX_FILE } from '../../../src/store/runIndex.ts';
import { ended, evaluation, lines, runFolder, started, step } from './material.ts';

let top = '';
let root = '';
beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'distill-keeping-'));
  root = path.join(top, 'runs');
  mkdirSync(root);
});
afterEach(() => { rmSync(top, { recursive: true }); });

const finished = lines([started(), step(1), evaluation('student', 1, 0.5), ended()]);
const failed = lines([started(), ended('failed')]);
const code = (expected: string): Error => expect.objectContaining({ name: 'DistillError', code: expected }) as Error;

function resolvedAt(created: number): string {
  const experiment = experimentSchema.parse({ name: 'a run', data: { format: 'scenes', size: [64, 64] }, student: { detector: 'retinanet', backbone: 'tiny' }, train: { steps: 6 } });
  return JSON.stringify({ experiment, source: { file: '/x/a.distill.yaml', lines: {} }, version: '1', created });
}

function write(folder: string, file: string, bytes = 1000): string {
  const place = path.join(folder, file);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, 'x'.repeat(bytes));
  return place;
}

describe('a note', () => {
  it('gives a run another name and a pin, and takes both back', async () => {
    const folder = runFolder(root, 'r', finished);
    await writeNote(folder, { title: '  The good one ' });
    await writeNote(folder, { pinned: true });
    expect(await readRun(folder)).toMatchObject({ id: 'r', name: 'The good one', experimentName: 'a run', pinned: true });
    expect(await listRuns([root])).toMatchObject([{ name: 'The good one', pinned: true }]);
    await writeNote(folder, { title: '' });
    expect(await listRuns([root])).toMatchObject([{ name: 'a run', pinned: true }]);
    await writeNote(folder, { pinned: false });
    expect(readdirSync(folder)).toEqual([FILES.events]);
  });

  it.each(['', '{', '[]', '{"title":7,"pinned":"yes"}', '{"title":"   "}', JSON.stringify({ title: 'x'.repeat(201) }), 'y'.repeat(20_000)])('that is strange (%#) says nothing', async (text) => {
    const folder = runFolder(root, 'r', finished);
    writeFileSync(path.join(folder, FILES.note), text);
    const { title, pinned } = await readNote(folder);
    expect([title, pinned]).toEqual([undefined, undefined]);
  });

  it('is written in place of a link, not through it', async () => {
    const folder = runFolder(root, 'r', finished);
    const outside = write(top, 'outside', 5);
    symlinkSync(outside, path.join(folder, FILES.note));
    expect(await readNote(folder)).toEqual({});
    await writeNote(folder, { title: 'mine' });
    expect(readFileSync(outside, 'utf8')).toBe('xxxxx');
    expect(await readNote(folder)).toEqual({ title: 'mine' });
  });
});

describe('what is deleted', () => {
  it('is gone from the list, tells its size, and can be put back', async () => {
    const folder = runFolder(root, 'a', finished);
    write(folder, 'checkpoints/student/last/student.safetensors', 5000);
    runFolder(root, 'b', finished);
    const trashed = await moveToTrash(root, [folder]);
    expect(trashed.bytes).toBe(5000 + finished.length);
    expect((await listRuns([root])).map(({ id }) => id)).toEqual(['b']);
    await restore(trashed);
    expect((await listRuns([root])).map(({ id }) => id).sort()).toEqual(['a', 'b']);
    expect(readFileSync(path.join(folder, 'checkpoints/student/last/student.safetensors'), 'utf8')).toHaveLength(5000);
    expect(readdirSync(path.join(root, '.trash'))).toEqual([]);
  });

  it('changes the size that a list tells of the rest', async () => {
    const folder = runFolder(root, 'a', finished);
    const pictures = path.dirname(write(folder, 'pictures/student-1/values.bin', 5000));
    expect(await listRuns([root])).toMatchObject([{ bytes: 5000 + finished.length }]);
    const trashed = await moveToTrash(root, [pictures]);
    expect(await listRuns([root])).toMatchObject([{ bytes: finished.length }]);
    await restore(trashed);
    expect(await listRuns([root])).toMatchObject([{ bytes: 5000 + finished.length }]);
  });

  it('is not put over something new', async () => {
    const folder = runFolder(root, 'a', finished);
    const trashed = await moveToTrash(root, [folder]);
    runFolder(root, 'a', failed);
    await expect(restore(trashed)).rejects.toThrow(code('DL752'));
    expect(readFileSync(path.join(folder, FILES.events), 'utf8')).toBe(failed);
  });

  it('lies in the trash as long as its window lives, and not longer', async () => {
    const mine = await moveToTrash(root, [runFolder(root, 'a', finished)]);
    const others = await moveToTrash(root, [runFolder(root, 'b', finished)]);
    writeFileSync(path.join(others.entry, 'entry.json'), JSON.stringify({ pid: 2 ** 30, host: hostname(), processStart: '1', time: Date.now() }));
    const far = await moveToTrash(root, [runFolder(root, 'c', finished)]);
    writeFileSync(path.join(far.entry, 'entry.json'), JSON.stringify({ pid: 1, host: 'far-away', processStart: '1', time: Date.now() }));
    expect(await purgeAbandoned(root)).toBe(1);
    expect([mine, others, far].map(({ entry }) => existsSync(entry))).toEqual([true, false, true]);
    await purge(mine);
    expect(existsSync(mine.entry)).toBe(false);
    await expect(restore(mine)).rejects.toThrow(code('DL752'));
  });

  it('must lie in the folder of runs', async () => {
    const outside = runFolder(top, 'outside', finished);
    symlinkSync(outside, path.join(root, 'link'));
    const folder = runFolder(root, 'a', finished);
    symlinkSync(outside, path.join(folder, 'checkpoints'));
    write(outside, 'x/y');
    for (const place of [outside, top, root, path.join(root, 'link'), path.join(root, '..', 'outside'), path.join(folder, 'checkpoints', 'x'), path.join(root, 'nowhere'), path.join(root, 'a', FILES.events, 'x'), path.join(root, INDEX_FILE)]) {
      await expect(moveToTrash(root, [folder, place])).rejects.toThrow(code('DL750'));
    }
    expect(existsSync(path.join(outside, 'x/y'))).toBe(true);
    expect(existsSync(folder)).toBe(true);
  });

  it('takes its links with it, and nothing that they lead to', async () => {
    const outside = write(top, 'outside/kept');
    const folder = runFolder(root, 'a', finished);
    symlinkSync(path.dirname(outside), path.join(folder, 'pictures'));
    expect(await removeForGood(root, [folder])).toBe(finished.length);
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(outside)).toBe(true);
  });

  it('is nothing behind a trash that is a link', async () => {
    const outside = write(top, 'elsewhere/1700000000000-0123abcd/kept');
    symlinkSync(path.join(top, 'elsewhere'), path.join(root, '.trash'));
    expect(await purgeAbandoned(root)).toBe(0);
    await expect(moveToTrash(root, [runFolder(root, 'a', finished)])).rejects.toThrow(code('DL751'));
    await purge({ root, entry: path.join(root, '.trash', '1700000000000-0123abcd') });
    expect(existsSync(outside)).toBe(true);
    expect(existsSync(path.join(root, 'a'))).toBe(true);
  });

  it('does not go on', async () => {
    const live = runFolder(root, 'live', lines([started(), step(1)]));
    writeFileSync(path.join(live, FILES.heartbeat), JSON.stringify({ pid: process.pid, host: hostname(), time: Date.now(), processStart: '' }));
    await expect(refuseGoing(await readRun(live))).rejects.toThrow(code('DL753'));
    const silent = runFolder(root, 'silent', lines([started(), step(1)]));
    writeFileSync(path.join(silent, FILES.heartbeat), JSON.stringify({ pid: 1, host: 'far-away', time: Date.now() - 60_000, processStart: '' }));
    await expect(refuseGoing(await readRun(silent))).rejects.toThrow(code('DL753'));
    await refuseGoing(await readRun(runFolder(root, 'over', finished)));
    writeFileSync(path.join(silent, FILES.heartbeat), JSON.stringify({ pid: 1, host: 'far-away', time: Date.now() - 7_200_000, processStart: '' }));
    await refuseGoing(await readRun(silent));
  });
});

describe('a clean-up', () => {
  const plan = async (picturesQuota?: number): Promise<string[]> => (await planCleanUp(await listRuns([root]), picturesQuota === undefined ? {} : { picturesQuota })).map(({ kind, places, bytes }) => `${kind} ${places.map((place) => path.relative(root, place)).sort().join(' ')} ${bytes}`).sort();

  it('offers failed runs without a step, not pinned ones, nor any that could have gone on', async () => {
    runFolder(root, 'failed', failed);
    runFolder(root, 'later', lines([started(), step(3), ended('failed')]));
    runFolder(root, 'stopped', lines([started(), ended('stopped')]));
    await writeNote(runFolder(root, 'pinned', failed), { pinned: true });
    const going = runFolder(root, 'going', lines([started()]));
    writeFileSync(path.join(going, FILES.heartbeat), JSON.stringify({ pid: process.pid, host: hostname(), time: Date.now(), processStart: '' }));
    const away = runFolder(root, 'away', lines([started()]));
    writeFileSync(path.join(away, FILES.heartbeat), JSON.stringify({ pid: 1, host: 'far-away', time: 5000, processStart: '' }));
    runFolder(root, 'garbage', `garbage\n${failed}`);
    expect(await plan()).toEqual([`run failed ${failed.length}`]);
  });

  it('offers checkpoints of finished runs but the last and the best, when the last is whole', async () => {
    const folder = runFolder(root, 'a', finished);
    for (const name of ['last', 'best', 'last.old', 'step-100']) write(folder, `checkpoints/student/${name}/student.safetensors`);
    for (const name of ['last.old']) write(folder, `checkpoints/control/${name}/student.safetensors`);
    expect(await plan()).toEqual([]);
    write(folder, 'checkpoints/student/last/state.json');
    expect(await plan()).toEqual(['checkpoints a/checkpoints/student/last.old a/checkpoints/student/step-100 2000']);
    await writeNote(folder, { pinned: true });
    expect(await plan()).toEqual([]);
  });

  it('offers pictures beyond the quota, of the oldest runs first, and keeps the last of each arm', async () => {
    for (const [at, id] of ['new', 'old'].entries()) {
      const folder = runFolder(root, id, lines([started(), step(1), ended('stopped')]));
      writeFileSync(path.join(folder, FILES.resolved), resolvedAt(at === 0 ? 2000 : 1000));
      for (const name of ['student-1', 'student-20', 'student-100', 'control-5']) write(folder, `pictures/${name}/values.bin`);
      write(folder, 'pictures/images/0.png');
    }
    expect(await plan(10_000)).toEqual([]);
    expect(await plan(9000)).toEqual(['pictures old/pictures/student-1 old/pictures/student-20 2000']);
    expect(await plan(0)).toEqual(['pictures new/pictures/student-1 new/pictures/student-20 2000', 'pictures old/pictures/student-1 old/pictures/student-20 2000']);
  });
});

describe('a hostile folder', () => {
  it('with events of 2 GB gives a row with a warning', async () => {
    const folder = runFolder(root, 'big', lines([started()]));
    truncateSync(path.join(folder, FILES.events), 2 * 2 ** 30);
    runFolder(root, 'good', finished);
    const runs = await listRuns([root]);
    expect(runs.map(({ id, damage }) => [id, damage]).sort()).toEqual([['big', 'events.jsonl has 2048 MiB, of which 60 MiB are read so far.'], ['good', undefined]]);
    // Holes take no disk.
    expect(runs.find(({ id }) => id === 'big')?.bytes).toBeLessThan(2 ** 20);
  });

  it.runIf(process.platform !== 'win32')('with pipes, devices and links for files gives a row with a warning', async () => {
    const folder = path.join(root, 'strange');
    mkdirSync(folder);
    for (const file of [FILES.events, FILES.note, FILES.log]) execFileSync('mkfifo', [path.join(folder, file)]);
    for (const file of [FILES.resolved, FILES.heartbeat, FILES.launch]) symlinkSync('/dev/zero', path.join(folder, file));
    expect(await listRuns([root])).toMatchObject([{ id: 'strange', damage: 'events.jsonl is a link or no file at all, and is not read.' }]);
    expect((await readRun(folder)).damage).toMatch(/not read/);
  });

  it('that is a link gives a row that says so', async () => {
    symlinkSync(runFolder(top, 'outside', finished), path.join(root, 'link'));
    symlinkSync(top, path.join(root, 'no-run'));
    expect(await listRuns([root])).toMatchObject([{ id: 'link', state: 'lost', damage: 'This folder is a link and is not read.' }]);
  });

  it('may call itself anything', async () => {
    const name = '<img src=x onerror=alert(1)> $(trash) [x](command:evil)';
    runFolder(root, 'r', lines([started({ name })]));
    expect(await listRuns([root])).toMatchObject([{ name }]);
  });
});

describe('the index', () => {
  it('costs nothing when two write it, one dies in between, or somebody deletes it', async () => {
    for (let i = 0; i < 30; i += 1) runFolder(root, `r${i}`, finished);
    const lists = await Promise.all(Array.from({ length: 4 }, () => listRuns([root])));
    for (const list of lists) expect(list).toEqual(lists[0]);
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([INDEX_FILE]);
    const index = path.join(root, INDEX_FILE);
    truncateSync(index, 1000);
    expect(await listRuns([root])).toEqual(lists[0]);
    rmSync(index);
    expect(await listRuns([root])).toEqual(lists[0]);
    expect(existsSync(index)).toBe(true);
  });

  it('is read once by who lists again and again, and knows what has changed', async () => {
    const memory: ListMemory = new Map();
    runFolder(root, 'a', finished);
    const first = await listRuns([root], memory);
    writeFileSync(path.join(root, INDEX_FILE), 'torn');
    expect(await listRuns([root], memory)).toEqual(first);
    runFolder(root, 'b', failed);
    rmSync(path.join(root, 'a'), { recursive: true });
    expect((await listRuns([root], memory)).map(({ id, state }) => `${id} ${state}`)).toEqual(['b failed']);
  });
});
