import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diffExperiments, formatDifference } from '../../../src/experiment/diff.ts';
import { checkFiles } from '../../../src/experiment/files.ts';
import { describeSchema, experimentJsonSchema, homesOf, keysAt, schemasAt } from '../../../src/experiment/jsonSchema.ts';
import { formatKey, parseKey, valueAt } from '../../../src/experiment/keyPath.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { didYouMean, editDistance } from '../../../src/experiment/problems.ts';
import { formatResolved, parseResolved } from '../../../src/experiment/resolved.ts';

describe('key paths', () => {
  it.each([
    [['train', 'steps'], 'train.steps'], [['distill', 0, 'alpha'], 'distill[0].alpha'], [['data', 'size', 1], 'data.size[1]'], [[], ''], [['a b'], '["a b"]'],
  ])('%j reads %s', (key, text) => { expect(formatKey(key)).toBe(text); });

  it('reads both ways of writing a list item', () => {
    expect(parseKey('distill[0].alpha')).toEqual(['distill', 0, 'alpha']);
    expect(parseKey('distill.0.alpha')).toEqual(['distill', 0, 'alpha']);
    for (const text of ['', '.a', 'a.', 'a..b', 'a[x]', 'a b', '0.a']) expect(parseKey(text), text).toBeUndefined();
  });

  it('leads to values and not into prototypes', () => {
    expect(valueAt({ a: [{ b: 1 }] }, ['a', 0, 'b'])).toBe(1);
    expect(valueAt({}, ['constructor'])).toBeUndefined();
  });
});

describe('did you mean', () => {
  it.each([['temprature', 'temperature'], ['FGD', 'fgd'], ['bacth', 'batch']])('%s → %s', (word, meant) => {
    expect(didYouMean(word, ['temperature', 'fgd', 'batch', 'steps'])).toBe(meant);
  });
  it('offers nothing that is far', () => { expect(didYouMean('colour', ['temperature', 'fgd'])).toBeUndefined(); });
  it('counts a swap of neighbours as one', () => {
    expect([editDistance('ab', 'ba'), editDistance('kitten', 'sitting'), editDistance('', 'abc'), editDistance('a'.repeat(5000), 'b')]).toEqual([1, 3, 3, 5000]);
  });
});

describe('JSON Schema', () => {
  const schema = experimentJsonSchema();

  it('is draft 07 of the file as written', () => {
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema.required).toEqual(['name', 'data', 'student']);
    expect(JSON.stringify(schema)).not.toContain(String(Number.MAX_SAFE_INTEGER));
  });

  it('says what every key of the experiment means', () => {
    const undescribed: string[] = [];
    const visit = (node: typeof schema, at: string): void => {
      for (const branch of [...(node.oneOf ?? []), ...(node.anyOf ?? [])]) visit(branch, at);
      for (const [key, property] of Object.entries(node.properties ?? {})) {
        if (property.markdownDescription === undefined && !at.startsWith('.distill')) undescribed.push(`${at}.${key}`);
        visit(property, `${at}.${key}`);
      }
    };
    visit(schema, '');
    expect(undescribed.filter((key) => !/\.(mean|std|train|val)$/.test(key))).toEqual([]);
  });

  it('follows the branch that the data decides', () => {
    expect(keysAt(['data'], { data: { format: 'voc' } })).toContain('root');
    expect(keysAt(['data'], { data: { format: 'scenes' } })).not.toContain('root');
    expect(keysAt(['distill', 1], { distill: [{}, { method: 'pfi' }] })).toContain('detachPrediction');
    expect(schemasAt(['nowhere', 'at', 'all'])).toEqual([]);
    expect(homesOf('learningRate')).toEqual(['`train`']);
    expect(homesOf('epochs')).toEqual(['`train`']);
  });

  it('is told in words', () => {
    const words = (key: string): string => schemasAt(parseKey(key) ?? []).map(describeSchema).join(' | ');
    expect(words('train.optimizer')).toBe('one of sgd, adamw');
    expect(words('train.batch')).toBe('a whole number from 1');
    expect(words('train.momentum')).toBe('a number from 0 to 1');
    expect(words('train.learningRate')).toBe('a number above 0');
    expect(words('control')).toBe('true or false');
  });
});

