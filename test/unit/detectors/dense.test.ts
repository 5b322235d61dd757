/** FCOS, ATSS and GFL as wholes: forms, names, options, losses at the edges, training, decoding; what the goldens cannot show. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { inference, type Detector, type DetectorOutputs } from '../../../src/detectors/detector.ts';
import { ourName, torchvisionName } from '../../../src/detectors/names.ts';
import { inheritFrom } from '../../../src/detectors/inherit.ts';
import { loadStateDict, readVariables, saveStateDict } from '../../../src/detectors/stateDict.ts';
import { createDetector, createTeacher, resolveDetector } from '../../../src/detectors/table.ts';
import { startEngine, type Engine } from '../../../src/engine/backend.ts';
import { type GroundTruth } from '../../../src/engine/boxes.ts';
import { toHost } from '../../../src/engine/directProgram.ts';
import { type HostTensors } from '../../../src/engine/hostTensor.ts';
import { normal } from '../../../src/engine/layers/init.ts';
import { createProgram } from '../../../src/engine/program.ts';
import { Random } from '../../../src/engine/random.ts';
import { detectorSchema, type DetectorConfig } from '../../../src/experiment/schema.ts';

let engine: Engine;
beforeAll(async () => { engine = await startEngine({ backend: 'auto' }); });

const classes = ['disc', 'square'];
const KINDS = ['fcos', 'atss', 'gfl'] as const;

function config(detector: string, settings: Record<string, unknown> = {}): DetectorConfig {
  return detectorSchema.parse({ detector, backbone: 'tiny', ...settings });
}

function make(detector: string, settings: Record<string, unknown> = {}, seed = 1): Detector {
  return createDetector(config(detector, settings), { classes, random: Random.of(seed) });
}

function images(batch: number, height: number, width: number): tf.Tensor4D {
  return tf.tensor4d(normal(1)([batch, height, width, 3], Random.of(1)), [batch, height, width, 3]);
}

function fed(tensors: HostTensors): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)]));
}

function truth(...images: GroundTruth['boxes'][]): GroundTruth[] {
  return images.map((boxes) => ({ boxes, labels: boxes.map((_, index) => index % 2), ignored: [] }));
}

describe('forms', () => {
  it.each([['fcos', 4, true], ['atss', 4, true], ['gfl', 68, false]] as const)('%s: one prior a cell, %i numbers a box', (kind, depth, centred) => {
    const detector = make(kind, { neck: { levels: 5 } });
    const { logits, regression, centerness, towers } = detector.forward(images(1, 64, 96), inference());
    const cells = [[8, 12], [4, 6], [2, 3], [1, 2], [1, 1]];
    expect(logits.map(({ shape }) => shape)).toEqual(cells.map((size) => [1, ...size, 2]));
    expect(regression.map(({ shape }) => shape)).toEqual(cells.map((size) => [1, ...size, depth]));
    expect(centerness?.map(({ shape }) => shape)).toEqual(centred ? cells.map((size) => [1, ...size, 1]) : undefined);
    expect(towers.regression.map((blocks) => blocks.length)).toEqual([2, 2, 2, 2, 2]);
    expect(detector.traits).toMatchObject({ detector: kind, anchorsPerCell: 1, towers: { channels: 48, blocks: 2 } });
    detector.parameters.dispose();
  });

  it('take the papers\' defaults with ResNets, others with small networks, and give way to what is written', () => {
    expect(resolveDetector(config('fcos', { backbone: 'resnet50' }))).toMatchObject({
      neck: { p6From: 'p5' }, head: { norm: 'group', bias: false }, fcos: { centerSampling: 0, range: 8, distances: 'pixels', centernessOn: 'classification', boxLoss: 'iou' },
    });
    expect(resolveDetector(config('fcos', { backbone: 'resnet50', preset: 'torchvision' }))).toMatchObject({
      head: { bias: true }, fcos: { centerSampling: 1.5, range: 8, distances: 'strides', centernessOn: 'regression', boxLoss: 'giou' },
    });
    expect(resolveDetector(config('fcos', { fcos: { range: 4 } })).fcos).toEqual({ centerSampling: 1.5, range: 4, distances: 'strides', centernessOn: 'regression', boxLoss: 'giou' });
    expect(resolveDetector(config('gfl', { backbone: 'resnet50', preset: 'torchvision', anchors: { octaves: 3 } }))).toMatchObject({ preset: 'mmdetection', anchors: { base: 8, octaves: 1, ratios: [1] }, gfl: { bins: 17 } });
  });

  it('halve the map in a bottleneck\'s 3×3 convolution, or in its first 1×1 where the file is Caffe\'s', () => {
    const [pytorch, caffe] = ['pytorch', 'caffe'].map((style) => make('fcos', { backbone: 'resnet50', style, neck: { levels: 1, channels: 32 }, head: { convs: 0 } }));
    expect(caffe?.parameters.all().map(({ name, variable }) => [name, variable.shape])).toEqual(pytorch?.parameters.all().map(({ name, variable }) => [name, variable.shape]));
    const [one, other] = [pytorch, caffe].map((detector) => detector?.forward(images(1, 64, 64), inference()).backbone ?? []);
    expect(one?.map(({ shape }) => shape)).toEqual(other?.map(({ shape }) => shape));
    expect(tf.equal(one?.[0] as tf.Tensor, other?.[0] as tf.Tensor).all().dataSync()[0]).toBe(1);
    expect(tf.equal(one?.[1] as tf.Tensor, other?.[1] as tf.Tensor).all().dataSync()[0]).toBe(0);
  });

  it('run the head by itself, whole or from a block on', () => {
    for (const kind of KINDS) {
      const detector = make(kind);
      const { features, towers, ...whole } = detector.forward(images(1, 64, 64), inference());
      const held = (tower: 'classification' | 'regression'): tf.Tensor4D[] => towers[tower].map((blocks) => blocks[0] as tf.Tensor4D);
      for (const part of [detector.head.run(features), detector.head.resume(1, { classification: held('classification'), regression: held('regression') })]) {
        for (const name of ['logits', 'regression', 'centerness'] as const) whole[name]?.forEach((map, level) => { expect(part[name]?.[level]?.dataSync()).toEqual(map.dataSync()); });
      }
    }
  });
});

describe('weights', () => {
  it('have MMDetection\'s names', () => {
    const names = KINDS.map((kind) => make(kind).parameters.all().map(({ name }) => name).filter((name) => /bbox_head\.(?!.*_convs)/.test(name)));
    const scales = [0, 1, 2].map((level) => `bbox_head.scales.${level}.scale`);
    const layers = (...parts: string[]): string[] => parts.flatMap((part) => [`bbox_head.${part}.weight`, `bbox_head.${part}.bias`]);
    expect(names).toEqual([
      [...layers('conv_cls', 'conv_reg', 'conv_centerness'), ...scales], [...layers('atss_cls', 'atss_reg', 'atss_centerness'), ...scales], [...layers('gfl_cls', 'gfl_reg'), ...scales],
    ]);
  });

  it('come back from a file bit for bit; GFL\'s file has the numbers of its bins, which nobody misses', () => {
    for (const kind of KINDS) {
      const state = saveStateDict(make(kind), 'mmdetection', readVariables);
      expect(state.get('bbox_head.integral.project')?.data).toEqual(kind === 'gfl' ? Float32Array.from({ length: 17 }, (_, bin) => bin) : undefined);
      state.delete('bbox_head.integral.project');
      const to = make(kind, {}, 2);
      expect(loadStateDict(to, state, { strict: true })).toMatchObject({ missing: [], unexpected: [] });
      expect([...saveStateDict(to, 'mmdetection', readVariables)].filter(([name]) => state.has(name))).toEqual([...state]);
    }
  });

  it('of FCOS have torchvision\'s names both ways, towers without nested lists', () => {
    const pairs = [
      ['head.classification_head.conv.0.weight', 'bbox_head.cls_convs.0.conv.weight'], ['head.classification_head.conv.10.bias', 'bbox_head.cls_convs.3.gn.bias'],
      ['head.regression_head.conv.9.bias', 'bbox_head.reg_convs.3.conv.bias'], ['head.classification_head.cls_logits.bias', 'bbox_head.conv_cls.bias'],
      ['head.regression_head.bbox_reg.weight', 'bbox_head.conv_reg.weight'], ['head.regression_head.bbox_ctrness.weight', 'bbox_head.conv_centerness.weight'],
    ] as const;
    for (const [theirs, ours] of pairs) expect([ourName(theirs, 'torchvision', 'fcos'), torchvisionName(ours, 'fcos')]).toEqual([ours, theirs]);
    expect(ourName('bbox_head.fcos_cls.weight', 'mmdetection')).toBe('bbox_head.conv_cls.weight');
    const settings = { preset: 'torchvision', neck: { levels: 5 } };
    const state = saveStateDict(make('fcos', settings), 'torchvision', readVariables);
    expect([...state.keys()].some((name) => name.includes('scales'))).toBe(false);
    expect(loadStateDict(make('fcos', settings, 2), state, { strict: true })).toMatchObject({ naming: 'torchvision', missing: [], unexpected: [] });
  });

  it('have no names in torchvision for ATSS and GFL, and say what is wrong with another number of bins', () => {
    expect(() => saveStateDict(make('gfl'), 'torchvision', readVariables)).toThrow(/torchvision has no GFL/);
    const state = saveStateDict(make('gfl', { gfl: { bins: 9 } }), 'mmdetection', readVariables);
    expect(() => loadStateDict(make('gfl'), state, { strict: false })).toThrow(expect.objectContaining({ code: 'DL520', details: expect.objectContaining({ advice: expect.stringContaining('gfl.bins') as string }) as object }));
  });

  it('serve a folded teacher, from which a student inherits', () => {
    for (const kind of KINDS) {
      const original = make(kind);
      const { detector: teacher } = createTeacher(config(kind), { classes }, saveStateDict(original, 'mmdetection', readVariables));
      expect(teacher.parameters.trainable()).toEqual([]);
      const [expected, got] = [original, teacher].map((detector) => detector.forward(images(1, 64, 64), inference()));
      expected?.regression.forEach((map, level) => { expect(tf.max(tf.abs(tf.sub(map, got?.regression[level] as tf.Tensor))).dataSync()[0]).toBeLessThan(1e-5); });
      expect(inheritFrom(make(kind, {}, 2), teacher, 'neck+head')).toContain('bbox_head.scales.0.scale');
    }
  });
});

describe('losses', () => {
  const cases: readonly (readonly [string, GroundTruth[]])[] = [
    ['no objects at all', truth([], [])], ['objects in one image', truth([[4, 6, 30, 28]], [])], ['a pixel', truth([[20, 20, 21, 21]], [[3.6, 3.6, 4.4, 4.4]])],
    ['all of the image', truth([[0, 0, 64, 64]], [[0, 0, 64, 64], [0, 0, 64, 64]])],
  ];
  it.each(KINDS.flatMap((kind) => cases.map(([title, images]) => [kind, title, images] as const)))('%s is finite with %s, and so is every gradient', (kind, _, given) => {
    for (const settings of kind === 'fcos' ? [{}, { fcos: { distances: 'pixels', boxLoss: 'iou', centernessOn: 'classification', centerSampling: 0 } }] : [{}]) {
      const detector = make(kind, settings);
      const { tensors } = detector.targets(given, [64, 64]);
      const inputs = fed(tensors);
      const learners = detector.parameters.trainable();
      const { value, grads } = tf.variableGrads(() => tf.addN(Object.values(detector.loss(detector.forward(images(2, 64, 64), { training: true, updates: [] }), inputs))), learners.map(({ variable }) => variable));
      expect(Number.isFinite(value.dataSync()[0])).toBe(true);
      for (const { name, variable } of learners) expect((grads[variable.name] as tf.Tensor).dataSync().every(Number.isFinite), name).toBe(true);
      detector.parameters.dispose();
    }
  });

  it('take another assignment than the detector\'s own, with points outside the box', () => {
    for (const kind of KINDS) {
      const detector = make(kind);
      const given = truth([[20, 20, 40, 40]]);
      const assignment = new Int32Array(64 + 16 + 4);
      assignment.set([1, 1, -1]);
      const { tensors, assignments } = detector.targets(given, [64, 64], [assignment]);
      expect(assignments).toEqual([assignment]);
      expect([...(tensors.classWeights?.data.slice(0, 4) ?? [])].map((weight) => weight > 0)).toEqual([true, true, false, true]);
      const losses = detector.loss(detector.forward(images(1, 64, 64), inference()), fed(tensors));
      expect(Object.keys(losses)).toEqual(['classification', 'box', kind === 'gfl' ? 'distribution' : 'centerness']);
      for (const loss of Object.values(losses)) expect(Number.isFinite(loss.dataSync()[0])).toBe(true);
    }
  });

  it.each(KINDS)('%s: a captured step is the step op by op, and the loss falls', (kind) => {
    const detector = make(kind, { neck: { channels: 16, levels: 2 } });
    const given = truth([[4, 6, 30, 28], [30, 30, 60, 50]], [[10, 10, 50, 50]]);
    const inputs = { images: toHost(images(2, 64, 64)), ...detector.targets(given, [64, 64]).tensors };
    const variables = detector.parameters.trainable().map(({ variable }) => variable);
    const step = (capture: boolean): { run: () => number; close: () => void } => {
      const program = createProgram({
        engine, capture, variables: detector.parameters.all().map(({ variable }) => variable),
        functions: { step: { example: inputs, run: (fedIn) => {
          const { value, grads } = tf.variableGrads(() => tf.addN(Object.values(detector.loss(detector.forward(fedIn.images as tf.Tensor4D, { training: true, updates: [] }), fedIn))), variables);
          return { outputs: { loss: value }, updates: variables.map((variable) => [variable, tf.sub(variable, tf.mul(grads[variable.name] as tf.Tensor, 0.02))] as const) };
        } } },
      });
      return { run: () => program.run('step', inputs).loss?.data[0] ?? NaN, close: () => { program.dispose(); } };
    };
    const start = readVariables(variables);
    const losses = [true, false].map((capture) => {
      variables.forEach((variable, index) => { variable.assign(tf.tensor(start[index] as Float32Array, variable.shape)); });
      const { run, close } = step(capture);
      const course = [run(), run(), run(), run()];
      close();
      return course;
    });
    losses[0]?.forEach((loss, index) => { expect(Math.abs(loss - (losses[1]?.[index] ?? NaN))).toBeLessThan(1e-4 * Math.abs(loss)); });
    expect(losses[0]?.[3]).toBeLessThan(losses[0]?.[0] ?? NaN);
  });
});

describe('detections', () => {
  /** One sure class at row 3, column 5 of P3, with a box written in the detector's way; everything else background. */
  function detect(detector: Detector, row: readonly number[]): ReturnType<Detector['detections']> {
    const outputs = detector.forward(images(1, 64, 96), inference());
    const place = (maps: readonly tf.Tensor4D[], values: readonly number[], rest: number): void => {
      const [first, ...others] = maps;
      if (first === undefined) return;
      const [, rows, columns, depth] = first.shape;
      const buffer = tf.buffer([1, rows, columns, depth], 'float32', new Float32Array(rows * columns * depth).fill(rest));
      values.forEach((value, channel) => { buffer.set(value, 0, 3, 5, channel); });
      (maps as tf.Tensor4D[]).splice(0, maps.length, buffer.toTensor() as tf.Tensor4D, ...others.map((map): tf.Tensor4D => tf.fill(map.shape, rest)));
    };
    place(outputs.logits, [-9, 4], -9);
    place(outputs.regression, row, 0);
    place(outputs.centerness ?? [], [0], 0);
    return detector.detections(hosted(detector, outputs), [[64, 96]]);
  }

  function hosted(detector: Detector, outputs: DetectorOutputs): HostTensors {
    return Object.fromEntries(Object.entries(detector.candidates(outputs)).map(([name, tensor]) => [name, toHost(tensor)]));
  }

  /** Logits whose distribution is all but certain of a bin. */
  const certain = (...distances: number[]): number[] => distances.flatMap((distance) => Array.from({ length: 17 }, (_, bin) => (bin === distance ? 60 : 0)));
  const sure = 1 / (1 + Math.exp(-4));

  it.each([
    ['fcos', {}, [1, 2, 3, 0.5], [44 - 8, 28 - 16, 44 + 24, 28 + 4], sure / 2],
    ['fcos', { fcos: { distances: 'pixels' } }, [8, 16, 24, 4], [44 - 8, 28 - 16, 44 + 24, 28 + 4], sure / 2],
    ['fcos', { preset: 'torchvision' }, [1, 2, 3, 0.5], [40 - 8, 24 - 16, 40 + 24, 24 + 4], Math.sqrt(sure / 2)],
    ['atss', {}, [5, -2.5, 5 * Math.log(2), 0], [40 + 8 - 16, 24 - 4 - 8, 40 + 8 + 16, 24 - 4 + 8], sure / 2],
    ['gfl', {}, certain(1, 2, 3, 0), [40 - 8, 24 - 16, 40 + 24, 24], sure],
  ] as const)('of %s with %o', (kind, settings, row, box, score) => {
    const [[found, ...others] = []] = detect(make(kind, settings), row);
    expect(others).toEqual([]);
    expect(found?.label).toBe(1);
    expect(found?.score).toBeCloseTo(score, 5);
    box.forEach((value, side) => { expect(found?.box[side]).toBeCloseTo(value, 3); });
  });

  it('decode in the graph to the same boxes', () => {
    for (const [kind, row, box] of [['fcos', [1, 2, 3, 0.5], [36, 12, 68, 32]], ['atss', [5, -2.5, 5 * Math.log(2), 0], [32, 12, 64, 28]], ['gfl', certain(1, 2, 3, 0), [32, 8, 64, 24]]] as const) {
      const { boxCoding } = make(kind).traits;
      const buffer = tf.buffer([1, 8, 12, row.length], 'float32');
      row.forEach((value, channel) => { buffer.set(value, 0, 3, 5, channel); });
      const decoded = boxCoding?.decode(buffer.toTensor() as tf.Tensor4D, 0, [64, 96]);
      const flat = (3 * 12 + 5) * 4;
      box.forEach((value, side) => { expect(decoded?.dataSync()[flat + side]).toBeCloseTo(value, 3); });
    }
  });
});
