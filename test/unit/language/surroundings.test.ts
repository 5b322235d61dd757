/** Machine and workspace as they are: read from a real disk, within bounds. */
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { surroundings } from '../../../src/language/surroundings.ts';

let root = '';
const write = async (file: string, text: string): Promise<void> => {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), text);
};
const xml = (...names: readonly string[]): string => `<annotation>${names.map((name) => `<object>\n <pose>x</pose><name>${name}</name><part><name>head</name></part></object>`).join('')}</annotation>`;
const coco = (names: readonly string[], filler: number, first: boolean): string => {
  const categories = `"categories": [${names.map((name, id) => JSON.stringify({ id, name, supercategory: '[x]' })).join(', ')}]`;
  const images = `"images": [${'{"id":1,"file_name":"abcdefghijklmnopqrstuvwxyz"},'.repeat(filler)}{}]`;
  return `{${first ? `${categories}, ${images}` : `${images}, ${categories}`}}`;
};

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'distill-lab-around-'));
  await write('coco/small.json', coco(['cat', 'a "quoted" ]name'], 1, true));
  await write('coco/end.json', coco(['late'], 200_000, false));
  await write('coco/broken.json', '{"categories": [{"name": ');
  await write('voc/ImageSets/Main/train.txt', 'a\nb -1\n../../evil\n');
  await write('voc/Annotations/a.xml', xml('dog', 'R&amp;D'));
  await write('voc/Annotations/b.xml', xml('cat'));
  await write('evil.xml', xml('evil'));
  await write('yolo/data.yaml', 'names: { 0: person, 1: bus }\ntrain: x\n');
  await write('yolo/list.yaml', 'names: [a, b]\n');
  await write('yolo/bomb.yaml', `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.split('').map((key, index) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[index] ?? 'a'}`).join(', ')}]`).join('\n')}\nnames: *i\n`);
  await write('w/one.pth', 'x');
  await write('w/deep/er/too/deep.pth', 'x');
  await write('w/deep/two.safetensors', 'x');
  await write('w/runs/r1/checkpoints/student/best/student.safetensors', 'x');
  await write('w/text.txt', 'x');
  await symlink(path.join(root, 'w/deep'), path.join(root, 'w/link'));
});
afterAll(async () => { await rm(root, { recursive: true, force: true }); });

const around = surroundings(() => [
  { name: 'older', folder: path.join(root, 'w/runs/r0'), created: 1, note: '' },
  { name: 'scenes', folder: path.join(root, 'w/runs/r1'), created: 2, note: 'AP 41.2' },
]);

describe('class names', () => {
  const names = (format: 'coco' | 'voc' | 'yolo', folder: string, index?: string): Promise<readonly string[]> => around.classNames({ format, root: path.join(root, folder), index, list: 'train' });

  test('of COCO, wherever in the file they stand', async () => {
    expect(await names('coco', 'coco', 'small.json')).toEqual(['cat', 'a "quoted" ]name']);
    expect(await names('coco', 'coco', 'end.json')).toEqual(['late']);
  });
  test('of VOC, without parts, and from no file outside', async () => { expect(await names('voc', 'voc')).toEqual(['R&D', 'cat', 'dog']); });
  test('of YOLO, as a map or a list', async () => {
    expect(await names('yolo', 'yolo', 'data.yaml')).toEqual(['person', 'bus']);
    expect(await names('yolo', 'yolo', 'list.yaml')).toEqual(['a', 'b']);
  });
  test('of what cannot be read there are none', async () => {
    for (const [format, folder, index] of [['coco', 'coco', 'broken.json'], ['coco', 'coco', 'gone.json'], ['yolo', 'yolo', 'bomb.yaml'], ['voc', 'gone', undefined], ['coco', 'coco', undefined]] as const) expect(await names(format, folder, index)).toEqual([]);
  });
  test('of a file of 3 GB no more than its ends are read', async () => {
    await write('coco/huge.json', '{"categories": [{"name": "first"}], ');
    await truncate(path.join(root, 'coco/huge.json'), 3 * 2 ** 30);
    expect(await names('coco', 'coco', 'huge.json')).toEqual(['first']);
  });
  test('are read anew when the file changes', async () => {
    await write('coco/changing.json', coco(['one'], 1, true));
    expect(await names('coco', 'coco', 'changing.json')).toEqual(['one']);
    await write('coco/changing.json', coco(['one', 'two'], 1, true));
    expect(await names('coco', 'coco', 'changing.json')).toEqual(['one', 'two']);
  });
});

test('weights: checkpoints of runs first, then files near the experiment', async () => {
  const files = await around.weights(path.join(root, 'w'));
  expect(files[0]).toEqual({ path: 'runs/r1/checkpoints/student/best/student.safetensors', detail: 'scenes · best · AP 41.2' });
  expect(files.slice(1).map((file) => file.path).sort()).toEqual(['deep/two.safetensors', 'link/two.safetensors', 'one.pth']);
});

test('folders before files, links followed, nothing of a folder that is not there', async () => {
  expect((await around.list(path.join(root, 'w'))).map(({ name, isFolder }) => `${name}${isFolder ? '/' : ''}`)).toEqual(['deep/', 'link/', 'runs/', 'one.pth', 'text.txt']);
  expect(await around.list(path.join(root, 'gone'))).toEqual([]);
});

test('devices end with the CPU', async () => {
  expect((await around.devices()).map(({ value }) => value)).toEqual(expect.arrayContaining(['0', 'cpu']));
});