describe('differences', () => {
  it('are leaves, in words', () => {
    const differences = diffExperiments({ a: 1, b: { c: [1, 2], d: 'x' } }, { a: 1, b: { c: [1, 3], e: true } });
    expect(differences.map(formatDifference)).toEqual(['b.c[1]: 2 → 3', 'b.d: "x" → nothing', 'b.e: nothing → true']);
    expect(diffExperiments({ a: [1] }, { a: { 0: 1 } })).toHaveLength(1);
  });
});

describe('files that an experiment names', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'distill-files-'));
    for (const name of ['voc/Annotations', 'voc/ImageSets', 'voc/JPEGImages', 'coco/images', 'yolo', 'half/Annotations']) mkdirSync(path.join(folder, name), { recursive: true });
    for (const name of ['coco/train.json', 'yolo/data.yaml', 't.pth', 't.onnx']) writeFileSync(path.join(folder, name), '');
  });
  afterAll(() => { rmSync(folder, { recursive: true }); });

  const check = (data: string, rest = ''): readonly string[] => {
    const { experiment, positions } = readExperiment(`name: x\ndata: { size: [64, 64], ${data} }\nstudent: { detector: retinanet, backbone: tiny${rest} }\ntrain: { steps: 200 }\n`, 'a.distill.yaml');
    if (experiment === undefined) throw new Error('the experiment of the test is not sound');
    return checkFiles(experiment, folder, positions).map(({ code, path: key, range, message }) => `${code} ${formatKey(key)} ${range?.line ?? '?'} ${message}`);
  };

  it.each([
    ['format: scenes', ''], ['format: scenes', ' }\nlaunch: { kubernetes: { template: job.yaml }'], ['format: voc, root: voc', ''], ['format: yolo, root: yolo', ''],
    ['format: coco, root: coco, train: { annotations: train.json, images: images }, val: { annotations: train.json, images: images }', ', weights: t.pth'],
  ])('%s is found', (data, rest) => { expect(check(data, rest)).toEqual([]); });

  it.each([
    ['format: voc, root: nowhere', '', [/^DL120 data.root 2 .*no such folder/]],
    ['format: voc, root: t.pth', '', [/names a file/]],
    ['format: voc, root: half', '', [/no such folder/, /no such folder/]],
    ['format: yolo, root: yolo, config: other.yaml', '', [/^DL120 data.config 2 /]],
    ['format: coco, root: coco, train: { annotations: images, images: images }, val: { annotations: x.json, images: y }', '', [/data.train.annotations 2 .*names a folder/, /data.val.annotations/, /data.val.images/]],
    ['format: scenes', ', weights: nowhere.pth', [/^DL120 student.weights 3 /]],
    ['format: scenes', ', weights: t.onnx', [/cannot be read/]],
    ['format: scenes', ' }\nlaunch: { on: kubernetes, kubernetes: { template: job.yaml }', [/^DL120 launch.kubernetes.template 4 .*no such file/]],
  ])('%s%s is refused', (data, rest, says) => {
    const found = check(data, rest);
    expect(found).toHaveLength(says.length);
    says.forEach((pattern, index) => { expect(found[index]).toMatch(pattern); });
  });
});

describe('the record of a run', () => {
  const { experiment, positions } = readExperiment('name: x\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: 200 }\n', 'a.distill.yaml');
  if (experiment === undefined) throw new Error('the experiment of the test is not sound');
  const resolved = { experiment, source: { file: '/x/a.distill.yaml', lines: positions.lines }, overrides: ['train.steps=5'], version: '1', versions: { node: '20' }, created: 12 };

  it('reads back as it was written', () => { expect(parseResolved(formatResolved(resolved), 'r')).toEqual(resolved); });

  it.each(['', '{', '[]', '{"experiment":{}}'])('%s is refused', (text) => {
    expect(() => parseResolved(text, 'r/resolved.json')).toThrow(expect.objectContaining({ code: 'DL130' }) as Error);
  });
});
