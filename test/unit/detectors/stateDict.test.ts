/** Weights in and out: names of three kinds of files, class outputs, folding, inheriting, refusals. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Detector, inference } from '../../../src/detectors/detector.ts';
import { inheritFrom } from '../../../src/detectors/inherit.ts';
import { ourName, torchvisionName } from '../../../src/detectors/names.ts';
import { loadStateDict, readVariables, saveStateDict } from '../../../src/detectors/stateDict.ts';
import { createDetector, createTeacher } from '../../../src/detectors/table.ts';
import { startEngine } from '../../../src/engine/backend.ts';
import { float32, type HostTensor } from '../../../src/engine/hostTensor.ts';
import { uniform } from '../../../src/engine/layers/init.ts';
import { Random } from '../../../src/engine/random.ts';
import { DistillError } from '../../../src/errors.ts';
import { detectorSchema, type DetectorConfig } from '../../../src/experiment/schema.ts';

beforeAll(async () => { await startEngine({ backend: 'auto' }); });

function config(settings: Record<string, unknown>): DetectorConfig {
  return detectorSchema.parse({ detector: 'retinanet', ...settings });
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `class ${index}`);
}

function make(settings: Record<string, unknown>, seed = 1, classes = 3): Detector {
  return createDetector(config(settings), { classes: names(classes), random: Random.of(seed) });
}

/** Weights and running values that are nobody's initial ones. */
function trained(settings: Record<string, unknown>, classes = 3): Detector {
  const detector = make(settings, 1, classes);
  const random = Random.of(9);
  for (const { name, variable } of detector.parameters.all()) {
    if (variable.rank > 1) continue;
    const values = uniform(0.3)(variable.shape, random).map((value) => value + (/running_var|n\d\.weight|downsample\.1\.weight/.test(name) ? 1 : 0));
    variable.assign(tf.tensor(values, variable.shape));
  }
  return detector;
}

/** Bytes: a test runner compares long arrays number by number. */
function values(detector: Detector): Record<string, string> {
  return Object.fromEntries(detector.parameters.all().map(({ name, variable }) => [name, Buffer.from(Float32Array.from(variable.dataSync()).buffer).toString('latin1')]));
}

