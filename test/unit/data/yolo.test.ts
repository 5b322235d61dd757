import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDataSet } from '../../../src/data/open.ts';
import { type DataSet } from '../../../src/data/sample.ts';
import { labelPath } from '../../../src/data/yolo.ts';
import { configOf, failure, temporaryFolder, write, writeImage } from './material.ts';

const YAML = 'path: .\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n';

let folder = '';
let files = 0;

async function open(yaml = YAML, extra: Record<string, unknown> = {}, split: 'train' | 'val' = 'train'): Promise<DataSet> {
  files += 1;
  await write(join(folder, `data-${files}.yaml`), yaml);
  return openDataSet(configOf({ format: 'yolo', root: '.', config: `data-${files}.yaml`, ...extra }), split, { baseFolder: folder });
}

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const name of ['train/a.jpg', 'train/deep/b.jpg', 'val/c.png', 'odd/d.jpg']) await writeImage(join(folder, 'images', name), 40, 20);
  await write(join(folder, 'labels/train/a.txt'), '0 0.5 0.5 0.5 0.5\n1 0.25 0.5 0.1 0.2\r\n\n1 0.25 0.5 0.1 0.2\n');
  await write(join(folder, 'labels/val/c.txt'), '1 0.1 0.1 0.5 0.1 0.5 0.9 0.3 0.7\n0 1 1 0.5 0.5\n0 1.5 0.5 0.1 0.1\n1 0.5 0.5 0 0.2\n');
});

describe('YOLO', () => {
  it('reads folders, rows, images without labels', async () => {
    const set = await open();
    expect(set.classes).toEqual(['cat', 'dog']);
    expect(set.images.map(({ id, width, height }) => [id, width, height])).toEqual([['train/a.jpg', 40, 20], ['train/deep/b.jpg', 40, 20]]);
    expect(set.images[0]?.objects.map(({ box, label, area }) => [box.map((side) => Number(side.toFixed(9))), label, Number(area.toFixed(9))])).toEqual([[[10, 5, 30, 15], 0, 200], [[8, 8, 12, 12], 1, 16]]);
    expect(set.images[1]?.objects).toEqual([]);
    expect(set.notes).toEqual(['1 image without a label file taken as empty', '1 repeated label row left out']);
  });

  it('bounds polygons, clips, drops, takes names as a map', async () => {
    const set = await open('path: .\ntrain: [images/train]\nval: images/val\nnames:\n  1: dog\n  0: cat\n', {}, 'val');
    expect(set.classes).toEqual(['cat', 'dog']);
    expect(set.images[0]?.objects.map(({ box, label }) => [box, label])).toEqual([[[4, 2, 20, 18], 1], [[30, 15, 40, 20], 0]]);
    expect(set.notes).toEqual(['1 box without area dropped', '1 box wholly outside the image dropped', '1 box reaching over the image\'s border clipped']);
  });

  it('takes lists of images, paths as exporters write them, and a chosen order of classes', async () => {
    await write(join(folder, 'lists/train.txt'), `./../images/train/a.jpg\nimages/val/c.png\n${join(folder, 'images/train/a.jpg')}\n`);
    const listed = await open('train: lists/train.txt\nval: images/val\nnames: [cat, dog]\n', { classes: ['dog', 'cat'] });
    expect(listed.images.map((image) => image.id)).toEqual(['train/a.jpg', 'val/c.png']);
    expect(listed.images[0]?.objects.map((object) => object.label)).toEqual([1, 0]);
    expect(listed.notes).toContain('1 image listed twice left out');
    expect((await open('train: ../images/train\nval: ../images/val\nnames: [cat, dog]\n')).images).toHaveLength(2);
    expect((await open('path: ../datasets/elsewhere\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n')).images).toHaveLength(2);
  });

  it('finds labels by the last images folder, else beside the image', () => {
    expect(labelPath('/x/images/y/images/z/a.b.jpg')).toBe('/x/images/y/labels/z/a.b.txt');
    expect(labelPath('/x/pictures/a.jpg')).toBe('/x/pictures/a.txt');
  });

  it.each([
    ['2 0.5 0.5 0.1 0.1', 'not one of the classes'],
    ['-1 0.5 0.5 0.1 0.1', 'not one of the classes'],
    ['cat 0.5 0.5 0.1 0.1', 'not one of the classes'],
    ['0 0.5 0.5 0.1', '4 columns'],
    ['0 0.5 0.5 0.1 0.1 0.9', '6 columns'],
    ['0 0.5 0.5 0.1 nan', 'not a number'],
    ['0 0.5 0.5 -0.1 0.1', 'negative size'],
    ['0 120 80 30 40', 'not shares of the image'],
  ])('refuses the row %j with file and line', async (row, message) => {
    await write(join(folder, 'labels/odd/d.txt'), `0 0.5 0.5 0.1 0.1\n${row}\n`);
    const error = await failure(open('train: images/odd\nval: images/val\nnames: [cat, dog]\n'));
    expect(error.code).toBe('DL305');
    expect(error.message).toContain(message);
    expect(error.details.where?.file).toContain('d.txt');
    expect(error.details.where?.line).toBe(2);
  });

  it.each([
    ['train: images/train\nnames: [a', 'not YAML'],
    ['train: images/train\nval: images/val\n', 'no usable `names`'],
    ['train: images/train\nval: images/val\nnames: {0: a, 2: b}\n', 'no usable `names`'],
    ['val: images/val\nnames: [a]\n', 'no usable `train`'],
    ['train: {a: 1}\nval: images/val\nnames: [a]\n', 'no usable `train`'],
  ])('refuses data.yaml %j', async (yaml, message) => {
    const error = await failure(open(yaml));
    expect(error.code).toBe('DL302');
    expect(error.message).toContain(message);
    expect(error.details.where?.file).toContain('.yaml');
  });

  it('refuses missing places and classes', async () => {
    const place = await failure(open('train: images/nowhere\nval: images/val\nnames: [a]\n'));
    expect([place.code, place.details.got]).toEqual(['DL301', 'images/nowhere']);
    const config = await failure(open(YAML, { config: 'none.yaml' }));
    expect([config.code, config.details.key]).toEqual(['DL301', ['data', 'config']]);
    const name = await failure(open(YAML, { classes: ['cta'] }));
    expect([name.code, name.details.advice]).toEqual(['DL307', 'did you mean "cat"?']);
    await write(join(folder, 'lists/gone.txt'), 'images/gone.jpg\n');
    expect((await failure(open('train: lists/gone.txt\nval: images/val\nnames: [cat, dog]\n'))).code).toBe('DL308');
  });
});
