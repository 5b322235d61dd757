/** Classes and networks that files tell, against the experiment: real files, whole, cut off and hostile. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cocoClasses, weightFacts, yoloClasses } from '../../../src/experiment/fileFacts.ts';
import { checkFiles } from '../../../src/experiment/files.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { fixesFor } from '../../../src/language/fixes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'distill-lab-classes-'));
  mkdirSync(path.join(folder, 'images'));
  const categories = '"categories": [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog [large] \\"x\\""}]';
  writeFileSync(path.join(folder, 'coco.json'), `{"images": [], "annotations": [], ${categories}}`);
  // Longer than what is read of either end; with categories first, and with them last.
  const filler = JSON.stringify(Array.from({ length: 60_000 }, (_, id) => ({ id, bbox: [1, 2, 3, 4] })));
  writeFileSync(path.join(folder, 'first.json'), `{${categories}, "images": [], "annotations": ${filler}}`);
  writeFileSync(path.join(folder, 'last.json'), `{"images": [], "annotations": ${filler}, ${categories}}`);
  writeFileSync(path.join(folder, 'cut.json'), `{"images": [], ${categories.slice(0, 40)}`);
  writeFileSync(path.join(folder, 'list.yaml'), 'train: images\nval: images\nnames: [cat, dog]\n');
  writeFileSync(path.join(folder, 'map.yaml'), 'train: images\nval: images\nnames:\n  1: dog\n  0: cat\n');
  writeFileSync(path.join(folder, 'bomb.yaml'), 'a: &a [x, x]\nnames: [*a, *a]\n');
  weights('three.safetensors', { classes: '["cat","dog","cow"]', detector: 'retinanet', backbone: 'small' }, 9);
  weights('turned.safetensors', { classes: '["dog","cat"]', detector: 'retinanet', backbone: 'small' }, 6);
  weights('other.safetensors', { detector: 'gfl', backbone: 'small' }, 6);
  weights('plain.safetensors', undefined, 6);
  weights('background.safetensors', undefined, 9);
  weights('many.safetensors', undefined, 24);
  writeFileSync(path.join(folder, 'garbage.safetensors'), Buffer.from([255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3]));
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function weights(name: string, metadata: object | undefined, outputs: number): void {
  const header = Buffer.from(JSON.stringify({ ...(metadata === undefined ? {} : { __metadata__: metadata }), 'bbox_head.retina_cls.bias': { dtype: 'F32', shape: [outputs], data_offsets: [0, outputs * 4] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path.join(folder, name), Buffer.concat([length, header, Buffer.alloc(outputs * 4)]));
}

describe('classes of a data set', () => {
  const dog = 'dog [large] "x"';
  it.each([['coco.json', ['cat', dog]], ['first.json', ['cat', dog]], ['last.json', ['cat', dog]], ['cut.json', undefined], ['none.json', undefined], ['images', undefined]])('of %s', (file, expected) => {
    expect(cocoClasses(path.join(folder, file))).toEqual(expected);
  });

  it.each([['list.yaml', ['cat', 'dog']], ['map.yaml', ['cat', 'dog']], ['bomb.yaml', undefined], ['coco.json', undefined]])('of %s', (file, expected) => {
    expect(yoloClasses(path.join(folder, file))).toEqual(expected);
  });
});

it('takes nothing from a weight file that is none', () => {
  expect(weightFacts(path.join(folder, 'garbage.safetensors'))).toBeUndefined();
  expect(weightFacts(path.join(folder, 'none.safetensors'))).toBeUndefined();
  expect(weightFacts(path.join(folder, 'coco.json'))).toBeUndefined();
});

/** Codes with the keys that they stand at, and the fixes that are offered. */
function found(data: string, teacher: string): readonly (readonly string[])[] {
  const text = `name: x\ndata: { ${data}, size: [64, 64] }\nteacher: { detector: retinanet, backbone: small, weights: ${teacher} }\nstudent: { detector: retinanet, backbone: tiny }\ndistill:\n  - method: fgd\ntrain: { steps: 500 }\n`;
  const { experiment, positions } = readExperiment(text, 'a.distill.yaml');
  const problems = experiment === undefined ? [] : checkFiles(experiment, folder, positions);
  const t = (message: string, ...values: (string | number)[]): string => message.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)]));
  return problems.map((problem) => [`${problem.severity} ${problem.code} ${problem.path.join('.')}`, ...fixesFor({ text, file: 'a.distill.yaml' }, problem, t).map(({ title }) => title)]);
}

describe('a teacher', () => {
  const yolo = 'format: yolo, root: ., config: list.yaml';
  it.each([
    ['that fits', yolo, 'plain.safetensors', []],
    ['with torchvision\'s unused first output', yolo, 'background.safetensors', []],
    ['of more classes', yolo, 'three.safetensors', [['error DL124 teacher.weights']]],
    ['of many more classes', yolo, 'many.safetensors', [['error DL124 teacher.weights']]],
    ['with the classes in another order', yolo, 'turned.safetensors', [['warning DL124 teacher.weights', 'Add data.classes: [dog, cat]']]],
    ['of another network', yolo, 'other.safetensors', [['warning DL126 teacher.detector', 'Change to gfl']]],
    ['beside classes that are written out', `${yolo}, classes: [dog, cat]`, 'turned.safetensors', []],
    ['of fewer classes than scenes show', 'format: scenes', 'three.safetensors', [['error DL124 teacher.weights']]],
  ])('%s', (_, data, teacher, expected) => {
    expect(found(data, teacher)).toEqual(expected);
  });

  it('and classes that the data set has not', () => {
    expect(found(`${yolo}, classes: [cat, dgo]`, 'plain.safetensors')).toEqual([['error DL307 data.classes.1', 'Change to dog', 'Remove dgo']]);
  });
});
