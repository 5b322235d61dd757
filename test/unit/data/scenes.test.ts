import { describe, expect, it } from 'vitest';
import { openDataSet } from '../../../src/data/open.ts';
import { bounds, cover } from '../../../src/data/raster.ts';
import { layOut } from '../../../src/data/sceneLayout.ts';
import { openScenes } from '../../../src/data/scenes.ts';
import { outline, SHAPES } from '../../../src/data/shapes.ts';
import { type AnnotatedImage } from '../../../src/data/sample.ts';
import { area, iou } from '../../../src/engine/boxes.ts';
import { configOf, failure } from './material.ts';

const config = configOf({ format: 'scenes', size: [128, 128], train: 200, val: 40 });
/** As text: comparing arrays value by value takes a matcher long. */
const bytes = async (image: AnnotatedImage | undefined): Promise<string> => Buffer.from((await image?.pixels())?.data ?? []).toString('base64');
const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);

describe('cover', () => {
  it('covers exactly what the outline encloses, cut at the canvas', () => {
    const square = cover([[1.25, 1.5, 3.5, 1.5, 3.5, 4, 1.25, 4]], 8, 8);
    expect([square.left, square.top, square.width, square.height]).toEqual([1, 1, 3, 3]);
    expect([...square.values]).toEqual([0.375, 0.5, 0.25, 0.75, 1, 0.5, 0.75, 1, 0.5]);
    expect(sum(cover([[-4, -4, 4, -4, 4, 4, -4, 4]], 8, 8).values)).toBe(16);
    expect(cover([[20, 20, 30, 20, 30, 30]], 8, 8).values).toHaveLength(0);
    expect(sum(cover([[0, 0, 8, 0, 8, 8, 0, 8], [2, 2, 6, 2, 6, 6, 2, 6]], 8, 8).values)).toBe(48);
  });

  it.each([['disc', 2.64], ['square', 2.56], ['triangle', 1.515], ['star', 1.428], ['cross', 2.04], ['ring', 2.037]] as const)('draws a %s of the right area at any pose', (shape, unitArea) => {
    for (const [rotation, aspect] of [[0, 1], [0.7, 1.18], [2.9, 0.82]] as const) {
      const contours = outline(shape, { x: 60, y: 64, radius: 30, rotation, aspect });
      expect(sum(cover(contours, 128, 128).values) / 900).toBeCloseTo(unitArea, 1);
      const [x1, y1, x2, y2] = bounds(contours);
      expect(Math.max(x2 - x1, y2 - y1)).toBeLessThan(2 * 30 * Math.SQRT2);
    }
  });
});

