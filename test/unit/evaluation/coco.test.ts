import { describe, expect, it } from 'vitest';
import { type Box } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';
import { evaluateCoco, UNDEFINED } from '../../../src/evaluation/coco.ts';
import { type EvaluationDetection, type EvaluationTruth } from '../../../src/evaluation/types.ts';
import { metricsSchema } from '../../../src/experiment/record.ts';

const square = (x: number, y: number, side: number): Box => [x, y, x + side, y + side];
const object = (image: number, box: Box, more: Partial<EvaluationTruth['objects'][number]> = {}) => ({ image, label: 0, box, area: (box[2] - box[0]) * (box[3] - box[1]), crowd: false, difficult: false, ...more });
const found = (image: number, box: Box, score: number, label = 0): EvaluationDetection => ({ image, label, box, score });
const images = (count: number) => Array.from({ length: count }, (_, index) => ({ index, width: 500, height: 400 }));

describe('evaluateCoco', () => {
  it('gives 1 for perfect detections and −1 for sizes that do not occur', () => {
    const truth = { images: images(2), objects: [object(0, square(10, 10, 50)), object(1, square(0, 0, 200))] };
    const { metrics } = evaluateCoco(truth, truth.objects.map(({ image, box }) => found(image, box, 0.9)), ['a']);
    expect(metrics).toEqual({ AP: 1, AP50: 1, AP75: 1, APs: -1, APm: 1, APl: 1, AR1: 1, AR10: 1, AR100: 1, ARs: -1, ARm: 1, ARl: 1 });
  });

  it('gives 0 without detections and −1 for a class without objects', () => {
    const truth = { images: images(1), objects: [object(0, square(10, 10, 50))] };
    const { metrics, perClass } = evaluateCoco(truth, [], ['a', 'b']);
    expect(metrics).toMatchObject({ AP: 0, AR100: 0, APs: -1, APm: 0 });
    expect(perClass.b).toEqual(UNDEFINED);
    expect(perClass.a?.AP).toBe(0);
  });

  it('gives −1 everywhere for an empty data set, crowds only, or difficult objects only', () => {
    const only = (more: object) => evaluateCoco({ images: images(1), objects: [object(0, square(0, 0, 50), more)] }, [found(0, square(0, 0, 50), 1)], ['a']).metrics;
    expect(evaluateCoco({ images: [], objects: [] }, [], ['a']).metrics).toEqual(UNDEFINED);
    expect(evaluateCoco({ images: [], objects: [] }, [], []).metrics).toEqual(UNDEFINED);
    expect(only({ crowd: true })).toEqual(UNDEFINED);
    expect(only({ difficult: true })).toEqual(UNDEFINED);
  });

  it('finds half the objects: precision 1 up to recall 0.5 is 51 of 101 points', () => {
    const truth = { images: images(1), objects: [object(0, square(0, 0, 40)), object(0, square(100, 0, 40))] };
    const { metrics } = evaluateCoco(truth, [found(0, square(0, 0, 40), 0.9), found(0, square(300, 300, 40), 0.1)], ['a']);
    expect(metrics.AP).toBeCloseTo(51 / 101, 12);
    expect(metrics.AR100).toBe(0.5);
  });

  it('counts a second detection of one object as false', () => {
    const truth = { images: images(1), objects: [object(0, square(0, 0, 40)), object(0, square(100, 0, 40))] };
    const twice = [found(0, square(0, 0, 40), 0.9), found(0, square(0, 0, 40), 0.8), found(0, square(100, 0, 40), 0.7)];
    expect(evaluateCoco(truth, twice, ['a']).metrics.AP).toBeCloseTo((51 + 50 * (2 / 3)) / 101, 12);
  });

  it('gives each threshold its own match', () => {
    // IoU 80/120 = 0.667: a hit at 0.50, 0.55, 0.60, 0.65, a miss above.
    const truth = { images: images(1), objects: [object(0, [0, 0, 100, 10])] };
    const { metrics } = evaluateCoco(truth, [found(0, [20, 0, 120, 10], 0.5)], ['a']);
    expect(metrics).toMatchObject({ AP50: 1, AP75: 0 });
    expect(metrics.AP).toBeCloseTo(0.4, 12);
  });

  it('lets a crowd swallow any number of detections, by the part inside it', () => {
    const crowd = object(0, [0, 0, 400, 100], { crowd: true });
    const truth = { images: images(1), objects: [crowd, object(0, square(0, 200, 40))] };
    const inside = [0, 100, 200].map((x) => found(0, square(x, 10, 40), 0.9));
    const { metrics } = evaluateCoco(truth, [...inside, found(0, square(0, 200, 40), 0.5)], ['a']);
    expect(metrics.AP).toBe(1);
    const plain = evaluateCoco({ images: images(1), objects: [{ ...crowd, crowd: false, difficult: true }, object(0, square(0, 200, 40))] }, [...inside, found(0, square(0, 200, 40), 0.5)], ['a']);
    expect(plain.metrics.AP).toBeCloseTo(0.25, 12);
  });

  it('ignores a difficult object once', () => {
    const truth = { images: images(1), objects: [object(0, square(0, 0, 40), { difficult: true }), object(0, square(100, 0, 40))] };
    const one = [found(0, square(0, 0, 40), 0.9), found(0, square(100, 0, 40), 0.5)];
    expect(evaluateCoco(truth, one, ['a']).metrics.AP).toBe(1);
    expect(evaluateCoco(truth, [found(0, square(0, 0, 40), 0.95), ...one], ['a']).metrics.AP).toBeCloseTo(0.5, 12);
  });

  it('prefers an object that counts over a better overlap with an ignored one', () => {
    const truth = { images: images(1), objects: [object(0, [0, 0, 100, 100], { difficult: true }), object(0, [0, 0, 100, 70])] };
    expect(evaluateCoco(truth, [found(0, [0, 0, 100, 100], 0.9)], ['a']).metrics.AR100).toBeCloseTo(0.5, 12);
  });

  it('keeps the order of the input where scores are equal', () => {
    const truth = { images: images(2), objects: [object(0, square(0, 0, 40)), object(1, square(0, 0, 40))] };
    const good = [found(0, square(0, 0, 40), 0.5), found(1, square(0, 0, 40), 0.5)];
    const bad = found(0, square(200, 200, 40), 0.5);
    expect(evaluateCoco(truth, [...good, bad], ['a']).metrics.AP50).toBeCloseTo((51 + 50 * (2 / 3)) / 101, 12);
    expect(evaluateCoco(truth, [bad, ...good], ['a']).metrics.AP50).toBeCloseTo(2 / 3, 12);
    expect(evaluateCoco(truth, [bad, ...good], ['a']).metrics.AR1).toBe(0.5);
  });

  it('cuts at 100 detections an image and class, worst scores first, and at 1 and 10 for AR', () => {
    const truth = { images: images(1), objects: [object(0, square(0, 0, 40))] };
    const noise = Array.from({ length: 100 }, (_, i) => found(0, square(200, 200, 40), 0.5 + i / 1000));
    expect(evaluateCoco(truth, [found(0, square(0, 0, 40), 0.1), ...noise], ['a']).metrics.AR100).toBe(0);
    const tenth = evaluateCoco(truth, [found(0, square(0, 0, 40), 0.1), ...noise.slice(0, 9)], ['a']).metrics;
    expect(tenth).toMatchObject({ AR1: 0, AR10: 1, AR100: 1 });
  });

  it('takes object size from the annotated area and detection size from its box', () => {
    const truth = { images: images(1), objects: [object(0, square(0, 0, 40), { area: 900 })] };
    const { metrics } = evaluateCoco(truth, [found(0, square(0, 0, 40), 0.9), found(0, square(300, 300, 40), 0.95)], ['a']);
    expect(metrics).toMatchObject({ APm: -1, APl: -1 });
    // The false detection is medium by its box, so it does not count against the small objects.
    expect(metrics.APs).toBe(1);
    expect(metrics.AP).toBeCloseTo(0.5, 12);
  });

  it('does not depend on the order of images and takes any index', () => {
    const truth = { images: [{ index: 90, width: 9, height: 9 }, { index: 4, width: 9, height: 9 }], objects: [object(90, square(0, 0, 40)), object(4, square(0, 0, 40))] };
    const detections = [found(4, square(0, 0, 40), 0.5), found(90, square(9, 0, 40), 0.5)];
    expect(evaluateCoco(truth, detections, ['a'])).toEqual(evaluateCoco({ ...truth, images: truth.images.toReversed() }, detections, ['a']));
  });

  it('sorts scores that are not numbers last', () => {
    const truth = { images: images(1), objects: [object(0, square(0, 0, 40))] };
    expect(evaluateCoco(truth, [found(0, square(200, 0, 40), NaN), found(0, square(0, 0, 40), 0.1)], ['a']).metrics.AP).toBe(1);
  });

  it('refuses boxes of unknown images and classes', () => {
    const truth = { images: images(1), objects: [object(0, square(0, 0, 40))] };
    expect(() => evaluateCoco(truth, [found(7, square(0, 0, 1), 1)], ['a'])).toThrow(/image 7/);
    expect(() => evaluateCoco(truth, [found(0, square(0, 0, 1), 1, 3)], ['a'])).toThrow(/label 3/);
    expect(() => evaluateCoco({ images: [...images(1), ...images(1)], objects: [] }, [], ['a'])).toThrow(/same index/);
  });

  it('stays in range, and better boxes never score lower, on random scenes', () => {
    const random = Random.of(5);
    const truth = { images: images(30), objects: Array.from({ length: 150 }, (_, i) => object(i % 30, square(random.uniform() * 300, random.uniform() * 300, 10 + random.uniform() * 150), { label: i % 4 })) };
    const jitter = (size: number) => truth.objects.map(({ image, label, box }) => {
      const shift = (random.uniform() - 0.5) * size;
      return found(image, [box[0] + shift, box[1] - shift, box[2] + shift, box[3] - shift], random.uniform(), label);
    });
    const classes = ['a', 'b', 'c', 'd'];
    const [near, far] = [evaluateCoco(truth, jitter(2), classes), evaluateCoco(truth, jitter(60), classes)];
    expect(near.metrics.AP).toBeGreaterThan(far.metrics.AP);
    expect(metricsSchema.parse(near.metrics)).toEqual(near.metrics);
    for (const value of Object.values({ ...near.metrics, ...far.metrics })) expect(value === -1 || (value >= 0 && value <= 1)).toBe(true);
  });
});
