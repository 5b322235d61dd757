/** Anchors, box coding, matching and suppression: plain numbers, no tensors. */
import { describe, expect, it } from 'vitest';
import { allAnchors, anchorAt, createAnchors, type AnchorSettings } from '../../../src/detectors/anchors.ts';
import { assignAnchors, type AssignSettings } from '../../../src/detectors/assign.ts';
import { decode, DECODE_LIMITS, encode } from '../../../src/detectors/boxCoder.ts';
import { suppress } from '../../../src/detectors/nms.ts';
import { createTargets } from '../../../src/detectors/targets.ts';
import { area, intersection, iou, type Box, type GroundTruth } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';

const mmdetection: AnchorSettings = { convention: 'mmdetection', base: 4, octaves: 3, ratios: [0.5, 1, 2], rounded: false, strides: [8, 16, 32, 64, 128] };
const torchvision: AnchorSettings = { ...mmdetection, convention: 'torchvision', rounded: true };
const OBJECT: AssignSettings = { positive: 0.5, negative: 0.4, lowQuality: 'object' };
const ANCHOR: AssignSettings = { ...OBJECT, lowQuality: 'anchor' };

function truth(boxes: readonly Box[], ignored: readonly Box[] = []): GroundTruth {
  return { boxes, labels: boxes.map((_, index) => index), ignored };
}

/** Straight from the rules, anchor by anchor. */
function slowAssign(anchors: readonly Box[], { boxes, ignored }: GroundTruth, settings: AssignSettings): number[] {
  const overlaps = boxes.map((box) => anchors.map((anchor) => iou(box, anchor)));
  const bestOf = (index: number): number => overlaps.reduce((best, row, position) => ((row[index] ?? 0) > (overlaps[best]?.[index] ?? 0) ? position : best), 0);
  const result = anchors.map((_, index) => {
    const value = Math.max(0, ...overlaps.map((row) => row[index] ?? 0));
    if (value >= settings.positive) return bestOf(index) + 1;
    return value >= settings.negative ? -1 : 0;
  });
  overlaps.forEach((row, position) => {
    const record = Math.fround(Math.max(...row));
    row.forEach((value, index) => {
      if (record > 0 && Math.fround(value) === record) result[index] = settings.lowQuality === 'object' ? position + 1 : bestOf(index) + 1;
    });
  });
  return result.map((object, index) => {
    const anchor = anchors[index] as Box;
    return object === 0 && ignored.some((region) => intersection(anchor, region) > 0.5 * area(anchor)) ? -1 : object;
  });
}

describe('anchors', () => {
  it('follow MMDetection: centres at column · stride, sides by root of ratio, not rounded', () => {
    const grid = createAnchors(mmdetection, [96, 128]);
    expect(grid.count).toBe((12 * 16 + 6 * 8 + 3 * 4 + 2 * 2 + 1) * 9);
    const [width, height] = [32 / Math.sqrt(0.5), 32 * Math.sqrt(0.5)];
    expect(anchorAt(grid, 0)).toEqual([-width / 2, -height / 2, width / 2, height / 2]);
    // Second row, third column, ratio 1, second octave.
    const side = 32 * 2 ** (1 / 3);
    anchorAt(grid, (16 + 2) * 9 + 4).forEach((value, index) => { expect(value).toBeCloseTo(([16, 8, 16, 8][index] ?? 0) + (index < 2 ? -side : side) / 2, 10); });
    expect(() => anchorAt(grid, grid.count)).toThrow(RangeError);
  });

  it('follow torchvision: whole sizes, corners rounded half to even, cells as wide as the map makes them', () => {
    const grid = createAnchors(torchvision, [90, 118]);
    expect(grid.levels.map(({ rows, columns, stepY, stepX }) => [rows, columns, stepY, stepX])).toEqual([[12, 15, 7, 7], [6, 8, 15, 14], [3, 4, 30, 29], [2, 2, 45, 59], [1, 1, 90, 118]]);
    expect([0, 1, 2].map((index) => anchorAt(grid, index))).toEqual([[-23, -11, 23, 11], [-28, -14, 28, 14], [-35, -18, 35, 18]]);
  });

  it('come in the order level, row, column, ratio, octave', () => {
    const grid = createAnchors(mmdetection, [64, 96]);
    const flat = allAnchors(grid);
    for (const index of [0, 8, 9, 107, 108, grid.count - 1]) {
      anchorAt(grid, index).forEach((value, side) => { expect(flat[index * 4 + side]).toBe(Math.fround(value)); });
    }
  });
});

describe('box coder', () => {
  const anchor: Box = [10, 20, 50, 40];

  it('inverts itself', () => {
    const box: Box = [13, 15, 33, 55];
    expect(encode(anchor, box)).toEqual([-0.175, 0.25, Math.log(0.5), Math.log(2)]);
    decode(anchor, encode(anchor, box), DECODE_LIMITS.mmdetection).forEach((value, side) => { expect(value).toBeCloseTo(box[side] ?? NaN, 10); });
  });

  it('holds the sides\' ratio at both ends as MMDetection, at the upper one as torchvision', () => {
    const widthOf = ([x1, , x2]: Box): number => x2 - x1;
    expect(widthOf(decode(anchor, [0, 0, 9, 0], DECODE_LIMITS.mmdetection))).toBeCloseTo(40 * 62.5, 6);
    expect(widthOf(decode(anchor, [0, 0, 9, 0], DECODE_LIMITS.torchvision))).toBeCloseTo(40 * 62.5, 6);
    expect(widthOf(decode(anchor, [0, 0, -9, 0], DECODE_LIMITS.mmdetection))).toBeCloseTo(40 / 62.5, 6);
    expect(widthOf(decode(anchor, [0, 0, -9, 0], DECODE_LIMITS.torchvision))).toBeCloseTo(40 * Math.exp(-9), 6);
  });
});

