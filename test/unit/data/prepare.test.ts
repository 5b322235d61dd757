import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { contentSize } from '../../../src/data/geometry.ts';
import { ImageCache } from '../../../src/data/imageCache.ts';
import { decode, imageFromFile, imageSize } from '../../../src/data/images.ts';
import { prepareExample } from '../../../src/data/prepare.ts';
import { type AnnotatedImage, type AnnotatedObject, type Example } from '../../../src/data/sample.ts';
import { openScenes } from '../../../src/data/scenes.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';
import { type DataConfig } from '../../../src/experiment/schema.ts';
import { configOf, failure, halves, temporaryFolder, write, writeImage } from './material.ts';

let folder = '';
beforeAll(async () => {
  folder = await temporaryFolder();
});

const thing = (box: Box, extra: Partial<AnnotatedObject> = {}): AnnotatedObject => ({ box, label: 0, area: 1, crowd: false, difficult: false, ...extra });

/** 40 × 20: left half red, right half blue. */
function memoryImage(objects: AnnotatedObject[] = [], index = 0): AnnotatedImage {
  return { index, id: 'memory', width: 40, height: 20, objects, pixels: () => Promise.resolve({ width: 40, height: 20, data: halves(40, 20) }) };
}

const plain = { mean: [0, 0, 0], std: [1, 1, 1] };
function scenesConfig(extra: Record<string, unknown> = {}): DataConfig {
  return configOf({ format: 'scenes', size: [32, 80], normalize: plain, augment: { flip: 0 }, ...extra });
}
const at = (example: Example, x: number, y: number, width = 80): number[] => [...example.pixels.slice((y * width + x) * 3, (y * width + x) * 3 + 3)];

