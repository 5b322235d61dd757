/** What a hover says: a text with the cursor, and what must stand in its Markdown. */
import { describe, expect, test } from 'vitest';
import { factsMarkdown } from '../../../src/extension/language/factsText.ts';
import { english } from '../../../src/extension/words.ts';
import { experimentJsonSchema, type JsonSchema } from '../../../src/experiment/jsonSchema.ts';
import { type KeyPath } from '../../../src/experiment/keyPath.ts';
import { factsAt } from '../../../src/language/facts.ts';
import { hoverAt, marked } from './support.ts';

const markdownAt = (source: string): string => {
  const found = hoverAt(source);
  return found === undefined ? '' : factsMarkdown(english, found.facts, (method) => `file:///docs/methods/${method}.md`);
};

/** Source, what the range covers, parts of the text. */
const ROWS: readonly (readonly [source: string, word: string, ...parts: string[]])[] = [
  ['na|me: x', 'name', 'Shown everywhere', 'text of at most 80 characters', 'none: it is needed'],
  ['da|ta:\n  format: coco\n', 'data', 'Images and their boxes'],
  ['data:\n  format: co|co\n', 'coco', 'COCO JSON annotations'],
  ['data:\n  fo|rmat: yolo\n', 'format', 'YOLO text labels'],
  ['data:\n  format: scenes\n  tr|ain: 3\n', 'train', 'Number of training scenes', '**Unit**: scenes', '`1500`'],
  ['data:\n  format: voc\n  tr|ain: trainval\n', 'train', 'list in ImageSets', '`train`'],
  ['data:\n  format: coco\n  train:\n    anno|tations: a.json\n', 'annotations', 'COCO JSON file'],
  ['data:\n  si|ze: [64, 64]\n', 'size', '**Unit**: pixels', 'multiples of 32'],
  ['data:\n  size: [6|4, 32]\n', '64', 'Network input'],
  ['data:\n  augment: { mo|saic: 0.5 }', 'mosaic', 'four images', '[YOLOv4', 'https://arxiv.org/abs/2004.10934', '`0`'],
  ['data:\n  augment:\n    sizeAware:\n      cr|op: [0.8, 1]', 'crop', '`[0.8, 1]`'],
  ['data:\n  normalize:\n    st|d: [1, 1, 1]', 'std', 'deviation', '0 to 255'],
  ['teacher:\n  wei|ghts: a.pt\n', 'weights', 'no teacher without them'],
  ['teacher:\n  - sha|re: 1\n', 'share', 'equal parts'],
  ['teacher:\n  detector: gf|l\n', 'gfl', 'Generalized Focal Loss', '2006.04388'],
  ['student:\n  backbone: res|net50\n', 'resnet50', 'Deep Residual Learning'],
  ['student:\n  ne|ck: {}\n', 'neck', 'Feature Pyramid Networks'],
  ['student:\n  detector: fcos\n  backbone: tiny\n  neck:\n    chan|nels: 3\n', 'channels', '**Unit**: channels', '`48` (for tiny)'],
  ['student:\n  detector: fcos\n  backbone: resnet50\n  neck:\n    le|vels: 3\n', 'levels', '`5` (for resnet50)'],
  ['student:\n  detector: atss\n  backbone: small\n  anchors: { ba|se: 3 }', 'base', '`2` (for atss, small)', '**Unit**: strides'],
  ['student:\n  detector: retinanet\n  backbone: resnet18\n  fc|os: {}\n', 'fcos', 'It changes nothing here: it belongs to the detector `fcos`.'],
  ['student:\n  detector: fcos\n  backbone: resnet18\n  weights: a.pt\n  no|rm: batch\n', 'norm', '`frozen`'],
  ['student:\n  detector: fcos\n  backbone: resnet18\n  preset: torchvision\n  fcos:\n    box|Loss: iou\n', 'boxLoss', '`giou`'],
  ['student:\n  detector: gfl\n  gfl:\n    bi|ns: 17\n', 'bins', '**Unit**: bins', '`17`'],
  ['student:\n  in|herit: head\n', 'inherit', 'Focal and Global', '`none`'],
  ['dis|till: []', 'distill', 'Methods'],
  ['distill:\n  - method: f|gd\n', 'fgd', 'Focal and Global Distillation', '**family**: feature', 'https://arxiv.org/abs/2111.11837', '[Page of FGD](file:///docs/methods/fgd.md)'],
  ['distill:\n  - met|hod: cwd\n', 'method', 'Channel-wise', '2011.13256'],
  ['student: { detector: fcos }\ndistill:\n  - method: fgd\n    temp|erature: 1\n', 'temperature', '**FGD · temperature**', '`0.8` (for fcos)', 'a number above 0', 'methods/fgd.md'],
  ['student: { detector: gfl }\ndistill:\n  - method: fgd\n    lam|bda: 1\n', 'lambda', '`5e-6` (for gfl)'],
  ['distill:\n  - method: cwd\n    tap: logits\n    we|ight: 1\n', 'weight', '`5` (for tap: logits)'],
  ['distill:\n  - method: icd\n    detach|Steps: 3\n', 'detachSteps', '**Unit**: steps', '`1000`'],
  ['distill:\n  - { method: scalekd, dila|tions: [1] }', 'dilations', '`[1, 2, 3]`', 'ScaleKD'],
  ['teach|ing: progressive', 'teaching', 'one after the other'],
  ['teaching: prog|ressive', 'progressive', 'Multi\\-Teacher'.replace('\\', ''), '2308.09105'],
  ['train:\n  ste|ps: 3\n', 'steps', '**Unit**: optimizer steps', 'left out'],
  ['train:\n  optimizer: ada|mw\n', 'adamw', 'Decoupled Weight Decay'],
  ['train:\n  optimizer: sgd\n  be|tas: [0.9, 0.99]\n', 'betas', 'It changes nothing here: they belong to the optimizer `adamw`.'],
  ['train:\n  mile|stones: [0.5]\n', 'milestones', 'schedule `step`', '**Unit**: parts of the run'],
  ['train: { steps: 400 }\nevaluate:\n  ev|ery: 3\n', 'every', '`40` (for steps: 400)', '**Unit**: steps'],
  ['evaluate: { every: 30 }\ncheckpoint:\n  ev|ery: 3\n', 'every', '`30`'],
  ['student: { detector: fcos, backbone: resnet50, preset: torchvision }\nevaluate:\n  n|ms: 0.6\n', 'nms', '`0.6`', '**Unit**: IoU'],
  ['pictures:\n  ima|ges: 3\n', 'images', 'a whole number from 0 to 32', '`4`'],
  ['engine:\n  de|vice: cpu\n', 'device', 'number of a GPU'],
  ['contr|ol: true', 'control', 'without distillation', '`false`'],
  ['name: x\ntrain:\n  steps: [3\nevaluate:\n  met|ric: voc\n', 'metric', 'AP averaged'],
];

