import { createHash } from 'node:crypto';
import { readFile, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { BatchLoader } from '../../../src/data/batchLoader.ts';
import { epochOrder, imagesOfStep } from '../../../src/data/batches.ts';
import { describeDataSet, descriptionLines } from '../../../src/data/describe.ts';
import { openDataSet } from '../../../src/data/open.ts';
import { type Batch, type DataSet } from '../../../src/data/sample.ts';
import { openScenes } from '../../../src/data/scenes.ts';
import { validationExamples } from '../../../src/data/validation.ts';
import { configOf, failure, temporaryFolder, write, writeImage } from './material.ts';

const scenes = configOf({ format: 'scenes', size: [48, 64], train: 7, val: 11, augment: { flip: 0.5, flipVertical: 0.5, scale: [0.7, 1.4], photometric: 0.4, mosaic: 0.3 } });
const scenesSet = openScenes(scenes, 'train');

let folder = '';
let worker = '';
let voc = configOf({ format: 'voc', root: '.', size: [64, 64] });
let vocSet: DataSet;

beforeAll(async () => {
  folder = await temporaryFolder();
  worker = join(folder, 'loader.js');
  await symlink(resolve('node_modules'), join(folder, 'node_modules'), 'dir');
  await build({ entryPoints: ['src/data/loaderWorker.ts'], bundle: true, platform: 'node', format: 'cjs', target: 'node20', external: ['sharp'], outfile: worker, logLevel: 'error' });
  for (const name of ['a', 'b', 'c']) {
    await writeImage(join(folder, `voc/JPEGImages/${name}.jpg`), 80, 60);
    await write(join(folder, `voc/Annotations/${name}.xml`), `<annotation><size><width>80</width><height>60</height></size><object><name>x</name><bndbox><xmin>10</xmin><ymin>10</ymin><xmax>50</xmax><ymax>40</ymax></bndbox></object></annotation>`);
  }
  await write(join(folder, 'voc/ImageSets/Main/train.txt'), 'a\nb\nc\n');
  voc = configOf({ format: 'voc', root: 'voc', size: [64, 64] });
  vocSet = await openDataSet(voc, 'train', { baseFolder: folder });
});

async function take(loader: BatchLoader, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  try {
    for (let i = 0; i < count; i += 1) batches.push(await loader.next());
  } finally {
    await loader.dispose();
  }
  return batches;
}

/** Of all bytes: comparing arrays value by value takes a matcher seconds. */
function digest(values: Float32Array): string {
  return createHash('sha256').update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)).digest('hex');
}

function essence(batches: readonly Batch[]): unknown {
  return batches.map(({ images, examples }) => [digest(images), examples.map(({ image, truth, contentSize, scale }) => [image.index, truth, contentSize, scale])]);
}

