/** The detector as a whole: forms, names, training modes, decoding; what the goldens cannot show. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { inference, type Detector, type ForwardMode } from '../../../src/detectors/detector.ts';
import { createDetector, resolveDetector } from '../../../src/detectors/table.ts';
import { startEngine } from '../../../src/engine/backend.ts';
import { type HostTensors } from '../../../src/engine/hostTensor.ts';
import { normal } from '../../../src/engine/layers/init.ts';
import { toHost } from '../../../src/engine/directProgram.ts';
import { Random } from '../../../src/engine/random.ts';
import { detectorSchema, type DetectorConfig } from '../../../src/experiment/schema.ts';

beforeAll(async () => { await startEngine({ backend: 'auto' }); });

const classes = ['disc', 'square'];

function config(settings: Record<string, unknown>): DetectorConfig {
  return detectorSchema.parse({ detector: 'retinanet', ...settings });
}

function make(settings: Record<string, unknown>, evaluation = {}): Detector {
  return createDetector(config(settings), { classes, random: Random.of(1), evaluation });
}

function images(batch: number, height: number, width: number, seed = 1): tf.Tensor4D {
  return tf.tensor4d(normal(1)([batch, height, width, 3], Random.of(seed)), [batch, height, width, 3]);
}

function fed(tensors: HostTensors): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)]));
}

const TRUTH = [{ boxes: [[4, 6, 30, 28]] as const, labels: [1], ignored: [] }, { boxes: [], labels: [], ignored: [] }];

describe('defaults', () => {
  it('are the papers\' for ResNets', () => {
    expect(resolveDetector(config({ backbone: 'resnet50' }))).toMatchObject({
      norm: 'batch', neck: { channels: 256, levels: 5, p6From: 'c5' }, head: { convs: 4, norm: 'none' }, anchors: { base: 4, octaves: 3, ratios: [0.5, 1, 2], rounded: false },
    });
    expect(resolveDetector(config({ backbone: 'resnet50', weights: 'x.pth', preset: 'torchvision' }))).toMatchObject({ norm: 'frozen', anchors: { rounded: true } });
  });

  it('are the small networks\' for small networks, and give way to what is written', () => {
    expect(resolveDetector(config({ backbone: 'tiny', weights: 'x', neck: { channels: 32 } }))).toMatchObject({
      norm: 'batch', neck: { channels: 32, levels: 3 }, head: { convs: 2, norm: 'group' }, anchors: { base: 1.8, octaves: 3, ratios: [1] },
    });
  });
});

describe('forms', () => {
  it('have the sizes of the recipe', () => {
    const counts = (['small', 'tiny'] as const).map((backbone) => {
      const detector = make({ backbone });
      const count = detector.parameters.count();
      detector.parameters.dispose();
      return count;
    });
    expect(counts[0]).toBeCloseTo(1.2e6, -5);
    expect(counts[1]).toBeCloseTo(0.29e6, -4);
  });

  it.each([1, 2, 3, 4, 5])('serve %i levels from P3 on, odd sizes too', (levels) => {
    const detector = make({ backbone: 'tiny', neck: { levels } });
    const { features, logits, regression, backbone } = detector.forward(images(1, 72, 100), inference());
    const cells = [[9, 13], [5, 7], [3, 4], [2, 2], [1, 1]].slice(0, levels);
    expect(features.map(({ shape }) => shape)).toEqual(cells.map((size) => [1, ...size, 48]));
    expect(logits.map(({ shape }) => shape)).toEqual(cells.map((size) => [1, ...size, 6]));
    expect(regression.map(({ shape }) => shape)).toEqual(cells.map((size) => [1, ...size, 12]));
    expect(backbone.length).toBe(Math.min(levels, 3) + 1);
    expect(detector.traits.levels).toEqual(cells.map((_, index) => ({ name: `P${index + 3}`, stride: 8 * 2 ** index })));
    expect(detector.targets([], [72, 100]).tensors.labels?.shape).toEqual([0, cells.reduce((sum, [rows = 0, columns = 0]) => sum + rows * columns * 3, 0)]);
  });

  it('have MMDetection\'s names', () => {
    const names = make({ backbone: 'resnet18', neck: { levels: 4 }, head: { norm: 'group' } }).parameters.all().map(({ name }) => name);
    for (const name of ['backbone.conv1.weight', 'backbone.bn1.running_var', 'backbone.layer2.0.downsample.1.bias', 'neck.lateral_convs.2.conv.bias', 'neck.fpn_convs.3.conv.weight',
      'bbox_head.cls_convs.3.conv.weight', 'bbox_head.reg_convs.0.gn.weight', 'bbox_head.retina_cls.bias', 'bbox_head.retina_reg.weight']) expect(names).toContain(name);
    expect(names).not.toContain('bbox_head.cls_convs.3.conv.bias');
    expect(make({ backbone: 'tiny', norm: 'group' }).parameters.get('backbone.layer1.0.gn2.weight')).toBeDefined();
  });

  it('start with the same weights from the same seed, foreground at 1 %', () => {
    const [a, b] = [make({ backbone: 'tiny' }), make({ backbone: 'tiny' })];
    for (const { name, variable } of a.parameters.all()) expect(tf.equal(b.parameters.get(name)?.variable as tf.Tensor, variable).all().dataSync()[0]).toBe(1);
    expect(a.parameters.get('bbox_head.retina_cls.bias')?.variable.dataSync()[0]).toBeCloseTo(Math.log(0.01 / 0.99), 5);
  });
});

describe('training', () => {
  it.each([['batch', 'mmdetection', 2 * 13], ['frozen', 'mmdetection', 0], ['group', 'mmdetection', 0], ['frozen', 'torchvision', 0]])('every trainable weight of norm %s, %s has a gradient; %i statistics move', (norm, preset, updates) => {
    const detector = make({ backbone: 'tiny', norm, preset });
    const targets = fed(detector.targets(TRUTH, [64, 64]).tensors);
    const mode: ForwardMode = { training: true, updates: [] };
    const variables = detector.parameters.trainable().map(({ variable }) => variable);
    const { value, grads } = tf.variableGrads(() => {
      const loss = detector.loss(detector.forward(images(2, 64, 64), mode), targets);
      expect(Object.keys(loss)).toEqual(['classification', 'box']);
      return tf.addN(Object.values(loss));
    }, variables);
    expect(Number.isFinite(value.dataSync()[0])).toBe(true);
    for (const variable of variables) expect(tf.max(tf.abs(grads[variable.name] as tf.Tensor)).dataSync()[0]).toBeGreaterThan(0);
    expect(mode.updates.map(([, tensor]) => tensor.isDisposed)).toEqual(Array.from({ length: updates }, () => false));
    const affine = detector.parameters.all().filter(({ name }) => /\.bn\d\.weight$/.test(name));
    expect(affine.every(({ trainable }) => trainable === (preset === 'mmdetection'))).toBe(true);
  });

  it('gives the same losses and gradients on tfjs\'s plain backend', async () => {
    const run = (): number[][] => {
      const detector = make({ backbone: 'tiny', neck: { channels: 16, levels: 5 } });
      const targets = fed(detector.targets(TRUTH, [64, 40]).tensors);
      const parameters = ['backbone.conv1.weight', 'neck.lateral_convs.2.conv.weight', 'bbox_head.reg_convs.0.conv.weight'].flatMap((name) => detector.parameters.get(name) ?? []);
      const { value, grads } = tf.variableGrads(() => tf.addN(Object.values(detector.loss(detector.forward(images(2, 64, 40), { training: true, updates: [] }), targets))), parameters.map(({ variable }) => variable));
      const results = [Array.from(value.dataSync()), ...parameters.map(({ variable }) => Array.from((grads[variable.name] as tf.Tensor).dataSync()))];
      detector.parameters.dispose();
      return results;
    };
    const native = tf.getBackend();
    const first = run();
    await tf.setBackend('cpu');
    const second = run();
    await tf.setBackend(native);
    first.forEach((values, index) => {
      const expected = second[index] ?? [];
      const largest = Math.max(...expected.map(Math.abs));
      expect(values.length).toBe(expected.length);
      values.forEach((value, position) => { expect(Math.abs(value - (expected[position] ?? NaN))).toBeLessThanOrEqual(1e-4 * largest); });
    });
  });
});

describe('detections', () => {
  /** One candidate with a sure class and a known box, everything else background. */
  function candidatesOf(detector: Detector): HostTensors {
    const outputs = detector.forward(images(1, 64, 96), inference());
    const [rows, columns] = [8, 12];
    const logits = tf.buffer([1, rows, columns, 6], 'float32', new Float32Array(rows * columns * 6).fill(-9));
    logits.set(4, 0, 3, 5, 2 * 2 + 1);
    const regression = tf.buffer([1, rows, columns, 12], 'float32');
    [0.5, -0.25, Math.log(2), 0].forEach((value, side) => { regression.set(value, 0, 3, 5, 2 * 4 + side); });
    // The detector knows the input's size by the list of logits: the list stays, its maps change.
    const silent = outputs.logits.slice(1).map((map): tf.Tensor4D => tf.fill(map.shape, -9));
    (outputs.logits as tf.Tensor4D[]).splice(0, 3, logits.toTensor() as tf.Tensor4D, ...silent);
    (outputs.regression as tf.Tensor4D[]).splice(0, 1, regression.toTensor() as tf.Tensor4D);
    return Object.fromEntries(Object.entries(detector.candidates(outputs)).map(([name, tensor]) => [name, toHost(tensor)]));
  }

  it('decode, clip to the content and keep what is sure', () => {
    const detector = make({ backbone: 'tiny' });
    const candidates = candidatesOf(detector);
    const side = 8 * 1.8 * 2 ** (2 / 3);
    const [x, y] = [40 + 0.5 * side, 24 - 0.25 * side];
    const [[found, ...others] = []] = detector.detections(candidates, [[64, 60]]);
    expect(others).toEqual([]);
    expect(found?.label).toBe(1);
    expect(found?.score).toBeCloseTo(1 / (1 + Math.exp(-4)), 5);
    [x - side, y - side / 2, Math.min(60, x + side), y + side / 2].forEach((value, index) => { expect(found?.box[index]).toBeCloseTo(value, 4); });
    // Content that ends before the box begins leaves nothing of it.
    expect(detector.detections(candidates, [[64, 20]])).toEqual([[]]);
    expect(make({ backbone: 'tiny' }, { scoreThreshold: 0.99 }).detections(candidates, [[64, 96]])).toEqual([[]]);
  });

  it('refuse outputs of another network', () => {
    const [one, other] = [make({ backbone: 'tiny' }), make({ backbone: 'tiny' })];
    expect(() => one.candidates(other.forward(images(1, 32, 32), inference()))).toThrow(/forward/);
  });
});
