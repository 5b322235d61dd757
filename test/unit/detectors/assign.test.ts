/** Which point or anchor serves which object, by FCOS and by ATSS, against plain readings of the papers, and at the edges. */
import { describe, expect, it } from 'vitest';
import { anchorAt, centreAt, createAnchors, levelOf, type AnchorGrid } from '../../../src/detectors/anchors.ts';
import { assignAtss } from '../../../src/detectors/assignAtss.ts';
import { assignPoints, type PointSettings } from '../../../src/detectors/assignPoints.ts';
import { centerness, sidesFrom } from '../../../src/detectors/sides.ts';
import { area, iou, type Box, type GroundTruth } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';

const strides = [8, 16, 32];

function truth(boxes: readonly Box[], ignored: readonly Box[] = []): GroundTruth {
  return { boxes, labels: boxes.map(() => 0), ignored };
}

function randomBoxes(seed: number, [height, width]: readonly [number, number]): Box[] {
  const random = Random.of(seed);
  return Array.from({ length: 1 + random.integer(6) }, (): Box => {
    const [x, y] = [random.uniform(0, width), random.uniform(0, height)];
    const [halfWidth, halfHeight] = [random.uniform(1, width / 3), random.uniform(1, height / 3)];
    return [Math.max(0, x - halfWidth), Math.max(0, y - halfHeight), Math.min(width, x + halfWidth), Math.min(height, y + halfHeight)];
  });
}

function positives(assignment: Int32Array): number[] {
  return [...assignment].flatMap((object, index) => (object > 0 ? [index] : []));
}

describe('points', () => {
  const grid = createAnchors({ convention: 'mmdetection', base: 1, octaves: 1, ratios: [1], rounded: false, strides, offset: 0.5 }, [90, 118]);
  const plain: PointSettings = { convention: 'mmdetection', strides, centerSampling: 0, range: 3 };

  function slow(image: GroundTruth, { centerSampling, range, convention }: PointSettings): number[] {
    return Array.from({ length: grid.count }, (_, index) => {
      const level = levelOf(grid, index);
      const stride = strides[level] ?? 0;
      const [x, y] = centreAt(grid, index);
      const closed = convention === 'mmdetection';
      const serving = image.boxes.flatMap((box, position) => {
        const sides = sidesFrom([x, y], box);
        const far = Math.max(...sides);
        const near = centerSampling === 0 || Math.max(Math.abs(x - (box[0] + box[2]) / 2), Math.abs(y - (box[1] + box[3]) / 2)) < centerSampling * stride;
        const [from, to] = [level === 0 ? -1 : (stride / 2) * range, level === 2 ? Infinity : stride * range];
        return Math.min(...sides) > 0 && near && (closed ? far >= from && far <= to : far > from && far < to) ? [{ position, size: area(box) }] : [];
      });
      const smallest = serving.toSorted((a, b) => a.size - b.size)[0];
      if (smallest !== undefined) return smallest.position + 1;
      return image.ignored.some((region) => Math.min(...sidesFrom([x, y], region)) > 0) ? -1 : 0;
    });
  }

  it.each([
    ['anywhere in the box', plain], ['near the centre', { ...plain, centerSampling: 1.5 }], ['with torchvision\'s open ranges', { ...plain, convention: 'torchvision', centerSampling: 1.5 }],
  ] as const)('serve as the paper says: %s', (_, settings) => {
    for (let seed = 0; seed < 12; seed += 1) {
      const image = truth(randomBoxes(seed, [90, 118]), seed % 3 === 0 ? randomBoxes(99, [90, 118]) : []);
      expect([...assignPoints(grid, image, settings)], `seed ${seed}`).toEqual(slow(image, settings));
    }
  });

  it('on an edge of the box are outside, at the end of a range inside where it is closed', () => {
    const onEdge = assignPoints(grid, truth([[4, 4, 20, 20]]), plain);
    expect(positives(onEdge).map((index) => centreAt(grid, index))).toEqual([[12, 12]]);
    // From (12, 12) the farthest side is 24 = 3 strides away.
    const atEnd = truth([[8, 8, 36, 36]]);
    const first = 1 + 1 * 15;
    expect(centreAt(grid, first)).toEqual([12, 12]);
    expect([assignPoints(grid, atEnd, plain)[first], assignPoints(grid, atEnd, { ...plain, convention: 'torchvision' })[first]]).toEqual([1, 0]);
  });

  it('take the smaller of two boxes, the first of two that are equal', () => {
    const [large, small]: Box[] = [[0, 0, 40, 40], [10, 10, 22, 22]];
    for (const boxes of [[large, small], [small, large]]) {
      const found = assignPoints(grid, truth(boxes as Box[]), plain)[1 + 15];
      expect(boxes[(found ?? 0) - 1]).toBe(small);
    }
    expect(assignPoints(grid, truth([small, small] as Box[]), plain)[1 + 15]).toBe(1);
  });

  it('serve nobody in images without objects, between points, outside the image', () => {
    for (const boxes of [[], [[5, 5, 6, 6]], [[300, 300, 340, 340]], [[-50, -50, -10, -10]], [[10, 10, 10, 30]]] as Box[][]) expect(positives(assignPoints(grid, truth(boxes), plain))).toEqual([]);
    expect(positives(assignPoints(grid, truth([[3, 3, 5, 5]]), plain))).toEqual([0]);
  });
});