describe('hover', () => {
  test.each(ROWS)('%j: %s', (source, word, ...parts) => {
    const found = hoverAt(source);
    const { text } = marked(source);
    expect(found === undefined ? undefined : text.slice(found.range.start, found.range.end)).toBe(word);
    const markdown = markdownAt(source);
    for (const part of parts) expect(markdown).toContain(part);
  });

  test.each(['# com|ment\nname: x', 'nonsense|: 3', 'student:\n  detectr|: fcos', 'name: x\n|\n', 'train:\n  epochs:   |  3'])('nothing to say: %j', (source) => {
    expect(hoverAt(source)).toBeUndefined();
  });

  test('nothing that is written in a file becomes Markdown or a link', () => {
    const markdown = markdownAt('evaluate: { every: "[x](command:evil)" }\ndistill:\n  - method: "[x](command:evil)"\n    wei|ght: 3\n');
    expect(markdown).not.toContain('command:');
    expect(markdownAt('name: "[x](com|mand:evil)"')).not.toContain('command:');
    expect(factsMarkdown(english, { key: 'k', path: ['k'], meaning: 'm', form: '<b>[x](command:y)</b>', required: false, default: { value: 1, text: '1` **x', because: '[q](command:q)' } }, () => undefined)).not.toMatch(/(?<!\\)\]|(?<!\\)</);
  });
});

/** Every key of the schema once for each alternative that it stands in. */
function allKeys(): (readonly [path: string, KeyPath, unknown])[] {
  const found: (readonly [string, KeyPath, unknown])[] = [];
  const visit = (schema: JsonSchema, path: KeyPath, data: (inner: unknown) => unknown): void => {
    for (const branch of schema.oneOf ?? schema.anyOf ?? []) visit(branch, path, data);
    const decisive = Object.fromEntries(Object.entries(schema.properties ?? {}).flatMap(([key, { const: value }]) => (value === undefined ? [] : [[key, value]])));
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      const here = (inner: unknown): unknown => data({ ...decisive, ...(inner === undefined ? {} : { [key]: inner }) });
      found.push([`${[...path, key].join('.')} ${Object.values(decisive).map((value) => JSON.stringify(value)).join()}`, [...path, key], here(undefined)]);
      visit(property, [...path, key], here);
    }
    if (schema.items !== undefined && !Array.isArray(schema.items)) visit(schema.items as JsonSchema, [...path, 0], (inner) => data([inner]));
  };
  visit(experimentJsonSchema(), [], (inner) => inner);
  return found;
}

describe('every key of the schema', () => {
  const keys = allKeys();

  test('is walked', () => {
    expect(keys.length).toBeGreaterThan(400);
    expect(keys.map(([name]) => name)).toEqual(expect.arrayContaining(['distill.0.alpha "fgd"', 'data.train.annotations ', 'teacher.0.methods ', 'student.fcos.boxLoss ']));
  });

  test.each(keys)('%s has a meaning, what may stand there, and one entry of its own', (_, path, data) => {
    const facts = factsAt(path, data);
    expect(facts?.meaning ?? '').toMatch(/\S{2,}/);
    expect(facts?.form).toMatch(/\S/);
    expect(facts?.key).toBe(path.at(-1));
  });

  test('options of methods have their paper and method', () => {
    const missing = keys.filter(([, path]) => path[0] === 'distill' && path.length === 3).filter(([, path, data]) => {
      const facts = factsAt(path, data, path.at(-1) === 'method' ? ((data as { distill: { method: string }[] }).distill[0]?.method) : undefined);
      return facts?.method === undefined || (facts.paper?.title ?? '') === '';
    });
    expect(missing.map(([name]) => name)).toEqual([]);
  });
});
