import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeEntry, encodeEntry, defaultFolder, deleteTeacher, imageId, Store, teacherId, usageOf } from '../../../src/teacherCache/index.ts';

const GROUP = join('0123456789abcdef01234567', 'features-half-00000000');
const LONG_AGO = new Date(Date.now() - 30 * 86_400_000);
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'distill-lab-cache-test-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function noise(length: number, size: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => size * Math.sin(index * 12.9898) * (index % 7 === 0 ? 1e-4 : 1));
}

function filesIn(folder = root): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function bytesIn(): number {
  return filesIn().reduce((sum, file) => sum + statSync(file).size, 0);
}

const image = (index: number): string => imageId(Float32Array.of(index), [1, 1]);

describe('an entry', () => {
  it('gives back all 32 bits of full values, special ones too', () => {
    const tensors = [noise(1000, 3), Float32Array.of(0, -0, Infinity, -Infinity, NaN, 1e-45, 3.4e38)];
    const targets = tensors.map(({ length }) => new Float32Array(length));
    expect(decodeEntry(encodeEntry(tensors, 'full'), targets)).toBe(true);
    for (const [index, target] of targets.entries()) expect(new Uint32Array(target.buffer)).toEqual(new Uint32Array((tensors[index] as Float32Array).buffer));
  });

  it.each([1e-6, 1, 70_000, 1e9])('gives back halves within 2^-11 of each value of size %s', (size) => {
    const values = noise(20_001, size);
    const target = new Float32Array(values.length);
    expect(decodeEntry(encodeEntry([values], 'half'), [target])).toBe(true);
    const worst = values.reduce((most, value, index) => Math.max(most, value === 0 ? 0 : Math.abs((target[index] as number) - value) / Math.abs(value)), 0);
    expect(worst).toBeLessThanOrEqual(2 ** -11);
    expect(worst).toBeGreaterThan(0);
    // What came out goes in and out unchanged: an entry can be made from an entry.
    const again = new Float32Array(values.length);
    decodeEntry(encodeEntry([target], 'half'), [again]);
    expect(again).toEqual(target);
  });

  it('keeps halves of zeros, of what is far below the largest, and of what is no number', () => {
    const values = Float32Array.of(0, -0, 1000, 1e-5, -1e-9, NaN, Infinity);
    const target = new Float32Array(values.length);
    expect(decodeEntry(encodeEntry([values, new Float32Array(3)], 'half'), [target, new Float32Array(3)])).toBe(true);
    expect(Object.is(target[0], 0) && Object.is(target[1], -0)).toBe(true);
    expect([target[2], target[5], target[6]]).toEqual([1000, NaN, Infinity]);
    expect(Math.abs((target[3] as number) - 1e-5)).toBeLessThan(1000 * 2 ** -38);
  });

  it('is refused where it is torn, changed, of other tensors or at an odd place', () => {
    const bytes = encodeEntry([noise(50, 1), noise(7, 1)], 'half');
    const fits = (given: Uint8Array, sizes = [50, 7]): boolean => decodeEntry(given, sizes.map((size) => new Float32Array(size)));
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect([fits(bytes), fits(shifted.subarray(1))]).toEqual([true, true]);
    for (const length of [0, 10, 24, 60, bytes.length - 1]) expect(fits(bytes.subarray(0, length))).toBe(false);
    for (const place of [0, 9, 30, bytes.length - 3]) {
      const changed = bytes.slice();
      changed[place] = (changed[place] as number) ^ 1;
      expect(fits(changed)).toBe(false);
    }
    expect([fits(bytes, [50]), fits(bytes, [7, 50]), fits(bytes, [50, 7, 1])]).toEqual([false, false, false]);
  });
});

describe('names', () => {
  it('tell images, their sides, teachers and their weights apart', () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const ids = [imageId(values, [2, 2]), imageId(values, [4, 1]), imageId(Float32Array.of(1, 2, 3, 5), [2, 2])];
    expect(new Set(ids).size).toBe(3);
    expect(imageId(values.slice(), [2, 2])).toBe(ids[0]);
    const teachers = [teacherId('a', [['w', values]]), teacherId('b', [['w', values]]), teacherId('a', [['v', values]]), teacherId('a', [['w', Float32Array.of(1, 2, 3, 5)]])];
    expect(new Set(teachers).size).toBe(4);
  });

  it('puts the folder where caches belong, or where the environment says', () => {
    expect(defaultFolder({ platform: 'linux', env: {}, home: '/home/a' })).toBe('/home/a/.cache/distill-lab/teachers');
    expect(defaultFolder({ platform: 'linux', env: { XDG_CACHE_HOME: '/big' }, home: '/home/a' })).toBe('/big/distill-lab/teachers');
    expect(defaultFolder({ platform: 'darwin', env: {}, home: '/Users/a' })).toBe('/Users/a/Library/Caches/distill-lab/teachers');
    expect(defaultFolder({ platform: 'win32', env: { LOCALAPPDATA: 'C:\\L' }, home: 'C:\\a' })).toBe('C:\\L\\distill-lab\\teachers');
    expect(defaultFolder({ platform: 'linux', env: { DISTILL_LAB_TEACHER_CACHE: '/fast/t' }, home: '/home/a' })).toBe('/fast/t');
  });
});

