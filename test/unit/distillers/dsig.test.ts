import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { deltaCoding, distanceCoding } from '../../../src/detectors/coding.ts';
import { type DetectorTraits } from '../../../src/detectors/detector.ts';
import { bestDetections } from '../../../src/distillers/shared/detections.ts';
import { graphParts, hardBackground } from '../../../src/distillers/dsigBackground.ts';
import { edgeLoss, edges, nodeLoss, type Nodes } from '../../../src/distillers/dsigGraph.ts';
import { dsig } from '../../../src/distillers/dsig.ts';
import { float32, int32 } from '../../../src/engine/hostTensor.ts';
import { unitRows } from '../../../src/engine/ops/unitRows.ts';
import { dsigOptions } from '../../../src/experiment/methods/dsig.ts';
import { buildDistillers, measure, type Scene } from '../../goldens/support/distiller.ts';
import { expectLoss } from '../../goldens/support/tensors.ts';
import { allValues, makeScene, onCpu, valuesOf } from './support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function nodes(filled: readonly number[], student: readonly number[], teacher: readonly number[]): Nodes {
  const [slots, width] = [filled.length, student.length / filled.length];
  return { student: tf.tensor3d([...student], [1, slots, width]), teacher: tf.tensor3d([...teacher], [1, slots, width]), filled: tf.tensor2d([...filled], [1, slots]) };
}
const value = (x: tf.Tensor): number => x.dataSync()[0] ?? Number.NaN;

const coding = deltaCoding({
  anchors: () => Float32Array.from({ length: 94 * 4 }, (_, index) => [2, 3, 20, 25][index % 4] ?? 0), perLevel: () => [70, 24], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 },
});
const withBoxes = (scene: Scene): Scene => ({ ...scene, traits: { student: { boxCoding: coding }, teacher: { boxCoding: coding } } });

