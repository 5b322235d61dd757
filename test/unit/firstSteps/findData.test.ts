/** Data sets as people have them, in folders of their own; and folders that only look like it. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findData, findWeights } from '../../../src/firstSteps/findData.ts';

let root: string;
beforeEach(async () => { root = await mkdtemp(path.join(tmpdir(), 'find-data-')); });
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  }
}

const xml = (...names: readonly string[]): string => `<annotation><size><width>640</width><height>480</height></size>${names.map((name) => `<object><pose>x</pose><name>${name}</name></object>`).join('')}</annotation>`;

describe('VOC', () => {
  test('lists, classes and the size of images', async () => {
    await write({ 'cells/Annotations/a.xml': xml('RBC', 'WBC'), 'cells/Annotations/b.xml': xml('Tom &amp; Jerry'), 'cells/ImageSets/Main/train.txt': 'a\n', 'cells/ImageSets/Main/test.txt': 'b\n', 'cells/JPEGImages/a.jpg': '' });
    expect(await findData(root)).toEqual([{ format: 'voc', root: path.join(root, 'cells'), train: 'train', val: 'test', classes: ['RBC', 'Tom & Jerry', 'WBC'], imageSize: [480, 640] }]);
  });

  test('without a list there is nothing to train on', async () => {
    await write({ 'Annotations/a.xml': xml('a'), 'ImageSets/Main/readme.md': '', 'JPEGImages/a.jpg': '' });
    expect(await findData(root)).toEqual([]);
  });

  test('the part of a body is not an object’s name', async () => {
    await write({ 'Annotations/a.xml': '<annotation><object><name>person</name><part><name>hand</name></part></object></annotation>', 'ImageSets/train.txt': 'a', 'JPEGImages/a.jpg': '' });
    expect(await findData(root)).toMatchObject([{ train: 'train', val: 'train', classes: ['person'], imageSize: undefined }]);
  });
});

describe('COCO', () => {
  const coco = (images: readonly string[], categories: readonly string[], before = ''): string =>
    `{${before}"images":[${images.map((name) => `{"id":1,"height":400,"width":600,"file_name":${JSON.stringify(name)}}`).join()}],"annotations":[],"categories":${JSON.stringify(categories.map((name, id) => ({ id, name, keypoints: ['[', ']'] })))}}`;

  test('pairs of files with the folders of their images', async () => {
    await write({
      'coco/annotations/instances_train2017.json': coco(['1.jpg'], ['cat', 'a ] "dog"']), 'coco/annotations/instances_val2017.json': coco(['2.jpg'], ['cat', 'a ] "dog"']),
      'coco/annotations/captions_train2017.json': '{"images":[{"file_name":"1.jpg"}],"annotations":[]}',
      'coco/train2017/1.jpg': '', 'coco/val2017/2.jpg': '',
    });
    expect(await findData(root)).toEqual([{
      format: 'coco', root: path.join(root, 'coco'), classes: ['cat', 'a ] "dog"'], imageSize: [400, 600],
      train: { annotations: 'annotations/instances_train2017.json', images: 'train2017' }, val: { annotations: 'annotations/instances_val2017.json', images: 'val2017' },
    }]);
  });

  test('one file beside its images, and nothing to measure on', async () => {
    await write({ 'set/_annotations.coco.json': coco(['1.jpg'], ['cat']), 'set/1.jpg': '' });
    const split = { annotations: '_annotations.coco.json', images: '.' };
    expect(await findData(root)).toMatchObject([{ format: 'coco', train: split, val: split }]);
  });

  test('a list of categories that lies behind megabytes of annotations', async () => {
    await write({ 'annotations/train.json': coco(['1.jpg'], ['cat'], `"notes":"${'x'.repeat(3_000_000)}",`), 'images/train/1.jpg': '' });
    expect(await findData(root)).toMatchObject([{ classes: ['cat'], train: { annotations: 'annotations/train.json', images: 'images/train' } }]);
  });

  test.each([
    ['no images beside it', { 'annotations/train.json': coco(['1.jpg'], ['cat']) }],
    ['images outside of the folder', { 'annotations/train.json': coco(['../../x.jpg'], ['cat']), '../x.jpg': '' }],
    ['broken JSON', { 'annotations/train.json': '{"categories": [{]', '1.jpg': '' }],
    ['categories that are none', { 'annotations/train.json': '{"images":[{"file_name":"1.jpg"}],"categories":7}', '1.jpg': '' }],
  ])('%s is no data set', async (_, files) => {
    await write(Object.fromEntries(Object.entries(files).filter(([file]) => !file.startsWith('..'))));
    expect(await findData(root)).toEqual([]);
  });
});

describe('YOLO', () => {
  test.each([['a list', 'names: [cat, dog]'], ['a map', 'names:\n  1: dog\n  0: cat'], ['numbers', 'names: [cat, 7]']])('names as %s', async (_, names) => {
    await write({ 'yolo/data.yaml': `train: images/train\nval: images/val\n${names}\n` });
    expect(await findData(root)).toMatchObject([{ format: 'yolo', config: 'data.yaml', classes: names.includes('7') ? ['cat', '7'] : ['cat', 'dog'] }]);
  });

  test.each([
    ['an experiment', 'x.distill.yaml', 'train: a\nval: b\nnames: [a]'],
    ['another YAML file', 'ci.yaml', 'train: a\nval: b\n'],
    ['broken YAML', 'data.yaml', 'train: a\nval: b\nnames: ['],
    ['aliases without end', 'data.yaml', 'train: a\nval: b\na: &a [x]\nnames: [*a, *a]'],
    ['names that are no names', 'data.yaml', 'train: a\nval: b\nnames: [[a]]'],
  ])('%s is no data set', async (_, file, text) => {
    await write({ [file]: text });
    expect(await findData(root).catch(() => 'thrown')).toEqual([]);
  });
});

describe('the search', () => {
  const data = (folder: string): Record<string, string> => ({ [`${folder}/data.yaml`]: 'train: a\nval: b\nnames: [a]\n' });

  test('goes from near to far, and passes over folders of programs and runs', async () => {
    await write({ ...data('a/b/c'), ...data('z'), ...data('node_modules/x'), ...data('runs/y'), ...data('.git/x') });
    expect((await findData(root)).map((found) => path.relative(root, found.root))).toEqual(['z', path.join('a', 'b', 'c')]);
  });

  test('ends at its limits', async () => {
    await write({ ...data('a/b/c'), ...data('z') });
    expect(await findData(root, undefined, { depth: 1, folders: 100 })).toHaveLength(1);
    expect(await findData(root, undefined, { depth: 5, folders: 1 })).toHaveLength(0);
    expect(await findData(root, AbortSignal.abort())).toEqual([]);
  });

  test('does not follow links', async () => {
    await write(data('a'));
    await symlink(root, path.join(root, 'a', 'round'));
    expect(await findData(root)).toHaveLength(1);
  });

  test('finds weights too, but not those of runs', async () => {
    await write({ 'teachers/a.pth': '', 'b.safetensors': '', 'c.txt': '', 'runs/x/checkpoints/student.safetensors': '' });
    expect(await findWeights(root)).toEqual(['b.safetensors', 'teachers/a.pth']);
    expect(await findWeights(root, AbortSignal.abort())).toEqual([]);
  });

  test('a folder that is not there holds nothing', async () => {
    expect(await findData(path.join(root, 'nowhere'))).toEqual([]);
  });
});
