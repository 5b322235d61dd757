import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { annotationsForEvaluation } from '../../../src/data/describe.ts';
import { openDataSet } from '../../../src/data/open.ts';
import { type DataSet } from '../../../src/data/sample.ts';
import { configOf, failure, temporaryFolder, write, writeImage } from './material.ts';

interface Coco {
  images: Record<string, unknown>[];
  annotations: Record<string, unknown>[];
  categories: Record<string, unknown>[];
}

const base = (): Coco => ({
  images: [
    { id: 7, file_name: 'a.jpg', width: 40, height: 30 },
    { id: 3, file_name: 'sub/b.png', width: 20, height: 20 },
    { id: 9, file_name: 'empty.webp' },
  ],
  annotations: [
    { id: 1, image_id: 7, category_id: 18, bbox: [4, 5, 10, 12], area: 77.5, iscrowd: 0 },
    { id: 2, image_id: 7, category_id: 1, bbox: [0, 0, 40, 30], area: 100, iscrowd: 1 },
    { id: 3, image_id: 3, category_id: 1, bbox: [1.5, 2.5, 3, 4] },
  ],
  categories: [{ id: 18, name: 'dog' }, { id: 1, name: 'person' }],
});

let folder = '';
let files = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  await writeImage(join(folder, 'images/a.jpg'), 40, 30);
  await writeImage(join(folder, 'images/sub/b.png'), 20, 20);
  await writeImage(join(folder, 'images/empty.webp'), 24, 16);
});