describe('Store', () => {
  it('finds what was kept, also by another process, and nothing else', async () => {
    const [one, other] = [new Store(root, 1e9), new Store(root, 1e9)];
    const values = noise(100, 2);
    one.keep(GROUP, image(1), encodeEntry([values], 'full'));
    await one.settled();
    const target = new Float32Array(100);
    expect(await other.read(GROUP, image(1), [target])).toBe(true);
    expect(target).toEqual(values);
    expect(await other.read(GROUP, image(2), [target])).toBe(false);
    expect(await other.read(join('0123456789abcdef01234567', 'logits-half-00000000'), image(1), [target])).toBe(false);
    expect(one.state).toMatchObject({ damaged: 0, problem: undefined, full: false, bytes: bytesIn() });
  });

  it('throws a torn file away and counts it', async () => {
    const store = new Store(root, 1e9);
    store.keep(GROUP, image(1), encodeEntry([noise(100, 2)], 'half'));
    await store.settled();
    truncateSync(filesIn()[0] ?? '', 90);
    expect(await store.read(GROUP, image(1), [new Float32Array(100)])).toBe(false);
    expect([store.state.damaged, filesIn()]).toEqual([1, []]);
  });

  it('lets two write the same entries at once', async () => {
    const stores = [new Store(root, 1e9), new Store(root, 1e9)];
    for (let index = 0; index < 40; index += 1) for (const store of stores) store.keep(GROUP, image(index), encodeEntry([noise(500, index + 1)], 'half'));
    await Promise.all(stores.map((store) => store.settled()));
    expect(filesIn()).toHaveLength(40);
    for (let index = 0; index < 40; index += 1) expect(await stores[0]?.read(GROUP, image(index), [new Float32Array(500)])).toBe(true);
    expect(stores.map(({ state }) => [state.problem, state.damaged])).toEqual([[undefined, 0], [undefined, 0]]);
  });

  it('never passes its limit, and keeps what this run uses', async () => {
    const size = encodeEntry([noise(1000, 1)], 'half').length;
    const store = new Store(root, 20 * size);
    for (let index = 0; index < 60; index += 1) {
      store.keep(GROUP, image(index), encodeEntry([noise(1000, 1)], 'half'));
      await store.settled();
      expect(bytesIn()).toBeLessThanOrEqual(20 * size);
    }
    expect(store.state.full).toBe(true);
    expect(await store.read(GROUP, image(0), [new Float32Array(1000)])).toBe(true);
    expect(await store.read(GROUP, image(59), [new Float32Array(1000)])).toBe(false);
  });

  it('makes room by what was not used for longest, of whatever teacher', async () => {
    const size = encodeEntry([noise(1000, 1)], 'half').length;
    const earlier = new Store(root, 20 * size);
    for (let index = 0; index < 16; index += 1) earlier.keep(GROUP, image(index), encodeEntry([noise(1000, 1)], 'half'));
    await earlier.settled();
    for (const [age, file] of filesIn().sort().entries()) utimesSync(file, LONG_AGO, new Date(LONG_AGO.getTime() + 1000 * age));
    const oldest = filesIn().sort()[0] ?? '';
    const spared = filesIn().sort()[1] ?? '';
    const store = new Store(root, 20 * size);
    const name = spared.slice(-40);
    expect(await store.read(GROUP, name, [new Float32Array(1000)])).toBe(true);
    for (let index = 100; index < 106; index += 1) {
      store.keep(join('fedcba9876543210fedcba98', 'logits-half-00000000'), image(index), encodeEntry([noise(1000, 1)], 'half'));
      await store.settled();
    }
    expect(bytesIn()).toBeLessThanOrEqual(20 * size);
    expect(filesIn()).toContain(spared);
    expect(filesIn()).not.toContain(oldest);
    expect(store.state.full).toBe(false);
  });

  it('goes on without where nothing can be written', async () => {
    writeFileSync(join(root, 'a file'), '');
    const store = new Store(join(root, 'a file'), 1e9);
    store.keep(GROUP, image(1), encodeEntry([noise(10, 1)], 'half'));
    await store.settled();
    expect(store.state.problem).toMatch(/ENOTDIR|EEXIST/);
    store.keep(GROUP, image(2), encodeEntry([noise(10, 1)], 'half'));
    await store.settled();
    expect(await store.read(GROUP, image(1), [new Float32Array(10)])).toBe(false);
  });

  it('sweeps away what a killed run left half-written long ago', async () => {
    mkdirSync(join(root, GROUP, 'ab'), { recursive: true });
    const leftover = join(root, GROUP, 'ab', 'abcd.000000.part');
    writeFileSync(leftover, 'half');
    utimesSync(leftover, LONG_AGO, LONG_AGO);
    const store = new Store(root, 1e9);
    await store.settled();
    expect(filesIn()).toEqual([]);
  });
});

describe('usage', () => {
  it('tells each teacher, and deletes no folder that is none', async () => {
    const store = new Store(root, 1e9);
    for (const index of [1, 2]) store.keep(GROUP, image(index), encodeEntry([noise(10, 1)], 'half'));
    await store.settled();
    writeFileSync(join(root, '0123456789abcdef01234567', 'about.json'), JSON.stringify({ teacher: 'retinanet small', seconds: 0.5 }));
    mkdirSync(join(root, 'holiday'));
    writeFileSync(join(root, 'holiday', 'photo'), 'x');
    const usage = await usageOf(root);
    expect(usage).toMatchObject([{ id: '0123456789abcdef01234567', about: { teacher: 'retinanet small', seconds: 0.5 }, entries: 2 }]);
    await deleteTeacher(root, 'holiday');
    await deleteTeacher(root, '../..');
    await deleteTeacher(root, '0123456789abcdef01234567');
    expect(filesIn()).toEqual([join(root, 'holiday', 'photo')]);
    expect(readFileSync(join(root, 'holiday', 'photo'), 'utf8')).toBe('x');
  });
});
