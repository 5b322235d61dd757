import { describe, expect, it } from 'vitest';
import { type Box } from '../../../src/engine/boxes.ts';
import { UNDEFINED } from '../../../src/evaluation/coco.ts';
import { evaluateVoc } from '../../../src/evaluation/voc.ts';

const square = (x: number, side = 10): Box => [x, 0, x + side, side];
const object = (image: number, box: Box, difficult = false, label = 0) => ({ image, label, box, area: 100, crowd: false, difficult });
const found = (image: number, box: Box, score: number, label = 0) => ({ image, label, box, score });
const images = [{ index: 0, width: 100, height: 100 }, { index: 1, width: 100, height: 100 }];

describe('evaluateVoc', () => {
  it('integrates the precision envelope', () => {
    const truth = { images, objects: [object(0, square(0)), object(0, square(50)), object(1, square(0)), object(1, square(50))] };
    // Hit, miss, hit, miss, hit: precision 1, 1/2, 2/3, 2/4, 3/5 at recall 1/4, 1/4, 2/4, 2/4, 3/4.
    const detections = [found(0, square(0), 0.9), found(0, square(80), 0.8), found(0, square(50), 0.7), found(1, square(80), 0.6), found(1, square(0), 0.5)];
    const { metrics } = evaluateVoc(truth, detections, ['a']);
    expect(metrics.AP).toBeCloseTo(0.25 * (1 + 2 / 3 + 3 / 5), 12);
    expect(metrics).toMatchObject({ AR100: 0.75, AP75: -1, APs: -1 });
    // Recall points 0, .1, .2 → 1; .3, .4, .5 → 2/3; .6, .7 → 3/5; the rest 0.
    expect(evaluateVoc(truth, detections, ['a'], { interpolation: '11-point' }).metrics.AP).toBeCloseTo((3 + 2 + 1.2) / 11, 12);
  });

  it('does not count detections of difficult objects, however many', () => {
    const truth = { images, objects: [object(0, square(0), true), object(0, square(50))] };
    const detections = [found(0, square(0), 0.9), found(0, square(0), 0.8), found(0, square(50), 0.7)];
    expect(evaluateVoc(truth, detections, ['a']).metrics.AP).toBe(1);
  });

  it('gives a detection to its best object only: a second one is false though another object is free', () => {
    const truth = { images, objects: [object(0, square(0)), object(0, square(3))] };
    const detections = [found(0, square(0), 0.9), found(0, square(1), 0.8)];
    expect(evaluateVoc(truth, detections, ['a']).metrics.AP).toBeCloseTo(0.5, 12);
  });

  it('counts an IoU of exactly one half', () => {
    const truth = { images, objects: [object(0, [0, 0, 10, 10])] };
    expect(evaluateVoc(truth, [found(0, [0, 0, 10, 5], 0.9)], ['a']).metrics.AP).toBe(1);
    expect(evaluateVoc(truth, [found(0, [0, 0, 10, 5], 0.9)], ['a'], { iou: 0.6 }).metrics.AP).toBe(0);
  });

  it('averages over the classes that have objects', () => {
    const truth = { images, objects: [object(0, square(0)), object(1, square(0), false, 1), object(1, square(50), true, 2)] };
    const { metrics, perClass } = evaluateVoc(truth, [found(0, square(0), 0.9), found(0, square(0), 0.9, 2)], ['a', 'b', 'c']);
    expect(perClass.a?.AP).toBe(1);
    expect(perClass.b?.AP).toBe(0);
    expect(perClass.c).toEqual(UNDEFINED);
    expect(metrics.AP).toBe(0.5);
    expect(evaluateVoc({ images, objects: [] }, [], ['a']).metrics).toEqual(UNDEFINED);
  });
});