describe('decoding', () => {
  it.each(['jpg', 'png', 'webp'])('reads %s', async (extension) => {
    const image = await imageFromFile(await writeImage(join(folder, `a.${extension}`), 40, 30), 5);
    expect([image.index, image.id, image.width, image.height, image.objects]).toEqual([5, `a.${extension}`, 40, 30, []]);
    const { data, width, height } = await image.pixels();
    expect([width, height, data.length]).toEqual([40, 30, 3600]);
    const middle = (20 * 40 + 10) * 3;
    for (const [channel, value] of [220, 60, 20].entries()) expect(Math.abs((data[middle + channel] ?? 0) - value)).toBeLessThan(12);
  });

  it('makes grey, palette, 16-bit and transparent images RGB', async () => {
    const grey = sharp(Uint8Array.from({ length: 64 }, (_, i) => i * 4), { raw: { width: 8, height: 8, channels: 1 } });
    await grey.clone().toColourspace('b-w').png().toFile(join(folder, 'grey.png'));
    const { data } = await (await imageFromFile(join(folder, 'grey.png'))).pixels();
    expect([...data.slice(30, 36)]).toEqual([40, 40, 40, 44, 44, 44]);

    const colours = sharp(halves(8, 8), { raw: { width: 8, height: 8, channels: 3 } });
    await colours.clone().png({ palette: true }).toFile(join(folder, 'palette.png'));
    await colours.clone().toColourspace('rgb16').png().toFile(join(folder, 'deep.png'));
    await colours.clone().ensureAlpha(0).png().toFile(join(folder, 'alpha.png'));
    for (const name of ['palette', 'deep', 'alpha']) {
      const image = await imageFromFile(join(folder, `${name}.png`));
      const raw = await image.pixels();
      expect(raw.data.length).toBe(192);
      for (const [channel, value] of [220, 60, 20].entries()) expect(Math.abs((raw.data[(5 * 8 + 1) * 3 + channel] ?? 0) - value)).toBeLessThan(3);
      const example = await prepareExample(image, scenesConfig({ size: [32, 32] }), undefined);
      for (const [channel, value] of [220, 60, 20].entries()) expect(Math.abs((at(example, 6, 22, 32)[channel] ?? 0) - value)).toBeLessThan(3);
    }
  });

  it('takes the orientation whose size is the annotation\'s', async () => {
    const path = await writeImage(join(folder, 'turned.jpg'), 40, 20, 6);
    expect(await imageSize(path, true)).toEqual({ width: 20, height: 40 });
    expect(await imageSize(path, false)).toEqual({ width: 40, height: 20 });
    const source = { kind: 'file', path, upright: false } as const;
    expect(await decode(source, { width: 40, height: 20 })).toMatchObject({ width: 40, height: 20 });
    const upright = await decode(source, { width: 20, height: 40 });
    expect([upright.width, upright.height]).toEqual([20, 40]);
    // Turned clockwise, what was left is above.
    expect(upright.data[(5 * 20 + 5) * 3] ?? 0).toBeGreaterThan(180);
    expect(upright.data[(35 * 20 + 5) * 3] ?? 255).toBeLessThan(60);
    expect((await failure(decode(source, { width: 30, height: 30 }))).code).toBe('DL310');
  });

  it('names files that are missing, empty, cut or no images', async () => {
    const whole = await readFile(await writeImage(join(folder, 'whole.jpg'), 64, 64));
    const wholePng = await readFile(await writeImage(join(folder, 'whole.png'), 64, 64));
    const cut = await write(join(folder, 'cut.jpg'), whole.subarray(0, whole.length / 2));
    const cutPng = await write(join(folder, 'cut.png'), wholePng.subarray(0, wholePng.length / 2));
    const size = { width: 64, height: 64 };
    for (const [path, code] of [
      [join(folder, 'none.jpg'), 'DL308'],
      [await write(join(folder, 'zero.jpg'), ''), 'DL309'],
      [await write(join(folder, 'text.jpg'), 'not an image'), 'DL309'],
      [cut, 'DL309'],
      [cutPng, 'DL309'],
      [folder, 'DL309'],
    ] as const) {
      const error = await failure(decode({ kind: 'file', path, upright: false }, size));
      expect([error.code, error.details.where?.file]).toEqual([code, path]);
      if (path !== cut && path !== cutPng) expect((await failure(imageFromFile(path))).code).toBe(code);
    }
  });
});

describe('prepareExample for evaluation', () => {
  it('letterboxes: keeps the ratio, pads right and below with 0, scales boxes', async () => {
    expect(contentSize({ width: 40, height: 20 }, [32, 80], 'letterbox')).toEqual({ width: 64, height: 32 });
    expect(contentSize({ width: 1000, height: 1 }, [32, 80], 'letterbox')).toEqual({ width: 80, height: 1 });
    const image = memoryImage([thing([10, 5, 20, 10]), thing([0, 0, 40, 20], { crowd: true }), thing([1, 1, 2, 2], { difficult: true, label: 1 }), thing([39.9, 0, 40, 0.1], { label: 2 })]);
    const example = await prepareExample(image, scenesConfig(), undefined);
    expect(example.contentSize).toEqual([32, 64]);
    expect(example.scale).toEqual([1.6, 1.6]);
    expect(example.truth.labels).toEqual([0, 2]);
    expect(example.truth.boxes[0]).toEqual([16, 8, 32, 16]);
    expect(example.truth.ignored).toEqual([[0, 0, 64, 32], [1.6, 1.6, 3.2, 3.2]]);
    expect(at(example, 5, 20)).toEqual([220, 60, 20]);
    expect(at(example, 60, 20)).toEqual([20, 60, 220]);
    expect(at(example, 64, 20)).toEqual([0, 0, 0]);
    expect(at(example, 79, 31)).toEqual([0, 0, 0]);
    expect(example.image).toBe(image);
  });

  it('stretches, and normalises', async () => {
    const example = await prepareExample(memoryImage([thing([10, 5, 20, 10])]), scenesConfig({ resize: 'stretch', normalize: { mean: [20, 10, 0], std: [2, 5, 10] } }), undefined);
    expect(example.contentSize).toEqual([32, 80]);
    expect(example.scale).toEqual([2, 1.6]);
    expect(example.truth.boxes).toEqual([[20, 8, 40, 16]]);
    expect(at(example, 5, 20)).toEqual([100, 10, 2]);
  });
});

