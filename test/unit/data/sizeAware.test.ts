import { describe, expect, it } from 'vitest';
import { prepareExample } from '../../../src/data/prepare.ts';
import { type AnnotatedImage, type AnnotatedObject, type Example } from '../../../src/data/sample.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';
import { type DataConfig } from '../../../src/experiment/schema.ts';
import { configOf, halves } from './material.ts';

const thing = (box: Box): AnnotatedObject => ({ box, label: 0, area: 1, crowd: false, difficult: false });

/** 80 × 64: left half red, right half blue. */
function image(...objects: AnnotatedObject[]): AnnotatedImage {
  return { index: 0, id: 'memory', width: 80, height: 64, objects, pixels: () => Promise.resolve({ width: 80, height: 64, data: halves(80, 64) }) };
}

function config(sizeAware: Record<string, unknown> | undefined): DataConfig {
  return configOf({ format: 'scenes', size: [64, 96], normalize: { mean: [0, 0, 0], std: [1, 1, 1] }, augment: { flip: 0, ...(sizeAware === undefined ? {} : { sizeAware }) } });
}

const prepare = (own: AnnotatedImage, sizeAware: Record<string, unknown> | undefined, seed = 1): Promise<Example> => prepareExample(own, config(sizeAware), Random.of(seed));
const SMALL = thing([2, 2, 20, 20]);
const LARGE = thing([10, 10, 60, 60]);

describe('changes by object size', () => {
  it('crop an image with a larger object, and keep that object where it is seen', async () => {
    const cropped = await prepare(image(SMALL, LARGE), { crop: [0.5, 0.5] });
    expect(cropped.contentSize).toEqual([32, 40]);
    for (const [x1, y1, x2, y2] of cropped.truth.boxes) {
      expect(Math.min(x1, y1)).toBeGreaterThanOrEqual(0);
      expect(x2).toBeLessThanOrEqual(40);
      expect(y2).toBeLessThanOrEqual(32);
    }
    // What the crop leaves free is padding.
    expect(cropped.pixels.slice((40 * 96 + 50) * 3, (40 * 96 + 50) * 3 + 3)).toEqual(new Float32Array(3));
  });

  it('draw each side by itself, within the range', async () => {
    const sizes = await Promise.all(Array.from({ length: 12 }, async (_, seed) => (await prepare(image(LARGE), {}, seed)).contentSize));
    for (const [height, width] of sizes) {
      expect(height).toBeGreaterThanOrEqual(51);
      expect(height).toBeLessThanOrEqual(64);
      expect(width).toBeGreaterThanOrEqual(64);
      expect(width).toBeLessThanOrEqual(80);
    }
    expect(new Set(sizes.map(([height]) => height)).size).toBeGreaterThan(3);
  });

  it('lay noise on an image of small objects, and do not crop it', async () => {
    const [plain, noisy] = [await prepare(image(SMALL), undefined), await prepare(image(SMALL), { noise: 1, crop: [0.5, 0.5] })];
    expect(noisy.contentSize).toEqual([64, 80]);
    expect(noisy.truth).toEqual(plain.truth);
    const differences = Array.from(noisy.pixels, (value, index) => value - (plain.pixels[index] ?? 0)).filter((_, index) => Math.floor(index / 3) % 96 < 80);
    // Values in the middle of the range move by 0.08 of it; those at its ends are held.
    const spread = Math.sqrt(differences.reduce((sum, value) => sum + value ** 2, 0) / differences.length);
    expect(spread).toBeGreaterThan(14);
    expect(spread).toBeLessThan(22);
    expect(Math.min(...noisy.pixels)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...noisy.pixels)).toBeLessThanOrEqual(255);
  });

  it('count an image without objects as one of small objects', async () => {
    expect((await prepare(image(), { noise: 0, crop: [0.5, 0.5] })).contentSize).toEqual([64, 80]);
    expect((await prepare(image(), { noise: 1 })).pixels).not.toEqual((await prepare(image(), undefined)).pixels);
  });

  it('measure objects in pixels of the original, against the side that is set', async () => {
    expect((await prepare(image(SMALL), { small: 10, crop: [0.5, 0.5] })).contentSize).toEqual([32, 40]);
    expect((await prepare(image(LARGE), { small: 60, noise: 0, crop: [0.5, 0.5] })).contentSize).toEqual([64, 80]);
  });

  it('leave everything else as it was drawn, and are the same again from the same seed', async () => {
    expect((await prepare(image(SMALL), { noise: 0 })).pixels).toEqual((await prepare(image(SMALL), undefined)).pixels);
    expect(await prepare(image(SMALL), { noise: 1 }, 7)).toEqual({ ...(await prepare(image(SMALL), { noise: 1 }, 7)), image: expect.anything() as AnnotatedImage });
  });
});