describe('assignment', () => {
  const random = Random.of(5);
  const boxes = (count: number): Box[] => Array.from({ length: count }, () => {
    const [x, y] = [random.uniform(-5, 110), random.uniform(-5, 80)];
    return [x, y, x + random.uniform(3, 90), y + random.uniform(3, 70)] as const;
  });
  const compact: AnchorSettings = { ...mmdetection, base: 1.8, ratios: [1], strides: [8, 16, 32] };

  it.each([['object', OBJECT, mmdetection], ['anchor', ANCHOR, torchvision], ['object, small', OBJECT, compact]] as const)('equals the slow way: %s', (_, settings, anchors) => {
    const grid = createAnchors(anchors, [90, 118]);
    const all = Array.from({ length: grid.count }, (__, index) => anchorAt(grid, index));
    for (let round = 0; round < 12; round += 1) {
      const image = truth(boxes(round), round % 3 === 0 ? boxes(2) : []);
      expect([...assignAnchors(grid, image, settings)]).toEqual(slowAssign(all, image, settings));
    }
  });

  it('gives every object its best anchors, all that tie', () => {
    const grid = createAnchors({ ...compact, base: 2, octaves: 1, strides: [8] }, [32, 32]);
    // Small and midway between two centres: no overlap reaches the threshold, two anchors are best.
    const assignment = assignAnchors(grid, truth([[11, 15, 13, 17]]), OBJECT);
    expect([...assignment].flatMap((object, index) => (object === 1 ? [index] : []))).toEqual([9, 10]);
    expect([...assignment].filter((object) => object < 0)).toEqual([]);
  });

  it('lets later objects take an anchor that both like best, or leaves it with the one it overlaps most', () => {
    const grid = createAnchors({ ...compact, base: 2, octaves: 1, strides: [8] }, [32, 32]);
    const both = truth([[1, 1, 15, 15], [7, 7, 9, 9]]);
    expect(assignAnchors(grid, both, OBJECT)[5]).toBe(2);
    expect(assignAnchors(grid, both, ANCHOR)[5]).toBe(1);
  });

  it('passes over boxes without area and images without objects', () => {
    const grid = createAnchors(compact, [64, 64]);
    expect(assignAnchors(grid, truth([]), OBJECT).every((object) => object === 0)).toBe(true);
    expect(assignAnchors(grid, truth([[5, 5, 5, 20]]), OBJECT).every((object) => object === 0)).toBe(true);
  });
});

describe('targets', () => {
  const grid = createAnchors({ ...mmdetection, base: 1.8, ratios: [1], strides: [8, 16, 32] }, [64, 64]);
  const images: GroundTruth[] = [{ boxes: [[10, 10, 30, 32]], labels: [3], ignored: [[40, 40, 64, 64]] }, truth([])];

  it('carry labels, deltas and the divisor of MMDetection', () => {
    const { tensors, assignments } = createTargets(grid, images, images.map((image) => assignAnchors(grid, image, OBJECT)), 'batch');
    const { labels, classWeights, boxTargets, boxWeights } = tensors;
    expect([labels?.shape, classWeights?.shape, boxTargets?.shape, boxWeights?.shape]).toEqual([[2, grid.count], [2, grid.count], [2, grid.count, 4], [2, grid.count]]);
    const positives = [...(assignments[0] ?? [])].filter((object) => object > 0).length;
    const weight = Math.fround(1 / (positives + 1 + 2 ** -23));
    assignments[0]?.forEach((object, anchor) => {
      expect(labels?.data[anchor]).toBe(object > 0 ? 3 : -1);
      expect(classWeights?.data[anchor]).toBe(object < 0 ? 0 : weight);
      expect(boxWeights?.data[anchor]).toBe(object > 0 ? weight : 0);
      if (object > 0) encode(anchorAt(grid, anchor), [10, 10, 30, 32]).forEach((value, side) => { expect(boxTargets?.data[anchor * 4 + side]).toBe(Math.fround(value)); });
    });
    expect([...(assignments[0] ?? [])].some((object) => object < 0)).toBe(true);
    expect([...(classWeights?.data ?? [])].slice(grid.count)).toEqual(Array.from({ length: grid.count }, () => weight));
  });

  it('average by image as torchvision', () => {
    const { tensors: { classWeights }, assignments } = createTargets(grid, images, images.map((image) => assignAnchors(grid, image, ANCHOR)), 'image');
    const positives = [...(assignments[0] ?? [])].filter((object) => object > 0).length;
    expect(Math.max(...(classWeights?.data.subarray(0, grid.count) ?? []))).toBe(Math.fround(0.5 / positives));
    expect(classWeights?.data.at(-1)).toBe(0.5);
  });
});

describe('suppression', () => {
  const at = (x: number, score: number, label = 0) => ({ box: [x, 0, x + 10, 10] as Box, label, score });

  it('drops what a better one of its class overlaps by more than the threshold', () => {
    // IoU of neighbours at distance d: (10 − d) / (10 + d).
    expect(suppress([at(0, 0.5), at(2, 0.9), at(4, 0.8), at(9, 0.3), at(1, 0.6, 1)], 0.5, 10)).toEqual([at(2, 0.9), at(1, 0.6, 1), at(9, 0.3)]);
    expect(suppress([at(0, 0.9), at(5, 0.8)], 1 / 3, 10)).toHaveLength(2);
  });

  it('keeps the best few, equal scores in their order', () => {
    expect(suppress([at(0, 0.5), at(20, 0.5), at(40, 0.7)], 0.5, 2)).toEqual([at(40, 0.7), at(0, 0.5)]);
    expect(suppress([], 0.5, 2)).toEqual([]);
  });
});