describe('scenes', () => {
  it('depend on seed, split and index alone', async () => {
    const [first, second] = [openScenes(config, 'train'), openScenes({ ...config, train: 10 }, 'train')];
    const [image, same] = [first.images[7], second.images[7]];
    expect(same?.objects).toEqual(image?.objects);
    expect(await bytes(same)).toEqual(await bytes(image));
    for (const other of [openScenes(config, 'val').images[7], openScenes({ ...config, seed: 1 }, 'train').images[7], first.images[8]]) {
      expect(other?.objects).not.toEqual(image?.objects);
      expect(await bytes(other)).not.toEqual(await bytes(image));
    }
  });

  it('hold 1 to 8 objects, about 4.8 of them, all classes equally often, all sizes', () => {
    const objects = openScenes(config, 'train').images.map((image) => image.objects);
    const all = objects.flat();
    expect(Math.min(...objects.map((list) => list.length))).toBeGreaterThanOrEqual(1);
    expect(Math.max(...objects.map((list) => list.length))).toBeLessThanOrEqual(8);
    expect(all.length / objects.length).toBeGreaterThan(4.3);
    expect(all.length / objects.length).toBeLessThan(5.3);
    for (const label of SHAPES.keys()) expect(all.filter((object) => object.label === label).length / all.length).toBeGreaterThan(0.12);
    const sides = all.map((object) => Math.sqrt(object.area));
    expect(Math.min(...sides)).toBeLessThan(10);
    expect(Math.max(...sides)).toBeGreaterThan(45);
  });

  it('keep boxes in the image and apart, and every object mostly visible', () => {
    for (let index = 0; index < 100; index += 1) {
      const placed = layOut({ seed: 3, split: 'train', size: [96, 160], classes: SHAPES }, index);
      for (const [i, { box, coverage }] of placed.entries()) {
        expect(box[0] >= 0 && box[1] >= 0 && box[2] <= 160 && box[3] <= 96 && area(box) > 9).toBe(true);
        for (const other of placed.slice(0, i)) expect(iou(box, other.box)).toBeLessThanOrEqual(0.45);
        let hidden = 0;
        for (let at = 0; at < coverage.values.length; at += 1) {
          const [x, y] = [coverage.left + (at % coverage.width), coverage.top + Math.floor(at / coverage.width)];
          const seen = placed.slice(i + 1).reduce((left, { coverage: above }) => {
            const [u, v] = [x - above.left, y - above.top];
            const inside = u >= 0 && v >= 0 && u < above.width && v < above.height;
            return left * (1 - (inside ? Math.min(1, above.values[v * above.width + u] ?? 0) : 0));
          }, 1);
          hidden += (coverage.values[at] ?? 0) * (1 - seen);
        }
        expect(hidden).toBeLessThanOrEqual(0.45 * sum(coverage.values) + 1e-3);
      }
    }
  });

  it('have boxes tight around what is drawn', () => {
    for (let index = 0; index < 50; index += 1) {
      for (const { box, coverage } of layOut({ seed: 5, split: 'val', size: [128, 128], classes: SHAPES }, index)) {
        let [x1, y1, x2, y2] = [Infinity, Infinity, 0, 0];
        for (const [at, value] of coverage.values.entries()) {
          if (value <= 0) continue;
          const [x, y] = [coverage.left + (at % coverage.width), coverage.top + Math.floor(at / coverage.width)];
          [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)];
        }
        for (const [side, drawn] of [[box[0], x1], [box[1], y1], [box[2], x2], [box[3], y2]] as const) expect(Math.abs(side - drawn)).toBeLessThan(1.3);
      }
    }
  });

  it('draw the objects where the boxes are, in colours that stand out', async () => {
    let [inside, outside, count] = [0, 0, 0];
    for (const image of openScenes(config, 'train').images.slice(0, 30)) {
      const { data } = await image.pixels();
      const mean = [0, 1, 2].map((channel) => data.filter((_, at) => at % 3 === channel).reduce((total, value) => total + value, 0) / (128 * 128));
      const distance = (x: number, y: number): number => mean.reduce((total, value, channel) => total + Math.abs((data[(y * 128 + x) * 3 + channel] ?? 0) - value), 0) / 3;
      for (const { box, label } of image.objects) {
        if (SHAPES[label] === 'ring' || SHAPES[label] === undefined) continue;
        inside += distance(Math.min(127, Math.round((box[0] + box[2]) / 2)), Math.min(127, Math.round((box[1] + box[3]) / 2)));
        outside += distance(count % 128, (count * 37) % 128);
        count += 1;
      }
    }
    expect(inside / count).toBeGreaterThan(1.4 * (outside / count));
  });

  it('draw chosen classes alone, and name what cannot be drawn', async () => {
    const set = await openDataSet({ ...config, classes: ['ring', 'disc'] }, 'val', { baseFolder: '.' });
    expect(set.images).toHaveLength(40);
    expect(new Set(set.images.flatMap((image) => image.objects.map((object) => object.label)))).toEqual(new Set([0, 1]));
    const error = await failure(openDataSet({ ...config, classes: ['disc', 'sqare'] }, 'val', { baseFolder: '.' }));
    expect([error.code, error.details.key, error.details.advice]).toEqual(['DL307', ['data', 'classes', 1], 'did you mean "square"?']);
  });

  it('scale with the input and can be small', async () => {
    const [small, large] = [32, 256].map((side) => openScenes({ ...config, size: [side, side] }, 'val').images);
    const meanArea = (images: typeof small): number => {
      const objects = (images ?? []).flatMap((image) => image.objects);
      return objects.reduce((total, object) => total + object.area, 0) / objects.length;
    };
    expect(meanArea(large) / meanArea(openScenes(config, 'val').images)).toBeGreaterThan(3);
    expect(small?.every((image) => image.objects.length > 0)).toBe(true);
    expect((await large?.[0]?.pixels())?.data.length).toBe(256 * 256 * 3);
  });
});
