import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeDataSet } from '../../../src/data/describe.ts';
import { openDataSet } from '../../../src/data/open.ts';
import { type DataSet } from '../../../src/data/sample.ts';
import { configOf, failure, temporaryFolder, write, writeImage } from './material.ts';

interface Corners { name: string; box: (number | string)[]; difficult?: number }

function annotation(objects: Corners[], size = '<size><width>40</width><height>30</height><depth>3</depth></size>'): string {
  const parts = objects.map(({ name, box, difficult = 0 }) => `  <object>
    <name>${name}</name><difficult>${difficult}</difficult>
    <bndbox>
      <xmin>${box[0] ?? ''}</xmin>
      <ymin>${box[1] ?? ''}</ymin>
      <xmax>${box[2] ?? ''}</xmax>
      <ymax>${box[3] ?? ''}</ymax>
    </bndbox>
    <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
  </object>`);
  return `<annotation>\n  <filename>other.jpg</filename>${size}\n${parts.join('\n')}\n</annotation>\n`;
}

/** Ends within the box. */
const CUT = annotation([{ name: 'a', box: [1, 1, 5, 5] }]).slice(0, -60);

let folder = '';
const open = (extra: Record<string, unknown> = {}, split: 'train' | 'val' = 'train'): Promise<DataSet> =>
  openDataSet(configOf({ format: 'voc', root: 'voc', ...extra }), split, { baseFolder: folder });
const single = async (xml: string | Uint8Array, name: string): Promise<DataSet> => {
  await writeImage(join(folder, `voc/JPEGImages/${name}.jpg`), 40, 30);
  await write(join(folder, `voc/Annotations/${name}.xml`), xml);
  await write(join(folder, `voc/ImageSets/Main/${name}.txt`), `${name}\n`);
  return open({ train: name });
};

beforeAll(async () => {
  folder = await temporaryFolder();
  const root = join(folder, 'voc');
  await writeImage(join(root, 'JPEGImages/one.jpg'), 40, 30);
  await writeImage(join(root, 'JPEGImages/two.png'), 20, 24);
  await writeImage(join(root, 'JPEGImages/three.webp'), 40, 30);
  await write(join(root, 'Annotations/one.xml'), annotation([{ name: 'zebra', box: [1, 2, 11.5, 12] }, { name: 'ant &amp; co', box: [3, 4, 5, 9], difficult: 1 }]));
  await write(join(root, 'Annotations/two.xml'), annotation([{ name: 'zebra', box: [1, 1, 25, 24] }, { name: 'zebra', box: [7, 7, 7, 7] }], '<size><width>0</width><height>0</height></size>'));
  await write(join(root, 'Annotations/three.xml'), annotation([{ name: 'yak', box: [1, 1, 5, 5] }]));
  await write(join(root, 'ImageSets/Main/train.txt'), 'one\r\ntwo\r\n\r\n');
  await write(join(root, 'ImageSets/val.txt'), 'three\none');
  await write(join(root, 'ImageSets/Main/zebra_train.txt'), 'one  1\ntwo  0\nthree -1\n');
});

