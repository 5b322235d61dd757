/** The files that first steps write: they pass the schema as they are, whatever names the data brings. */
import path from 'node:path';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readExperiment } from '../../../src/experiment/load.ts';
import { type FoundData } from '../../../src/firstSteps/findData.ts';
import { inputSize, nameOf, ownExperiment, teacherAmong, type Purpose } from '../../../src/firstSteps/ownExperiment.ts';
import { SAMPLE_EXPERIMENT, SAMPLE_FILES, SAMPLE_TEACHER } from '../../../src/firstSteps/sample.ts';

const folder = path.resolve('/work space');
const sets: Readonly<Record<string, FoundData>> = {
  voc: { format: 'voc', root: path.join(folder, 'data', 'BCCD'), train: 'train', val: 'val', classes: ['RBC', 'WBC'], imageSize: [480, 640] },
  coco: { format: 'coco', root: folder, train: { annotations: 'annotations/train.json', images: 'train' }, val: { annotations: 'annotations/val.json', images: 'val' }, classes: [], imageSize: undefined },
  yolo: { format: 'yolo', root: path.join(folder, '#1: "a"'), config: 'data set.yaml', classes: ['no', '7', 'a, b]', '- x', '# y', "it's", 'ä: ö', 'null', ' z', '*', '&a', '!tag', 'line\nbreak'], imageSize: [20, 2000] },
};
const purposes: readonly Purpose[] = ['teacher', 'student'];

describe.each(Object.entries(sets))('an experiment for %s data', (_, data) => {
  test.each(purposes)('as %s says what was found', (purpose) => {
    const { text, file } = ownExperiment({ data, purpose, folder });
    expect(file).toMatch(/^[a-z0-9-]+\.distill\.yaml$/);
    const { experiment, problems } = readExperiment(text, file);
    expect(problems).toEqual([]);
    if (experiment === undefined || experiment.data.format === 'scenes') throw new Error('It was not read.');
    const { root, classes, size, format } = experiment.data;
    expect(format).toBe(data.format);
    expect(path.resolve(folder, root)).toBe(data.root);
    expect(classes ?? []).toEqual(data.classes);
    expect(size.every((side) => side % 32 === 0)).toBe(true);
    expect(experiment.distill).toHaveLength(purpose === 'teacher' ? 0 : 1);
    expect(experiment.control).toBe(purpose === 'student');
  });
});

test('weights that lie there are the teacher: PyTorch’s for a large network, our own for a small one', () => {
  const teacherOf = (weights: string): unknown => readExperiment(ownExperiment({ data: sets.voc as FoundData, purpose: 'student', folder, weights }).text, 'x').experiment?.teacher;
  expect(teacherOf('big one.pth')).toMatchObject({ backbone: 'resnet50', weights: 'big one.pth' });
  expect(teacherOf('t/x.safetensors')).toMatchObject({ backbone: 'small', weights: 't/x.safetensors' });
});

test('of the weights in a folder the teacher is the one called after the data, else PyTorch’s', () => {
  const data = { root: '/x/bccd' };
  expect(teacherAmong(['a.pth', 'teachers/BCCD-big.safetensors'], data)).toBe('teachers/BCCD-big.safetensors');
  expect(teacherAmong(['teachers/scenes.safetensors', 'a.pt'], data)).toBe('a.pt');
  expect(teacherAmong(['teachers/scenes.safetensors'], data)).toBeUndefined();
});

test('data without validation images says so', () => {
  expect(ownExperiment({ data: { ...sets.voc, format: 'voc', root: folder, classes: [], train: 'train', val: 'train' }, purpose: 'teacher', folder }).text).toMatch(/# No validation images/);
});

test.each([['/a/BCCD Set', 'bccd-set'], ['/a/my.Cells/data', 'my-cells'], ['/data', 'my-data'], ['C:\\x\\Köln', 'k-ln']])('the name of %s is %s', (root, name) => {
  expect(nameOf({ root })).toBe(name);
});

test.each([[[480, 640], 160, [128, 160]], [[20, 2000], 160, [32, 160]], [[64, 64], 512, [64, 64]], [undefined, 160, [160, 160]]] as const)('images of %j for %i pixels are read at %j', (image, longest, size) => {
  expect(inputSize(image, longest)).toEqual(size);
});

describe('the sample', () => {
  test('has an experiment without a mistake, whose teacher comes with the extension', () => {
    const text = SAMPLE_FILES.find((file) => file.path === SAMPLE_EXPERIMENT)?.text ?? '';
    const { experiment, problems } = readExperiment(text, SAMPLE_EXPERIMENT);
    expect(problems).toEqual([]);
    expect(experiment?.teacher).toMatchObject({ weights: SAMPLE_TEACHER });
    expect(existsSync(path.resolve(import.meta.dirname, '../../../examples', SAMPLE_TEACHER))).toBe(true);
  });

  test('stays in its folder', () => {
    for (const file of SAMPLE_FILES) expect(path.join('x', file.path).startsWith(`x${path.sep}`)).toBe(true);
  });
});