/** Which seed makes the first draws come out so is of no interest: many are tried. */
async function augmented(image: AnnotatedImage, augment: Record<string, unknown>, seed: number, extra: Record<string, unknown> = {}): Promise<Example> {
  return prepareExample(image, scenesConfig({ augment: { flip: 0, ...augment }, ...extra }), Random.of(seed));
}

describe('prepareExample for training', () => {
  it('flips within the content, in both axes, boxes too', async () => {
    const image = memoryImage([thing([0, 0, 10, 5]), thing([5, 0, 10, 5], { crowd: true })]);
    const across = await augmented(image, { flip: 1 }, 1);
    expect(across.truth.boxes).toEqual([[48, 0, 64, 8]]);
    expect(across.truth.ignored).toEqual([[48, 0, 56, 8]]);
    expect(at(across, 5, 20)).toEqual([20, 60, 220]);
    expect(at(across, 60, 20)).toEqual([220, 60, 20]);
    expect(at(across, 70, 20)).toEqual([0, 0, 0]);
    const down = await augmented(image, { flipVertical: 1 }, 1);
    expect(down.truth.boxes).toEqual([[0, 24, 16, 32]]);
    expect(at(down, 5, 30)).toEqual([220, 200, 20]);
    expect(at(down, 5, 2)).toEqual([220, 60, 20]);
  });

  it('makes smaller with padding', async () => {
    const small = await augmented(memoryImage([thing([0, 0, 40, 20])]), { scale: [0.5, 0.5] }, 3);
    expect(small.contentSize).toEqual([16, 32]);
    expect(small.scale).toEqual([0.8, 0.8]);
    expect(small.truth.boxes).toEqual([[0, 0, 32, 16]]);
    expect(at(small, 32, 5)).toEqual([0, 0, 0]);
    expect(at(small, 5, 16)).toEqual([0, 0, 0]);
  });

  it('makes larger and crops; boxes end where the object does', async () => {
    // Red ends at x = 20 of the original, and so does the box: 60 × 48 of the 120 × 48 it is resized to, seen through 80 × 32.
    const image = memoryImage([thing([0, 0, 20, 20])]);
    const ends = new Set<number>();
    for (let seed = 0; seed < 30; seed += 1) {
      const example = await augmented(image, { scale: [1.5, 1.5] }, seed, { resize: 'stretch' });
      expect(example.contentSize).toEqual([32, 80]);
      const red = Array.from({ length: 80 }, (_, x) => at(example, x, 16)[0] ?? 0).filter((value) => value > 120).length;
      const [box] = example.truth.boxes;
      if (box === undefined) expect(red).toBeLessThanOrEqual(24);
      else {
        expect([box[0], box[1], box[3]]).toEqual([0, 0, 32]);
        expect(Math.abs(box[2] - red)).toBeLessThanOrEqual(1);
        ends.add(box[2]);
      }
    }
    expect(ends.size).toBeGreaterThan(8);
  });

  it('drops what a crop leaves a sliver of, but keeps ignored regions', async () => {
    const image = memoryImage([thing([0, 0, 12, 20]), thing([0, 0, 12, 20], { crowd: true })]);
    let slivers = 0;
    for (let seed = 0; seed < 40; seed += 1) {
      const { truth } = await augmented(image, { scale: [2, 2] }, seed, { resize: 'stretch' });
      const [region] = truth.ignored;
      const share = region === undefined ? 0 : ((region[2] - region[0]) * (region[3] - region[1])) / (48 * 64);
      expect(truth.boxes.length).toBe(share >= 0.25 ? 1 : 0);
      if (share > 0 && share < 0.25) slivers += 1;
    }
    expect(slivers).toBeGreaterThan(2);
  });

  it('changes colours within the bytes\' range, not geometry', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 10; seed += 1) {
      const example = await augmented(memoryImage([thing([0, 0, 10, 5])]), { photometric: 1 }, seed);
      expect(example.truth.boxes).toEqual([[0, 0, 16, 8]]);
      expect(Math.max(...example.pixels)).toBeLessThanOrEqual(255);
      expect(Math.min(...example.pixels)).toBeGreaterThanOrEqual(0);
      expect(at(example, 70, 20)).toEqual([0, 0, 0]);
      seen.add(at(example, 5, 20).map(Math.round).join());
    }
    expect(seen.size).toBe(10);
  });

  it('joins four images without padding, boxes where the objects are', async () => {
    const images = openScenes(configOf({ format: 'scenes', size: [64, 64], train: 12 }), 'train').images;
    const config = scenesConfig({ size: [64, 64], augment: { mosaic: 1, flip: 0.5, scale: [0.8, 1.5] } });
    const [first] = images;
    if (first === undefined) throw new Error('no image');
    const objects: number[] = [];
    for (let seed = 0; seed < 10; seed += 1) {
      const example = await prepareExample(first, config, Random.of(seed), { pool: images });
      expect(example.contentSize).toEqual([64, 64]);
      let empty = 0;
      for (let pixel = 0; pixel < example.pixels.length; pixel += 3) if (example.pixels[pixel] === 0 && example.pixels[pixel + 1] === 0 && example.pixels[pixel + 2] === 0) empty += 1;
      expect(empty).toBeLessThan(64);
      expect(example.truth.labels).toHaveLength(example.truth.boxes.length);
      for (const [x1, y1, x2, y2] of example.truth.boxes) expect(x1 >= 0 && y1 >= 0 && x2 <= 64 && y2 <= 64 && x2 - x1 >= 1 && y2 - y1 >= 1).toBe(true);
      objects.push(example.truth.boxes.length);
    }
    expect(objects.reduce((a, b) => a + b, 0) / 10).toBeGreaterThan(first.objects.length / 2);
    // Alone there is nothing to join with.
    expect((await prepareExample(memoryImage(), scenesConfig({ augment: { mosaic: 1 } }), Random.of(1))).contentSize).toEqual([32, 64]);
  });

  it('is a pure function of image, config and random numbers, cached or not', async () => {
    const path = await writeImage(join(folder, 'pure.jpg'), 90, 70);
    const config = scenesConfig({ augment: { flip: 0.5, flipVertical: 0.5, scale: [0.5, 2], photometric: 0.7 } });
    const cache = new ImageCache();
    const image = await imageFromFile(path);
    const once = await prepareExample(image, config, Random.of(4));
    for (const options of [{}, { cache }, { cache }]) expect(await prepareExample(image, config, Random.of(4), options)).toEqual(once);
    expect((await prepareExample(image, config, Random.of(5), { cache })).pixels).not.toEqual(once.pixels);
    expect(cache.bytes).toBeGreaterThan(0);
  });
});

describe('ImageCache', () => {
  it('keeps what fits and stays within its bound', async () => {
    const cache = new ImageCache(250);
    let made = 0;
    const make = (): Promise<{ width: number; height: number; data: Uint8Array }> => {
      made += 1;
      return Promise.resolve({ width: 1, height: 1, data: new Uint8Array(100) });
    };
    const images = [memoryImage(), memoryImage(), memoryImage()];
    for (let round = 0; round < 3; round += 1) for (const image of images) await cache.get(image, 'a', make);
    expect(made).toBe(5);
    expect(cache.bytes).toBe(200);
    const [first] = images;
    if (first !== undefined) await cache.get(first, 'b', make);
    expect([made, cache.bytes]).toEqual([6, 200]);
  });
});
