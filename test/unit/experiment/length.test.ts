import { describe, expect, it, test } from 'vitest';
import { courses, lengthened, lengtheningNote, stepsOf, withLength, writtenLength } from '../../../src/experiment/length.ts';
import { experimentSchema, type Experiment } from '../../../src/experiment/schema.ts';

function experiment(train: Record<string, unknown>, distill: readonly Record<string, unknown>[] = []): Experiment {
  const network = { detector: 'retinanet', backbone: 'tiny' };
  return experimentSchema.parse({ name: 'a', data: { format: 'scenes', size: [64, 64] }, teacher: { ...network, weights: 'a.pth' }, student: network, distill, train });
}

test.each<[string, { steps?: number; epochs?: number }, number | undefined, number | undefined]>([
  ['steps are steps', { steps: 40 }, undefined, 40],
  ['epochs of known data', { epochs: 2.5 }, 11, 28],
  ['a part of an epoch is a step at least', { epochs: 0.01 }, 10, 1],
  ['epochs of data that nobody has read', { epochs: 2 }, undefined, undefined],
])('%s', (_, length, stepsPerEpoch, steps) => {
  expect(stepsOf(length, stepsPerEpoch)).toBe(steps);
});

test.each<[string, string, object | undefined]>([
  ['steps', 'train: { steps: 40 }', { steps: 40 }],
  ['epochs', 'train:\n  epochs: 1.5\n', { epochs: 1.5 }],
  ['neither', 'train: { batch: 2 }', undefined],
  ['words', 'train: { steps: many }', undefined],
  ['no section', 'name: a', undefined],
  ['a list', '- train', undefined],
  ['a file with other mistakes', 'nmae: a\ntrain: { steps: 7, stepps: 8 }', { steps: 7 }],
  ['no YAML', 'train: { steps: 7', undefined],
])('the length that is written: %s', (_, text, length) => {
  expect(writtenLength(text, 'a.distill.yaml')).toEqual(length);
});

it('takes the place of earlier lengths among the changes, and of nothing else', () => {
  expect(withLength(['train.steps=5', 'train.batch=2', ' train.epochs = 3', 'train.stepsize=1'], { steps: 9 })).toEqual(['train.batch=2', 'train.stepsize=1', 'train.epochs=', 'train.steps=9']);
  expect(withLength([], { epochs: 2.5 })).toEqual(['train.steps=', 'train.epochs=2.5']);
  expect(lengthened(experiment({ epochs: 3, batch: 2 }), { steps: 9 }).train).toMatchObject({ steps: 9, batch: 2 });
  expect(lengthened(experiment({ epochs: 3 }), { steps: 9 }).train).not.toHaveProperty('epochs');
});

describe('what follows the length of the run', () => {
  test.each<[string, Experiment, readonly string[]]>([
    ['a constant rate', experiment({ steps: 40, schedule: 'constant', warmup: 10 }, [{ method: 'fgd' }, { method: 'frs' }]), []],
    ['a cosine', experiment({ steps: 40 }), ['train.schedule']],
    ['steps of the rate', experiment({ steps: 40, schedule: 'step' }), ['train.schedule']],
    ['steps of the rate, none of them', experiment({ steps: 40, schedule: 'step', milestones: [] }), []],
    ['a method that fades', experiment({ steps: 40, schedule: 'constant' }, [{ method: 'fgd' }, { method: 'tadf' }]), ['distill[1].decay']],
    ['one that does not', experiment({ steps: 40, schedule: 'constant' }, [{ method: 'tadf', decay: 'none' }]), []],
    ['parts of the run', experiment({ steps: 40, schedule: 'constant' }, [{ method: 'lgd', imitateUntil: 0.9 }]), ['distill[0].backboneFrom', 'distill[0].imitateFrom', 'distill[0].imitateUntil']],
    ['parts that are the whole', experiment({ steps: 40, schedule: 'constant' }, [{ method: 'lgd', backboneFrom: 0, imitateFrom: 0 }, { method: 'ikd', until: 1 }]), []],
  ])('%s', (_, { train, distill }, keys) => {
    expect(courses({ train, distill })).toEqual(keys);
  });

  it('is told with the rates before and after', () => {
    const note = lengtheningNote(experiment({ steps: 40, learningRate: 0.01, warmup: 0 }, [{ method: 'tadf' }]), { from: 40, before: 40, steps: 80 });
    // Half of the peak in the middle of the longer cosine; all but nothing at the end of the shorter.
    expect(note).toBe('Lengthened from 40 to 80 steps. From step 41 on, what follows the length of the run follows the new one: train.schedule (cosine; the learning rate goes from 0.000015 to 0.005), distill[0].decay. A run of 80 steps from the start would have followed it from its first step: its results would be others.');
    expect(lengtheningNote(experiment({ steps: 40, schedule: 'constant' }), { from: 40, before: 40, steps: 80 })).toBeUndefined();
  });
});