describe('VOC', () => {
  it('reads lists, boxes as written, difficult ones, sizes from the file where the annotation has none', async () => {
    const set = await open();
    expect(set.classes).toEqual(['ant & co', 'zebra']);
    expect(set.images.map(({ id, width, height }) => [id, width, height])).toEqual([['one.jpg', 40, 30], ['two.png', 20, 24]]);
    expect(set.images[0]?.objects).toEqual([
      { box: [1, 2, 11.5, 12], label: 1, area: 105, crowd: false, difficult: false },
      { box: [3, 4, 5, 9], label: 0, area: 10, crowd: false, difficult: true },
    ]);
    expect(set.images[1]?.objects.map((object) => object.box)).toEqual([[1, 1, 20, 24]]);
    expect(set.notes).toEqual(['1 box without area dropped', '1 box reaching over the image\'s border clipped']);
  });

  it('finds lists in ImageSets too and takes the classes from training', async () => {
    const set = await open({}, 'val');
    expect(set.classes).toEqual(['ant & co', 'zebra']);
    expect(set.images.map((image) => image.objects.length)).toEqual([0, 2]);
    expect(set.notes).toEqual(['1 object of other classes left out: yak (1)']);
  });

  it('reads lists with a column of one class', async () => {
    expect((await open({ train: 'zebra_train' })).images.map((image) => image.id)).toEqual(['one.jpg', 'two.png']);
  });

  it('names a list and a class that are not there', async () => {
    const list = await failure(open({ train: 'trian' }));
    expect([list.code, list.details.key, list.details.advice]).toEqual(['DL301', ['data', 'train'], 'did you mean "train"?']);
    expect(list.details.expected).toContain('zebra_train');
    const name = await failure(open({ classes: ['zebrra'] }));
    expect([name.code, name.details.key, name.details.advice]).toEqual(['DL307', ['data', 'classes', 0], 'did you mean "zebra"?']);
    const root = await failure(open({ root: 'voc/ImageSets' }));
    expect([root.code, root.details.key]).toEqual(['DL301', ['data', 'root']]);
    expect((await failure(open({ train: '../../../outside' }))).code).toBe('DL304');
  });

  it.each([
    ['json', '{"annotation": 1}', 1],
    ['cut', CUT, CUT.split('\n').length],
    ['nothing', '', 1],
    ['picture', new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 16]), 1],
  ])('refuses XML that is not XML: %s', async (name, xml, line) => {
    const error = await failure(single(xml, `bad-${name}`));
    expect(error.code).toBe('DL303');
    expect(error.details.where?.file).toContain(`bad-${name}.xml`);
    expect(error.details.where?.line).toBe(line);
  });

  it.each([
    ['root', '<html></html>', 'DL302', 1],
    ['nameless', '<annotation>\n<object><bndbox/></object></annotation>', 'DL302', 2],
    ['boxless', '<annotation>\n\n<object><name>a</name></object></annotation>', 'DL302', 3],
    ['sideless', '<annotation><object><name>a</name>\n<bndbox><xmin>1</xmin></bndbox></object></annotation>', 'DL302', 2],
    ['word', annotation([{ name: 'a', box: ['one', 1, 5, 5] }]), 'DL306', 6],
    ['nan', annotation([{ name: 'a', box: ['NaN', 1, 5, 5] }]), 'DL306', 6],
    ['blank', annotation([{ name: 'a', box: [1, '', 5, 5] }]), 'DL306', 7],
    ['negative', annotation([{ name: 'a', box: [9, 1, 5, 5] }]), 'DL306', 5],
  ])('refuses an annotation: %s', async (name, xml, code, line) => {
    const error = await failure(single(xml, `wrong-${name}`));
    expect(error.code).toBe(code);
    expect(error.details.where?.line).toBe(line);
  });

  it('refuses missing annotations and images, with the list\'s line', async () => {
    await write(join(folder, 'voc/ImageSets/Main/more.txt'), 'one\nfour\n');
    const xml = await failure(open({ train: 'more' }));
    expect([xml.code, xml.details.where?.line]).toEqual(['DL301', 2]);
    await write(join(folder, 'voc/Annotations/five.xml'), annotation([{ name: 'a', box: [1, 1, 5, 5] }]));
    await write(join(folder, 'voc/ImageSets/Main/five.txt'), 'five');
    const image = await failure(open({ train: 'five' }));
    expect([image.code, image.details.where?.line]).toEqual(['DL308', 1]);
  });
});

const bccd = resolve('../shared/data/bccd');
if (!existsSync(bccd)) console.info(`skipped: no blood-cell data at ${bccd}`);

describe.skipIf(!existsSync(bccd))('the blood-cell data', () => {
  it('opens with its two boxes without area dropped and counted', async () => {
    const [train, val, test] = await Promise.all(['train', 'val', 'test'].map((list) => openDataSet(configOf({ format: 'voc', root: bccd, train: list }), 'train', { baseFolder: '.' })));
    expect([train?.images.length, val?.images.length, test?.images.length]).toEqual([205, 87, 72]);
    expect(train?.classes).toEqual(['Platelets', 'RBC', 'WBC']);
    expect([train, val, test].flatMap((set) => set?.notes ?? []).filter((note) => note.includes('without area'))).toEqual(['1 box without area dropped', '1 box without area dropped']);
    const objects = [train, val, test].reduce((sum, set) => sum + (set === undefined ? 0 : describeDataSet(set).objects), 0);
    expect(objects).toBe(4155 + 372 + 361 - 2);
    const raw = await train?.images[0]?.pixels();
    expect([raw?.width, raw?.height, raw?.data.length]).toEqual([640, 480, 640 * 480 * 3]);
  });
});