function refusal(work: () => unknown): DistillError {
  try {
    work();
  } catch (error) {
    if (error instanceof DistillError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('saving and loading', () => {
  it.each(['mmdetection', 'torchvision'] as const)('comes back the same bit for bit under the names of %s', (naming) => {
    const from = trained({ backbone: 'tiny', neck: { levels: 5 } });
    const state = saveStateDict(from, naming, readVariables);
    const to = make({ backbone: 'tiny', neck: { levels: 5 } }, 2);
    const report = loadStateDict(to, state, { strict: true });
    expect(report).toMatchObject({ naming, missing: [], unexpected: [], mismatched: [], notes: [] });
    expect(report.loaded.length).toBe(to.parameters.all().length);
    expect(values(to)).toStrictEqual(values(from));
  });

  it('writes PyTorch\'s layout', () => {
    const detector = make({ backbone: 'tiny' });
    const stored = saveStateDict(detector, 'mmdetection', readVariables).get('backbone.conv1.weight');
    const ours = detector.parameters.get('backbone.conv1.weight')?.variable as tf.Variable;
    expect(stored?.shape).toEqual([16, 3, 3, 3]);
    expect(stored?.data).toEqual(tf.transpose(ours, [3, 2, 0, 1]).dataSync());
  });

  it('knows torchvision\'s names, old and new, both ways', () => {
    const pairs = [
      ['backbone.body.layer1.0.downsample.0.weight', 'backbone.layer1.0.downsample.0.weight'],
      ['backbone.fpn.inner_blocks.2.0.bias', 'neck.lateral_convs.2.conv.bias'],
      ['backbone.fpn.layer_blocks.0.0.weight', 'neck.fpn_convs.0.conv.weight'],
      ['backbone.fpn.extra_blocks.p6.weight', 'neck.fpn_convs.3.conv.weight'],
      ['backbone.fpn.extra_blocks.p7.bias', 'neck.fpn_convs.4.conv.bias'],
      ['head.classification_head.conv.3.0.weight', 'bbox_head.cls_convs.3.conv.weight'],
      ['head.regression_head.conv.1.1.weight', 'bbox_head.reg_convs.1.gn.weight'],
      ['head.classification_head.cls_logits.bias', 'bbox_head.retina_cls.bias'],
      ['head.regression_head.bbox_reg.weight', 'bbox_head.retina_reg.weight'],
    ] as const;
    for (const [theirs, ours] of pairs) expect([ourName(theirs, 'torchvision'), torchvisionName(ours)]).toEqual([ours, theirs]);
    expect(ourName('backbone.fpn.inner_blocks.2.bias', 'torchvision')).toBe('neck.lateral_convs.2.conv.bias');
    expect(ourName('head.classification_head.conv.6.weight', 'torchvision')).toBe('bbox_head.cls_convs.3.conv.weight');
    expect(ourName('backbone.body.bn1.num_batches_tracked', 'torchvision')).toBeUndefined();
  });

  it('takes a backbone alone and leaves ImageNet\'s classifier', () => {
    const from = trained({ backbone: 'tiny' });
    const state = new Map<string, HostTensor>([...saveStateDict(from, 'mmdetection', readVariables)].flatMap(([name, tensor]) => (name.startsWith('backbone.') ? [[`module.${name.slice(9)}`, tensor]] : [])));
    state.set('fc.weight', float32([1000, 64]));
    state.set('layer9.extra', float32([1]));
    const to = make({ backbone: 'tiny' }, 2);
    const report = loadStateDict(to, state, { strict: false });
    expect(report).toMatchObject({ naming: 'backbone', unexpected: ['layer9.extra'], mismatched: [] });
    expect(report.missing.every((name) => /^(neck|bbox_head)\./.test(name))).toBe(true);
    expect(to.parameters.get('backbone.layer4.0.bn2.running_var')?.variable.dataSync()).toEqual(from.parameters.get('backbone.layer4.0.bn2.running_var')?.variable.dataSync());
    expect(refusal(() => loadStateDict(to, state, { strict: true })).code).toBe('DL522');
  });
});

describe('class outputs', () => {
  it('torchvision\'s unused first class is left out', () => {
    const from = trained({ backbone: 'tiny', preset: 'torchvision' }, 4);
    const to = make({ backbone: 'tiny', preset: 'torchvision' }, 2, 3);
    const { notes } = loadStateDict(to, saveStateDict(from, 'torchvision', readVariables), { strict: true });
    expect(notes).toHaveLength(1);
    const [all, ours] = [from, to].map((detector) => Array.from(detector.parameters.get('bbox_head.retina_cls.bias')?.variable.dataSync() ?? []));
    expect(ours).toEqual([0, 1, 2].flatMap((anchor) => (all ?? []).slice(anchor * 4 + 1, anchor * 4 + 4)));
  });

  it('of COCO\'s 91 ids the 80 categories are taken', () => {
    const from = trained({ backbone: 'tiny', preset: 'torchvision' }, 91);
    const to = make({ backbone: 'tiny', preset: 'torchvision' }, 2, 80);
    loadStateDict(to, saveStateDict(from, 'torchvision', readVariables), { strict: true });
    const [all = [], ours = []] = [from, to].map((detector) => Array.from(detector.parameters.get('bbox_head.retina_cls.bias')?.variable.dataSync() ?? []));
    // person, stop sign (id 13 after the gap at 12), toothbrush; in the second anchor.
    expect([ours[80], ours[80 + 11], ours[80 + 79]]).toEqual([all[91 + 1], all[91 + 13], all[91 + 90]]);
  });

  it('of other classes are skipped when that is allowed, refused when not', () => {
    const from = trained({ backbone: 'tiny' }, 5);
    const to = make({ backbone: 'tiny' }, 2, 3);
    const before = values(to)['bbox_head.retina_cls.weight'];
    const state = saveStateDict(from, 'mmdetection', readVariables);
    expect(loadStateDict(to, state, { strict: false }).mismatched).toEqual(['bbox_head.retina_cls.weight', 'bbox_head.retina_cls.bias']);
    expect(values(to)['bbox_head.retina_cls.weight']).toBe(before);
    expect(refusal(() => loadStateDict(to, state, { strict: true }))).toMatchObject({ code: 'DL520', details: { expected: '[9, 48, 3, 3]', got: '[15, 48, 3, 3]' } });
  });
});

describe('refusals', () => {
  it('name the tensor, both shapes and what to do, and change nothing', () => {
    const to = make({ backbone: 'tiny', neck: { levels: 4 } }, 2);
    const before = values(to);
    const state = saveStateDict(trained({ backbone: 'tiny', neck: { levels: 4, p6From: 'p5' } }), 'torchvision', readVariables);
    const error = refusal(() => loadStateDict(to, state, { strict: false }));
    expect(error).toMatchObject({ code: 'DL520', details: { expected: '[48, 64, 3, 3]', got: '[48, 48, 3, 3]' } });
    expect(error.message).toContain('backbone.fpn.extra_blocks.p6.weight');
    expect(error.details.advice).toContain('p6From');
    expect(values(to)).toEqual(before);
  });

  it('of files that are something else', () => {
    const to = make({ backbone: 'tiny' });
    expect(refusal(() => loadStateDict(to, new Map(), { strict: false }))).toMatchObject({ code: 'DL521', details: { got: 'no tensors' } });
    expect(refusal(() => loadStateDict(to, new Map([['encoder.weight', float32([1])]]), { strict: false })).code).toBe('DL521');
    expect(refusal(() => loadStateDict(to, new Map([['neck.other', float32([1])]]), { strict: false })).code).toBe('DL522');
  });
});

describe('the teacher', () => {
  it.each([['tiny', 'batch'], ['tiny', 'group'], ['resnet50', 'frozen']])('%s with norm %s gives the same outputs with nothing to learn', (backbone, norm) => {
    const settings = { backbone, norm, neck: { channels: 32, levels: 1 } };
    const original = trained(settings);
    const { detector: teacher, report } = createTeacher(config(settings), { classes: names(3) }, saveStateDict(original, 'mmdetection', readVariables));
    expect(teacher.parameters.trainable()).toEqual([]);
    expect(report.missing).toEqual([]);
    expect(teacher.parameters.all().some(({ name }) => name.includes('running_'))).toBe(false);
    const x = tf.tensor4d(uniform(2)([1, 64, 64, 3], Random.of(3)), [1, 64, 64, 3]);
    const [expected, got] = [original, teacher].map((detector) => detector.forward(x, inference()));
    for (const kind of ['features', 'logits', 'regression'] as const) {
      expected?.[kind].forEach((map, level) => {
        const difference = tf.max(tf.abs(tf.sub(map, got?.[kind][level] as tf.Tensor))).dataSync()[0] ?? NaN;
        expect(difference).toBeLessThanOrEqual(1e-5 * (tf.max(tf.abs(map)).dataSync()[0] ?? NaN));
      });
    }
  });

  it('needs all of its weights', () => {
    const state = saveStateDict(trained({ backbone: 'tiny' }), 'mmdetection', readVariables);
    state.delete('backbone.layer2.0.bn1.running_mean');
    const error = refusal(() => createTeacher(config({ backbone: 'tiny' }), { classes: names(3) }, state));
    expect(error).toMatchObject({ code: 'DL522', details: { expected: 'backbone.layer2.0.conv1.bias' } });
  });
});

describe('inheriting', () => {
  it('copies head, or neck and head, of a folded teacher of another backbone', () => {
    const teacherSettings = { backbone: 'tiny', neck: { levels: 3 } };
    const { detector: teacher } = createTeacher(config(teacherSettings), { classes: names(3) }, saveStateDict(trained(teacherSettings), 'mmdetection', readVariables));
    const student = make({ backbone: 'tiny' }, 4);
    const before = values(student);
    const head = inheritFrom(student, teacher, 'head');
    expect(head.length).toBeGreaterThan(0);
    expect(head.every((name) => name.startsWith('bbox_head.'))).toBe(true);
    const all = inheritFrom(student, teacher, 'neck+head');
    const [after, source] = [values(student), values(teacher)];
    for (const [name, value] of Object.entries(after)) expect(value, name).toBe(all.includes(name) ? source[name] : before[name]);
    expect(all.length).toBeGreaterThan(head.length);
    // Variables that shared their data could not be told apart by a captured program.
    for (const name of all) expect(student.parameters.get(name)?.variable.dataId).not.toBe(teacher.parameters.get(name)?.variable.dataId);
  });

  it('leaves to the student what reads the backbone\'s own widths', () => {
    const settings = { neck: { levels: 4 } };
    const [teacher, student] = [make({ backbone: 'small', ...settings }, 1), make({ backbone: 'tiny', ...settings }, 2)];
    const before = values(student);
    const copied = inheritFrom(student, teacher, 'neck+head');
    const fresh = student.parameters.all().map(({ name }) => name).filter((name) => /^(neck|bbox_head)/.test(name) && !copied.includes(name));
    expect(fresh).toEqual(['neck.lateral_convs.0.conv.weight', 'neck.lateral_convs.1.conv.weight', 'neck.lateral_convs.2.conv.weight', 'neck.fpn_convs.3.conv.weight']);
    const [after, source] = [values(student), values(teacher)];
    for (const [name, value] of Object.entries(after)) expect(value, name).toBe(copied.includes(name) ? source[name] : before[name]);
  });

  it('refuses a head that does not fit, with the reason, and copies nothing', () => {
    const [teacher, student] = [make({ backbone: 'small' }, 1), make({ backbone: 'tiny', neck: { channels: 32 } }, 2)];
    const before = values(student);
    const error = refusal(() => inheritFrom(student, teacher, 'neck+head'));
    expect(error).toMatchObject({ code: 'DL523', details: { key: ['student', 'inherit'], expected: '3 × 3 × 32 × 32, as the student has it', got: '3 × 3 × 48 × 48' } });
    expect(error.message).toContain('neck.fpn_convs.0.conv.weight');
    expect(values(student)).toStrictEqual(before);
    expect(refusal(() => inheritFrom(make({ backbone: 'tiny' }, 2, 5), teacher, 'head')).details.advice).toContain('classes');
    expect(refusal(() => inheritFrom(make({ backbone: 'tiny', head: { convs: 3 } }), teacher, 'head')).details.got).toBe('no such weight in the teacher');
  });
});