describe('anchors by ATSS', () => {
  const grid = createAnchors({ convention: 'mmdetection', base: 4, octaves: 1, ratios: [1], rounded: false, strides }, [96, 128]);

  function slow(anchors: AnchorGrid, image: GroundTruth): number[] {
    const chosen = image.boxes.map((box) => {
      const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] as const;
      const candidates = anchors.levels.flatMap((level, position) => {
        const count = level.rows * level.columns;
        return Array.from({ length: count }, (_, index) => level.offset + index).filter((index) => levelOf(anchors, index) === position)
          .map((index) => ({ index, distance: Math.hypot(centreAt(anchors, index)[0] - middle[0], centreAt(anchors, index)[1] - middle[1]) }))
          .toSorted((a, b) => a.distance - b.distance).slice(0, 9).map(({ index }) => index);
      });
      const overlaps = candidates.map((index) => iou(anchorAt(anchors, index), box));
      const mean = overlaps.reduce((sum, value) => sum + value, 0) / overlaps.length;
      const deviation = Math.sqrt(overlaps.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (overlaps.length - 1));
      return new Map(candidates.flatMap((index, place) => ((overlaps[place] ?? 0) >= mean + deviation && Math.min(...sidesFrom(centreAt(anchors, index), box)) > 0.01 ? [[index, overlaps[place] ?? 0] as const] : [])));
    });
    return Array.from({ length: anchors.count }, (_, index) => {
      const best = chosen.flatMap((serving, position) => (serving.has(index) ? [{ position, overlap: serving.get(index) ?? 0 }] : [])).toSorted((a, b) => b.overlap - a.overlap)[0];
      return best === undefined ? 0 : best.position + 1;
    });
  }

  it('are chosen as the paper says', () => {
    for (let seed = 0; seed < 12; seed += 1) {
      const image = truth(randomBoxes(seed, [96, 128]));
      expect([...assignAtss(grid, image)], `seed ${seed}`).toEqual(slow(grid, image));
    }
  });

  it('serve a box of one pixel at a centre, and none between centres or outside', () => {
    expect(positives(assignAtss(grid, truth([[15.5, 15.5, 16.5, 16.5]])))).toContain(2 + 2 * 16);
    expect(positives(assignAtss(grid, truth([[19, 19, 20, 20]])))).toEqual([]);
    expect(positives(assignAtss(grid, truth([[300, 300, 340, 340]])))).toEqual([]);
    expect(positives(assignAtss(grid, truth([])))).toEqual([]);
  });

  it('keep equal overlaps though their mean is rounded, and a single candidate', () => {
    // A level of equal squares, a small box inside nine of them: all overlap it alike.
    const one = createAnchors({ convention: 'mmdetection', base: 8, octaves: 1, ratios: [1], rounded: false, strides: [8] }, [64, 64]);
    expect(positives(assignAtss(one, truth([[31.9, 31.8, 33.3, 33.1]])))).toEqual([4 + 4 * 8]);
    expect(positives(assignAtss(createAnchors({ convention: 'mmdetection', base: 8, octaves: 1, ratios: [1], rounded: false, strides: [32] }, [32, 32]), truth([[-4, -4, 9, 9]])))).toEqual([0]);
  });

  it('do not count as background where their centre is in an ignored region', () => {
    const assignment = assignAtss(grid, truth([[10, 10, 40, 40]], [[60, 60, 90, 90]]));
    expect(assignment[8 + 8 * 16]).toBe(-1);
    expect(assignment[0]).toBe(0);
  });
});

describe('centerness', () => {
  it('is 1 in the middle, 0 on edges and outside, never NaN', () => {
    const box: Box = [0, 0, 10, 20];
    expect(centerness(sidesFrom([5, 10], box))).toBe(1);
    expect(centerness(sidesFrom([2, 10], box))).toBeCloseTo(0.5, 12);
    for (const point of [[0, 10], [-3, 10], [5, 30]] as const) expect(centerness(sidesFrom(point, box))).toBe(0);
    expect(centerness([0, 0, 0, 0])).toBe(0);
  });
});