async function open(content: string | Coco, extra: Record<string, unknown> = {}, split: 'train' | 'val' = 'train'): Promise<DataSet> {
  files += 1;
  const name = `ann-${files}.json`;
  await write(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  const places = { annotations: name, images: 'images' };
  return openDataSet(configOf({ format: 'coco', root: '.', train: places, val: places, ...extra }), split, { baseFolder: folder });
}

describe('COCO', () => {
  it('maps categories by name in the file\'s order, keeps empty images, reads sizes where none are written', async () => {
    const set = await open(base());
    expect(set.classes).toEqual(['dog', 'person']);
    expect(set.notes).toEqual([]);
    expect(set.images.map(({ index, id, width, height }) => [index, id, width, height])).toEqual([[0, 'a.jpg', 40, 30], [1, 'sub/b.png', 20, 20], [2, 'empty.webp', 24, 16]]);
    expect(set.images[0]?.objects).toEqual([
      { box: [4, 5, 14, 17], label: 0, area: 77.5, crowd: false, difficult: false },
      { box: [0, 0, 40, 30], label: 1, area: 100, crowd: true, difficult: false },
    ]);
    expect(set.images[1]?.objects[0]).toMatchObject({ box: [1.5, 2.5, 4.5, 6.5], area: 12 });
    expect(set.images[2]?.objects).toEqual([]);
    expect(annotationsForEvaluation(set)).toEqual({
      images: [{ index: 0, width: 40, height: 30 }, { index: 1, width: 20, height: 20 }, { index: 2, width: 24, height: 16 }],
      objects: [
        { image: 0, box: [4, 5, 14, 17], label: 0, area: 77.5, crowd: false, difficult: false },
        { image: 0, box: [0, 0, 40, 30], label: 1, area: 100, crowd: true, difficult: false },
        { image: 1, box: [1.5, 2.5, 4.5, 6.5], label: 1, area: 12, crowd: false, difficult: false },
      ],
    });
  });

  it('counts in notes what it repairs', async () => {
    const content = base();
    content.images.push({ id: 3, file_name: 'a.jpg', width: 1, height: 1 });
    content.annotations.push(
      { id: 3, image_id: 3, category_id: 1, bbox: [1, 1, 3, 3] },
      { id: 4, image_id: 99, category_id: 1, bbox: [1, 1, 3, 3] },
      { id: 5, image_id: 3, category_id: 1, bbox: [15, 15, 30, 3] },
      { id: 6, image_id: 3, category_id: 1, bbox: [25, 5, 3, 3] },
      { id: 7, image_id: 3, category_id: 1, bbox: [5, 5, 0, 3] },
      { id: 8, image_id: 3, category_id: 1, bbox: [5, 5, 2, 0] },
    );
    const set = await open(content);
    expect(set.notes).toEqual([
      '1 image with an id that an earlier one has left out',
      '1 annotation with an id that an earlier one has; kept',
      '1 annotation of images that the file does not list left out',
      '2 boxes without area dropped',
      '1 box wholly outside the image dropped',
      '1 box reaching over the image\'s border clipped',
    ]);
    expect(set.images[1]?.objects.map((object) => object.box)).toEqual([[1.5, 2.5, 4.5, 6.5], [1, 1, 4, 4], [15, 15, 20, 18]]);
  });

  it('takes chosen classes in their order and counts the others', async () => {
    const set = await open(base(), { classes: ['person'] });
    expect(set.classes).toEqual(['person']);
    expect(set.images.flatMap((image) => image.objects.map((object) => object.label))).toEqual([0, 0]);
    expect(set.notes).toEqual(['1 object of other classes left out: dog (1)']);
  });

  it('uses the training file\'s classes for validation', async () => {
    const validation = base();
    validation.categories.reverse();
    await write(join(folder, 'val.json'), JSON.stringify(validation));
    const train = await open(base(), {}, 'train');
    const set = await open(base(), { val: { annotations: 'val.json', images: 'images' } }, 'val');
    expect(set.classes).toEqual(train.classes);
    expect(set.images[0]?.objects.map((object) => object.label)).toEqual([0, 1]);
  });

  it('names a class that is not there and the nearest one', async () => {
    const error = await failure(open(base(), { classes: ['dog', 'persn'] }));
    expect(error.code).toBe('DL307');
    expect(error.details).toMatchObject({ key: ['data', 'classes', 1], got: 'persn', advice: 'did you mean "person"?' });
    expect((await failure(open(base(), { classes: ['dog', 'dog'] }))).code).toBe('DL307');
  });

  it.each([
    ['a null box', { bbox: null }],
    ['no box', { bbox: undefined }],
    ['three numbers', { bbox: [1, 2, 3] }],
    ['words', { bbox: ['1', 2, 3, 4] }],
    ['a negative width', { bbox: [1, 2, -3, 4] }],
    ['an overflowing number', { bbox: [1, 2, 3, 'Infinity'] }],
  ])('refuses %s with the annotation\'s id', async (_, change) => {
    const content = base();
    content.annotations[2] = { ...content.annotations[2], ...change };
    const error = await failure(open(content));
    expect(error.code).toBe('DL306');
    expect(error.message).toContain('annotation 3');
    expect(error.details.where?.file).toContain('ann-');
  });

  it('says in which line JSON breaks', async () => {
    const error = await failure(open('{\n"images": [],\n"annotations": [NaN]\n}'));
    expect(error.code).toBe('DL302');
    expect(error.details.where?.line).toBe(3);
    expect(error.details.advice).toContain('NaN');
  });

  it.each([
    ['[]', 'not a COCO detection file'],
    ['{"images": [], "annotations": []}', 'no list "categories"'],
    ['{"images": [{"id": 1}], "annotations": [], "categories": []}', 'has no file name'],
    ['{"images": [{"file_name": "a.jpg"}], "annotations": [], "categories": []}', 'has no id'],
    ['{"images": [], "annotations": [], "categories": [{"id": 1}]}', 'category 0 has no name'],
    ['{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"id": 4, "image_id": 1, "category_id": 5, "bbox": [1,1,2,2]}], "categories": []}', 'annotation 4 has a category'],
  ])('refuses %s', async (content, message) => {
    const error = await failure(open(content));
    expect(error.code).toBe('DL302');
    expect(error.message).toContain(message);
  });

  it('refuses what is missing, with the key', async () => {
    const content = base();
    content.images.push({ id: 10, file_name: 'gone.jpg', width: 4, height: 4 });
    const gone = await failure(open(content));
    expect([gone.code, gone.details.key]).toEqual(['DL308', ['data', 'train', 'images']]);
    expect(gone.message).toContain('gone.jpg');
    const root = await failure(open(base(), { root: 'nowhere' }));
    expect([root.code, root.details.key]).toEqual(['DL301', ['data', 'root']]);
    const file = await failure(open(base(), { train: { annotations: 'no.json', images: 'images' } }));
    expect([file.code, file.details.key]).toEqual(['DL301', ['data', 'train', 'annotations']]);
    const images = await failure(open(base(), { train: { annotations: 'ann-1.json', images: 'no' } }));
    expect([images.code, images.details.key]).toEqual(['DL301', ['data', 'train', 'images']]);
  });

  it('refuses file names that lead out of the folder', async () => {
    const content = base();
    content.images[0] = { id: 7, file_name: '../../a.jpg', width: 4, height: 4 };
    expect((await failure(open(content))).code).toBe('DL304');
    content.images[0] = { id: 7, file_name: '/etc/a.jpg', width: 4, height: 4 };
    expect((await failure(open(content))).code).toBe('DL304');
  });

  it('refuses an image of another size than annotated, and data with nothing to learn', async () => {
    const content = base();
    content.images[0] = { id: 7, file_name: 'a.jpg', width: 41, height: 30 };
    const error = await failure(open(content));
    expect(error.code).toBe('DL310');
    expect(error.details).toMatchObject({ expected: '41 × 30 pixels, as annotated', got: '40 × 30' });
    expect((await failure(open({ ...base(), annotations: [] }))).code).toBe('DL311');
    expect((await failure(open({ images: [], annotations: [], categories: [] }))).code).toBe('DL311');
  });

  it('can be called off', async () => {
    const config = configOf({ format: 'coco', root: '.', train: { annotations: 'ann-1.json', images: 'images' }, val: { annotations: 'ann-1.json', images: 'images' } });
    await expect(openDataSet(config, 'train', { baseFolder: folder, signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});
