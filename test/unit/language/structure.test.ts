/** Outline, folding, format and definitions. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { TEMPLATES } from '../../../src/experiment/templates.ts';
import { parseYaml } from '../../../src/experiment/yamlTree.ts';
import { definition } from '../../../src/language/definition.ts';
import { format } from '../../../src/language/format.ts';
import { folds, outline, type OutlineEntry } from '../../../src/language/outline.ts';
import { FILE, marked } from './support.ts';

const examples = path.resolve(import.meta.dirname, '../../../examples');
const TEXTS: readonly (readonly [name: string, text: string])[] = [
  ...TEMPLATES.map(({ id, text }) => [id, text] as const),
  ...readdirSync(examples).filter((name) => name.endsWith('.distill.yaml')).map((name) => [name, readFileSync(path.join(examples, name), 'utf8')] as const),
];

async function formatted(text: string): Promise<string> {
  const [edit] = await format({ text, file: FILE });
  return edit === undefined ? text : text.slice(0, edit.range.start) + edit.text + text.slice(edit.range.end);
}

const SAMPLE = `# first
# second
name: x
data: { format: scenes, size: [64, 32] }
teacher:
  - detector: fcos
    backbone: small
    weights: a.pth
distill:
  - method: fgd
    alpha: 1
  - { method: pkd }
`;

describe('outline', () => {
  const names = (entries: readonly OutlineEntry[]): unknown[] => entries.map(({ name, detail, children }) => (children.length === 0 ? `${name} ${detail}`.trim() : [name, ...names(children)]));

  test('names items by what they are', async () => {
    expect(names(await outline({ text: SAMPLE, file: FILE }))).toEqual([
      'name x',
      ['data', 'format scenes', 'size 64, 32'],
      ['teacher', ['fcos', 'detector fcos', 'backbone small', 'weights a.pth']],
      ['distill', ['fgd', 'method fgd', 'alpha 1'], ['pkd', 'method pkd']],
    ]);
  });

  test('every name lies inside its range', async () => {
    const visit = (entries: readonly OutlineEntry[]): void => {
      for (const { range, selection, children } of entries) {
        expect(range.start).toBeLessThanOrEqual(selection.start);
        expect(selection.end).toBeLessThanOrEqual(range.end);
        visit(children);
      }
    };
    visit(await outline({ text: SAMPLE, file: FILE }));
  });

  test('a half written text has an outline, an empty one has none, and aliases of aliases do no harm', async () => {
    expect((await outline({ text: 'name: x\ntrain: { steps: 3,\n', file: FILE })).map(({ name }) => name)).toContain('name');
    expect(await outline({ text: '', file: FILE })).toEqual([]);
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefghijkl'.split('').map((key, index) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${'abcdefghijkl'[index] ?? 'a'}`).join(', ')}]`).join('\n')}\n`;
    expect((await outline({ text: bomb, file: FILE })).length).toBeLessThanOrEqual(12);
    expect(await format({ text: bomb, file: FILE })).toEqual([]);
  });
});

test('sections, items and runs of comments fold', async () => {
  expect(await folds({ text: SAMPLE, file: FILE })).toEqual([
    { start: 0, end: 1, comment: true },
    { start: 4, end: 7, comment: false },
    { start: 5, end: 7, comment: false },
    { start: 8, end: 11, comment: false },
    { start: 9, end: 10, comment: false },
  ]);
});

describe('format', () => {
  test.each(TEXTS)('%s stays as it is', async (_, text) => {
    expect(await formatted(text)).toBe(text);
  });

  test.each([
    ['train:   {steps:   3}\n', 'train: { steps: 3 }\n'],
    ['name:   "x" # why\n', 'name: \'x\' # why\n'],
    ['data:\n    format: scenes\n    size: [ 64,64 ]\n\n\n\ntrain:\n      steps: 3\n', 'data:\n  format: scenes\n  size: [64, 64]\n\ntrain:\n  steps: 3\n'],
    ['a:   1     # one\nbbbb: 2    # two\n', 'a: 1       # one\nbbbb: 2    # two\n'],
    ['a:    1 # one\nb:    "a # in text" # two\n# alone\n', 'a: 1 # one\nb: \'a # in text\' # two\n# alone\n'],
    ['train:\n  steps: 3\n  # kept\n\n# and this\n', 'train:\n  steps: 3\n  # kept\n\n# and this\n'],
    ['name: x', 'name: x\n'],
    ['root: ${env:DATA}/x   \n', 'root: ${env:DATA}/x\n'],
  ])('%j', async (before, after) => {
    expect(await formatted(before)).toBe(after);
  });

  test.each([...TEXTS.map(([, text]) => text.replaceAll(/^( *[^#\n]*?): /gm, '$1:   ')), 'a: 1   # x\nlong_key:     {b: 1}   # y\nc: 3   # z\n', SAMPLE.replaceAll(': ', ':  ')])('twice is as once, no comment and no value is lost (%#)', async (text) => {
    const once = await formatted(text);
    expect(once).not.toBe(text);
    expect(await formatted(once)).toBe(once);
    expect(parseYaml(once, FILE).data).toEqual(parseYaml(text, FILE).data);
    const comments = (source: string): string[] => source.match(/(?<=^|\s)#.*/gm)?.map((comment) => comment.trim()) ?? [];
    expect(comments(once)).toEqual(comments(text));
  });

  test.each(['name: [', 'a: !mine x', ''])('what is no experiment is left alone: %j', async (text) => {
    expect(await format({ text, file: FILE })).toEqual([]);
  });
});

describe('definition', () => {
  const to = (source: string): unknown => {
    const { offset, ...text } = marked(source);
    const found = definition(text, offset);
    if (found === undefined) return undefined;
    return found.kind === 'file' ? found.files : text.text.slice(found.target.start, found.target.end);
  };
  const data = (format: string, more: string): string => `data:\n  format: ${format}\n  root: d\n${more}`;

  test.each([
    ['teacher:\n  weights: te|achers/a.pth\n', ['/work-here/sub/teachers/a.pth']],
    ['student: { weights: ../|b.safetensors }\n', ['/work-here/b.safetensors']],
    ['distill:\n  - method: labelenc\n    encoder: ru|ns/adapters.safetensors\n', ['/work-here/sub/runs/adapters.safetensors']],
    [data('coco', '  train: { annotations: a/tr|ain.json, images: i }\n'), ['/work-here/sub/d/a/train.json']],
    [data('yolo', '  config: da|ta.yaml\n'), ['/work-here/sub/d/data.yaml']],
    [data('voc', '  train: tra|inval\n'), ['/work-here/sub/d/ImageSets/Main/trainval.txt', '/work-here/sub/d/ImageSets/trainval.txt']],
    ['data:\n  format: yolo\n  root: |d\n', ['/work-here/sub/d/data.yaml']],
    ['data:\n  format: coco\n  root: |d\n  train: { annotations: t.json }\n', ['/work-here/sub/d/t.json']],
    ['teacher:\n  - methods: [p|kd]\ndistill:\n  - method: fgd\n  - method: pkd\n', 'pkd'],
    ['teacher:\n  methods:\n    - fg|d\ndistill:\n  - { method: fgd }\n', 'fgd'],
  ])('%j', (source, result) => { expect(to(source)).toEqual(result); });

  test.each(['teacher:\n  wei|ghts: a.pth\n', 'name: a.p|th\n', 'teacher:\n  methods: [f|gd]\n', 'student:\n  detector: fc|os\n', data('coco', '  train: { images: i|mg }\n')])('nowhere: %j', (source) => {
    expect(to(source)).toBeUndefined();
  });
});