describe('DSIG', () => {
  it('image without regions: 0, not a mean over nothing', () => {
    const none = nodes([0, 0], [1, 2, 3, 4], [4, 3, 2, 1]);
    expect([value(nodeLoss(none)), value(edgeLoss(none))]).toEqual([0, 0]);
    const parts = graphParts(none, nodes([1, 1], [1, 2, 3, 4], [4, 3, 2, 9]), tf.tensor2d([[1, 1]]), 7.5);
    expect(value(parts.background), 'no objects: the background has no weight').toBe(0);
    expect(value(parts.edges)).toBeGreaterThan(0);
    expect(value(graphParts(nodes([1], [1, 2], [2, 1]), none, tf.tensor2d([[0, 0]]), 7.5).background), 'no background').toBe(0);
  });

  it('a graph of one node has nothing to compare', () => {
    expect(value(edgeLoss(nodes([1, 0], [1, 2, 3, 4], [4, 3, 2, 1])))).toBe(0);
  });

  it('a region of zeros is like nothing, not even itself, and its gradient is 0', () => {
    expect([...edges(tf.tensor3d([0, 0, 3, 4], [1, 2, 2]), tf.ones([1, 2])).dataSync()]).toEqual([0, 0, 0, 1].map((entry) => expect.closeTo(entry, 5) as number));
    const gradient = tf.grad((x) => tf.sum(tf.mul(unitRows(x), tf.tensor2d([[1, 2], [3, 4]]))))(tf.tensor2d([[0, 0], [1, 0]]));
    expect([...gradient.dataSync()]).toEqual([0, 0, 0, 4]);
  });

  it('mines the background that the teacher takes for an object', () => {
    const logits = tf.tensor3d([5, 0, 0, 5, 0, 0, 5, 0], [1, 4, 2]);
    expect([...hardBackground(logits, tf.tensor2d([[1, 1, 1, 0]]), 0.6).dataSync()]).toEqual([1, 0, 1, 0]);
  });

  it('counts the diagonal of the edges', () => {
    // Two regions, orthogonal for the student, equal for the teacher: two of four entries differ by 1.
    expect(value(edgeLoss(nodes([1, 1], [1, 0, 0, 1], [1, 0, 1, 0])))).toBeCloseTo(0.5 * (2 / 4), 6);
  });

  it('takes the student\'s best detections after suppression within a class', () => {
    const observed = {
      scores: float32([1, 4], Float32Array.of(0.9, 0.8, 0.7, 0.6)), labels: int32([1, 4], Int32Array.of(0, 0, 1, 0)),
      boxes: float32([1, 4, 4], Float32Array.from([[0, 0, 10, 10], [0, 0, 10, 11], [0, 0, 10, 11], [20, 20, 20, 40]].flat())),
    };
    expect(bestDetections(observed, 1, { nms: 0.5, most: 10 })[0]?.map(({ score }) => Math.round(score * 10))).toEqual([9, 7]);
    expect(bestDetections(observed, 1, { nms: 0.5, most: 1 })[0]).toHaveLength(1);
    expect(bestDetections({}, 2, { nms: 0.5, most: 1 })).toEqual([[], []]);
  });

  it('agrees with the equations in doubles on features and predictions', async () => {
    const scene = withBoxes(makeScene());
    const measured = await measure(buildDistillers([dsigOptions.parse({ method: 'dsig', maxNodes: 4, poolSize: 2 })], scene), scene, onCpu);
    const objects = scene.batch.assignments.map((own) => [...own]);
    const meanSquare = [0, 1].reduce((sum, level) => {
      const [s, t] = [valuesOf(scene.student, 'features', level), valuesOf(scene.teacher, 'features', level)];
      return sum + s.reduce((own, entry, index) => own + (entry - (t[index] ?? 0)) ** 2, 0) / s.length;
    }, 0);
    expectLoss(measured.losses['dsig.features'] ?? Number.NaN, 0.5 * meanSquare, 'features');
    let [divergence, valid, distance, foreground] = [0, 0, 0, 0];
    const softmax = (logits: readonly number[]): number[] => logits.map((logit) => Math.exp(logit) / logits.reduce((sum, other) => sum + Math.exp(other), 0));
    scene.grid.forEach(([rows, columns], level) => {
      const anchors = rows * columns * 2;
      const before = level === 0 ? 0 : 70;
      objects.forEach((own, image) => {
        for (let anchor = 0; anchor < anchors; anchor += 1) {
          const part = (maps: Scene['student'], kind: 'logits' | 'regression', width: number): number[] => valuesOf(maps, kind, level).slice((image * anchors + anchor) * width, (image * anchors + anchor + 1) * width);
          const object = own[before + anchor] ?? 0;
          if (object >= 0) {
            const [p, q] = [softmax(part(scene.teacher, 'logits', 3)), softmax(part(scene.student, 'logits', 3))];
            divergence += p.reduce((sum, entry, index) => sum + entry * Math.log(entry / (q[index] ?? 0)), 0);
            valid += 1;
          }
          if (object > 0) {
            const other = part(scene.teacher, 'regression', 4);
            distance += part(scene.student, 'regression', 4).reduce((sum, entry, index) => sum + Math.abs(entry - (other[index] ?? 0)), 0);
            foreground += 1;
          }
        }
      });
    });
    expectLoss(measured.losses['dsig.classification'] ?? Number.NaN, divergence / (valid * 3), 'classification');
    expectLoss(measured.losses['dsig.regression'] ?? Number.NaN, distance / foreground, 'regression');
    // Nothing was observed, so there are no nodes.
    expect([measured.losses['dsig.nodes'], measured.losses['dsig.edges']]).toEqual([0, 0]);
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
  });

  it('refuses heads that write boxes differently, unless they are not compared', () => {
    const traits = (boxCoding: DetectorTraits['boxCoding'] & object): DetectorTraits => ({ detector: 'retinanet', backbone: 'small', classes: ['a'], levels: [{ name: 'P3', stride: 8 }], featureChannels: 4, anchorsPerCell: 1, boxCoding });
    const points = distanceCoding({ points: () => new Float32Array(0), perLevel: () => [], unit: () => 8 });
    const codes = (regression: number): string[] => dsig.problems(traits(coding), traits(points), dsigOptions.parse({ method: 'dsig', regression })).map(({ code }) => code);
    expect([codes(1), codes(0)]).toEqual([['DL570'], []]);
  });
});