describe('imagesOfStep', () => {
  it('shows every image once an epoch, whatever the batch size, in another order each epoch', () => {
    const orders = [0, 1, 2, 3].map((epoch) => epochOrder(7, 5, epoch));
    const draws = Array.from({ length: 7 }, (_, step) => imagesOfStep(7, 4, step, (epoch) => orders[epoch] ?? [])).flat();
    expect(draws).toHaveLength(28);
    for (const epoch of [0, 1, 2, 3]) expect(draws.filter((draw) => draw.epoch === epoch).map((draw) => draw.position).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(orders[0]).not.toEqual(orders[1]);
    expect(epochOrder(7, 6, 0)).not.toEqual(orders[0]);
    expect(imagesOfStep(2, 5, 0, () => [1, 0]).map((draw) => [draw.epoch, draw.position])).toEqual([[0, 1], [0, 0], [1, 1], [1, 0], [2, 1]]);
  });
});

describe.each([['on the calling thread', false], ['on a thread of its own', true]] as const)('BatchLoader %s', (_, threaded) => {
  const open = (extra: Partial<ConstructorParameters<typeof BatchLoader>[0]> = {}): BatchLoader =>
    new BatchLoader({ dataSet: scenesSet, config: scenes, batch: 3, seed: 9, worker: threaded && worker, ...extra });

  it('gives batches of the right shape with the data set\'s own images', async () => {
    const loader = open();
    expect(loader.mode).toBe(threaded ? 'worker' : 'inline');
    const [batch] = await take(loader, 1);
    expect(batch?.images.length).toBe(3 * 48 * 64 * 3);
    for (const [slot, example] of (batch?.examples ?? []).entries()) {
      expect(example.image).toBe(scenesSet.images[example.image.index]);
      expect(example.pixels.buffer).toBe(batch?.images.buffer);
      expect(example.pixels.byteOffset).toBe(slot * 48 * 64 * 3 * 4);
      expect(example.truth.labels).toHaveLength(example.truth.boxes.length);
    }
  });

  it('gives the same batches again, and from any step on', async () => {
    const whole = await take(open(), 7);
    expect(essence(await take(open(), 7))).toEqual(essence(whole));
    expect(essence(await take(open({ from: 4 }), 3))).toEqual(essence(whole.slice(4)));
    expect(essence(await take(open({ cacheBytes: 0 }), 7))).toEqual(essence(whole));
    expect(essence(await take(open({ seed: 10 }), 7))).not.toEqual(essence(whole));
  });

  it('raises an image\'s error where its batch is asked for, and stays usable to dispose of', async () => {
    await writeImage(join(folder, 'voc/JPEGImages/b.jpg'), 80, 60);
    const loader = open({ dataSet: vocSet, config: voc, batch: 1, cacheBytes: 0, from: 0 });
    await write(join(folder, 'voc/JPEGImages/b.jpg'), 'no image any more');
    // At most nine batches can have been made before the file changed.
    const error = await failure(take(loader, 16));
    expect(error.code).toBe('DL309');
    expect(error.message).toContain('b.jpg');
    expect(error.details.where?.file).toContain('b.jpg');
    expect(error.explain()).toContain('to do:');
    await loader.dispose();
    await writeImage(join(folder, 'voc/JPEGImages/b.jpg'), 80, 60);
  });

  it('rejects what waits when it is disposed of', async () => {
    const loader = open();
    const coming = Promise.allSettled(Array.from({ length: 40 }, () => loader.next()));
    await loader.dispose();
    if (threaded) expect((await coming).at(-1)?.status).toBe('rejected');
    await coming;
    await expect(loader.next()).rejects.toThrow('disposed');
  });
});

describe('BatchLoader', () => {
  it('makes the same batches on both threads, bit for bit', async () => {
    for (const [dataSet, config] of [[scenesSet, scenes], [vocSet, voc]] as const) {
      const [inline, threaded] = await Promise.all([false as const, worker].map((where) => take(new BatchLoader({ dataSet, config, batch: 2, seed: 1, worker: where }), 6)));
      expect(essence(threaded ?? [])).toEqual(essence(inline ?? []));
    }
  });

  it('prepares ahead while the calling thread is blocked', async () => {
    /** How many of the next four batches are there at once after the thread was blocked for so long. */
    const afterBlocking = async (milliseconds: number): Promise<number> => {
      const loader = new BatchLoader({ dataSet: scenesSet, config: scenes, batch: 1, seed: 1, worker });
      await loader.next();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
      // All that was made meanwhile arrives in one turn of the event loop.
      await new Promise((done) => setImmediate(done));
      let ready = 0;
      for (let i = 0; i < 4; i += 1) {
        const first = await Promise.race([loader.next().then(() => 'batch'), new Promise((done) => setImmediate(done)).then(() => 'turn')]);
        if (first === 'batch') ready += 1;
      }
      await loader.dispose();
      return ready;
    };
    // A busy machine may need the longer ones; a loader that works on the blocked thread never gets there.
    let ready = 0;
    for (const milliseconds of [500, 2000, 8000]) if (ready < 4) ready = await afterBlocking(milliseconds);
    expect(ready).toBe(4);
  });

  it('stays on the calling thread for images that exist in memory only', async () => {
    const images = scenesSet.images.map(({ index, id, width, height, objects }) => ({ index, id, width, height, objects, pixels: () => Promise.resolve({ width, height, data: new Uint8Array(width * height * 3) }) }));
    const loader = new BatchLoader({ dataSet: { ...scenesSet, images }, config: scenes, batch: 2, seed: 0, worker });
    expect(loader.mode).toBe('inline');
    expect(await take(loader, 2)).toHaveLength(2);
  });

  it('says so when the thread cannot start', async () => {
    const loader = new BatchLoader({ dataSet: scenesSet, config: scenes, batch: 2, seed: 0, worker: await write(join(folder, 'broken.js'), 'throw new Error("no such luck");') });
    const error = await failure(loader.next());
    expect([error.code, error.details.got]).toEqual(['DL312', 'no such luck']);
    await loader.dispose();
  });
});

describe('validationExamples', () => {
  it('come in order, unchanged, the same each time', async () => {
    const set = openScenes(scenes, 'val');
    const seen: number[] = [];
    const pixels: string[] = [];
    for await (const example of validationExamples(set, scenes)) {
      seen.push(example.image.index);
      pixels.push(digest(example.pixels));
      expect(example.truth.boxes).toHaveLength(example.image.objects.length);
      expect(example.scale).toEqual([1, 1]);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for await (const example of validationExamples(set, scenes)) expect(digest(example.pixels)).toBe(pixels[example.image.index]);
    for await (const example of validationExamples(set, scenes)) {
      if (example.image.index === 2) break;
    }
  });

  it('fail at the image that cannot be read', async () => {
    const before = await readFile(join(folder, 'voc/JPEGImages/c.jpg'));
    await write(join(folder, 'voc/JPEGImages/c.jpg'), before.subarray(0, 200));
    const seen: string[] = [];
    const all = async (): Promise<void> => {
      for await (const example of validationExamples(vocSet, voc)) seen.push(example.image.id);
    };
    expect((await failure(all())).message).toContain('c.jpg');
    expect(seen).toEqual(['a.jpg', 'b.jpg']);
    await write(join(folder, 'voc/JPEGImages/c.jpg'), before);
  });
});

describe('describeDataSet', () => {
  it('counts by class and size', () => {
    const description = describeDataSet(vocSet);
    expect(description).toMatchObject({ images: 3, objects: 3, crowd: 0, difficult: 0, imagesWithoutObjects: 0, classes: [{ name: 'x', objects: 3, images: 3 }], sizes: { small: 0, medium: 3, large: 0 } });
    expect(descriptionLines('train', { ...description, notes: ['1 box dropped'], crowd: 1, imagesWithoutObjects: 2 })).toEqual([
      'train: 3 images of 80×60, 3 objects, 1 crowd region, 2 images without objects',
      'train: x 3',
      'train: 1 box dropped',
    ]);
  });
});
