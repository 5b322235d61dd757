/** What is offered where: a text with the cursor, labels that must be there, labels that must not. */
import { describe, expect, test } from 'vitest';
import { experimentJsonSchema, keysAt, schemasAt } from '../../../src/experiment/jsonSchema.ts';
import { METHOD_CARDS } from '../../../src/experiment/methods/index.ts';
import { TEMPLATES } from '../../../src/experiment/templates.ts';
import { parseYaml } from '../../../src/experiment/yamlTree.ts';
import { complete } from '../../../src/language/complete.ts';
import { accepted, AROUND, completeAt, FILE } from './support.ts';

interface Row { readonly source: string; readonly offered: string; readonly not: string }
type Written = readonly [source: string, offered: string, not?: string];
const rows = (written: readonly Written[]): Row[] => written.map(([source, offered, not = '']) => ({ source, offered, not }));

/** Words apart by blanks; `label=>text` tells what it puts in (`⏎` a new line, `␣` a blank). */
const KEYS: readonly Written[] = [
  ['|', 'name data teacher teaching student distill train evaluate pictures checkpoint engine control', 'steps method'],
  ['na|', 'name=>name:␣'],
  ['name: a\n|', 'data student', 'name'],
  ['name: a\n|\ntrain:\n  steps: 3\n', 'data student evaluate', 'name train steps'],
  ['data:\n  |', 'format classes size resize normalize augment', 'root train seed name'],
  ['data:\n  format: scenes\n  |', 'train val seed size=>size:␣[${1:512},␣${2:512}]', 'root config format'],
  ['data:\n  format: coco\n  |', 'root train val size', 'seed config format'],
  ['data:\n  format: voc\n  |', 'root train val', 'seed config'],
  ['data:\n  format: yolo\n  |', 'root config=>config:␣', 'train val seed'],
  ['data:\n  format: coco\n  train:\n    |', 'annotations images', 'root'],
  ['data:\n  format: coco\n  train: { |', 'annotations images', 'root'],
  ['data:\n  format: coco\n  val: { annotations: a.json, | }', 'images', 'annotations'],
  ['data:\n  augment:\n    |', 'flip=>flip:␣${1:0.5} flipVertical scale=>scale:␣[${1:1},␣${2:1}] photometric mosaic sizeAware', 'size'],
  ['data:\n  augment:\n    sizeAware:\n      |', 'small noise crop', 'flip'],
  ['data:\n  normalize: { | }', 'mean std', 'size'],
  ['teacher:\n  |', 'detector backbone weights methods share norm neck', 'inherit name'],
  ['teacher:\n  - detector: fcos\n    |', 'backbone weights methods', 'detector inherit'],
  ['student:\n  |', 'detector backbone inherit weights', 'methods share'],
  ['student:\n  neck:\n    |\n  detector: fcos\n', 'channels levels p6From', 'convs'],
  ['student:\n  head: {|}', 'convs norm bias', 'channels'],
  ['student:\n  anchors:\n    |', 'base octaves ratios rounded'],
  ['student:\n  detector: fcos\n  backbone: tiny\n  fcos:\n    |', 'centerSampling range=>range:␣${1:2.5} distances centernessOn boxLoss'],
  ['student:\n  gfl:\n    |', 'bins=>bins:␣${1:17}'],
  ['distill:\n  - |', 'method'],
  ['distill:\n  - method: fgd\n    |', 'weight=>weight:␣${1:1} temperature alpha beta gamma lambda boxScale scale', 'method tap branches'],
  ['student:\n  detector: fcos\ndistill:\n  - method: fgd\n    |', 'temperature=>temperature:␣${1:0.8} alpha=>alpha:␣${1:0.0016} lambda=>lambda:␣${1:8e-6}'],
  ['student:\n  detector: retinanet\ndistill:\n  - method: fgd\n    |', 'temperature=>temperature:␣${1:0.5} lambda=>lambda:␣${1:5e-6}'],
  ['distill:\n  - method: cwd\n    tap: logits\n    |', 'weight=>weight:␣${1:5} temperature levels constant align maskPadding channel', 'tap alpha'],
  ['distill:\n  - method: ld\n    |', 'vlrWeight classTemperature imitation', 'tap'],
  ['distill:\n  - method: fgd\n  - method: pkd\n    |', 'weight levels resize', 'alpha'],
  ['distill:\n  - { method: rm, | }', 'weight temperature score sorted', 'method alpha'],
  ['distill: [{ method: rm, | }]', 'weight temperature'],
  ['distill:\n  - |\n    method: gid\n', 'weight canonicalLevel', 'method alpha'],
  ['distill:\n  - method: labelenc\n    widths:\n      |', keysAt(['distill', 0, 'widths'], { distill: [{ method: 'labelenc' }] }).join(' ')],
  ['distill:\n  - method: nonsense\n    |', '', 'alpha method'],
  ['train:\n  |', 'steps epochs batch optimizer learningRate betas weightDecay decayNorms schedule warmup clip ema seed', 'every'],
  ['train:\n  steps: 1\n\n  |\n\nevaluate:\n  every: 1\n', 'epochs batch', 'steps every name'],
  ['train:\n  steps: 3\n  opt|\n  batch: 4', 'optimizer=>optimizer:␣', 'batch steps'],
  ['train:\n  opt|imizer: sgd', 'optimizer=>optimizer batch=>batch'],
  ['train: { steps: 3, |\nevaluate:\n  every: 1', 'batch optimizer', 'steps'],
  ['evaluate:\n  |', 'every metric scoreThreshold nms maxDetections', 'images'],
  ['train:\n  steps: 400\npictures:\n  |', 'every=>every:␣${1:40} images=>images:␣${1:4}'],
  ['checkpoint:\n  |', 'every'],
  ['engine:\n  |', 'backend precision capture device'],
  ['# only a comment |', '', 'name'],
  ['name: a # comm|', '', 'name data'],
  ['name: some words|', '', 'data'],
];

const VALUES: readonly Written[] = [
  ['data:\n  format: |', 'scenes coco voc yolo', 'true'],
  ['data: { format: co|', 'scenes coco voc yolo'],
  ['data:\n  format: co|co\n  root: .\n', 'coco=>coco scenes'],
  ['data:\n  resize: |', 'letterbox stretch'],
  ['data:\n  size: |', '[320,␣320]=>[320,␣320] [512,␣512]'],
  ['data:\n  size: [|, 64]', '128 512 640'],
  ['data:\n  augment:\n    flip: |', '0.5'],
  ['teacher:\n  detector: |', 'retinanet fcos atss gfl', 'resnet50'],
  ['student:\n  detector: "f|"', 'fcos=>fcos gfl'],
  ['student:\n  detector: \'|\'', 'fcos=>fcos'],
  ['student:\n  backbone: |', 'resnet18 resnext50_32x4d mobilenet_v2 small tiny'],
  ['student:\n  norm: |', 'batch group frozen'],
  ['student:\n  style: |', 'pytorch caffe'],
  ['student:\n  preset: |', 'mmdetection torchvision'],
  ['student:\n  boxLoss: |', 'l1 smoothL1'],
  ['student:\n  inherit: |', 'none head neck+head=>neck+head'],
  ['student:\n  neck: { p6From: | }', 'c5 p5'],
  ['student:\n  neck:\n    levels: |', '1 3 5'],
  ['student:\n  head:\n    norm: |', 'none group'],
  ['student:\n  head: { bias: | }', 'true false'],
  ['student:\n  detector: fcos\n  backbone: resnet50\n  fcos:\n    boxLoss: |', 'iou giou'],
  ['student:\n  fcos:\n    distances: |', 'pixels strides'],
  ['student:\n  fcos:\n    centernessOn: |', 'classification regression'],
  ['teaching: |', 'together progressive'],
  ['distill:\n  - method: |', Object.keys(METHOD_CARDS).join(' '), 'alpha'],
  ['distill:\n  - method: c|wd\n    tap: features\n', 'cwd=>cwd crosskd'],
  ['distill:\n  - method: cwd\n    tap: |', 'features logits'],
  ['distill:\n  - method: cwd\n    align: |', 'auto always'],
  ['distill:\n  - method: defeat\n    stages: [|]', 'C3 C4 C5'],
  ['distill:\n  - method: fgd\n    boxScale: |', 'image input'],
  ['distill:\n  - method: pgd\n    maskBroadcast: |', 'corrected official'],
  ['distill:\n  - method: mimic\n    samples: |', '2 adaptive'],
  ['student:\n  detector: atss\ndistill:\n  - method: pgd\n    topK: |', '9', '30'],
  ['student: { detector: fcos, backbone: tiny }\ndistill:\n  - method: pkd\n    levels: |', '1 2 3', '5'],
  ['distill:\n  - method: gid\n    canonicalLevel: |', '3 4 5'],
  ['distill:\n  - method: labelenc\n    labelMapScale: |', '1 0.5'],
  ['train:\n  optimizer: |', 'sgd adamw'],
  ['train:\n  optimizer: ad|amw # why', 'adamw=>adamw sgd'],
  ['train:\n  schedule: |', 'constant step cosine'],
  ['train:\n  decayNorms: |', 'true false'],
  ['train:\n  betas: |', '[0.9,␣0.999]'],
  ['train:\n  batch: |', '4'],
  ['evaluate:\n  metric: |', 'coco voc'],
  ['student: { detector: gfl, backbone: resnet18 }\nevaluate:\n  nms: |', '0.6'],
  ['engine:\n  backend: |', 'auto tensorflow webgpu wasm cpu'],
  ['engine:\n  precision: |', 'float32'],
  ['engine:\n  capture: |', 'true false'],
  ['control: |', 'true false'],
  ['teacher:\n  - detector: fcos\n    methods: [|]\ndistill:\n  - method: fgd\n  - method: pkd\n', 'fgd pkd', 'cwd'],
  ['teacher:\n  - detector: fcos\n    methods:\n      - fgd\n      - |\ndistill:\n  - method: fgd\n  - method: pkd\n', 'pkd', 'fgd cwd'],
];

const SURROUNDED: readonly Written[] = [
  ['teacher:\n  weights: |', '../runs/r1/checkpoints/student/best/student.safetensors teachers/ a.pth data/', 'notes.txt .git/'],
  ['teacher:\n  weights: teachers/|', 'big.safetensors=>big.safetensors', 'data/'],
  ['student:\n  weights: teachers/b|ig', 'big.safetensors'],
  ['student:\n  weights: ../|', 'sub/'],
  ['student:\n  weights: "|"', 'a.pth=>a.pth'],
  ['teacher:\n  weights: w|', 'with:␣colon.pt=>"with:␣colon.pt"'],
  ['data:\n  format: coco\n  root: |', 'data/ teachers/', 'a.pth'],
  ['data:\n  format: coco\n  root: data\n  train: { annotations: | }', 'annotations/ train/', 'data.yaml'],
  ['data:\n  format: coco\n  root: data\n  train: { annotations: annotations/| }', 'train.json', 'readme.md'],
  ['data:\n  format: coco\n  root: data\n  train:\n    images: |', 'train/ annotations/', 'data.yaml'],
  ['data:\n  format: yolo\n  root: data\n  config: |', 'data.yaml'],
  ['data:\n  format: voc\n  root: data\n  train: |', 'train test'],
  ['data:\n  format: coco\n  root: data\n  classes: [cat, |]', 'dog traffic␣light=>traffic␣light 12=>"12"', 'cat RBC'],
  ['data:\n  format: voc\n  root: data\n  classes:\n    - |', 'RBC WBC'],
  ['data:\n  format: scenes\n  classes: [|]', '', 'cat RBC'],
  ['engine:\n  device: |', '0 cpu'],
  ['distill:\n  - method: labelenc\n    encoder: teachers/|', 'big.safetensors'],
];

const BLOCKS: readonly Written[] = [
  ['|', 'data:␣scenes data:␣coco data:␣voc data:␣yolo teacher:␣one teacher:␣several student:␣block train:␣steps'],
  ['data:\n  format: coco\n|', 'teacher:␣one', 'data:␣coco'],
  ['distill:\n  - |', 'method:␣fgd method:␣ssd-det'],
  ['distill:\n  |', 'method:␣fgd'],
  ['distill:\n  - method: fgd\n  |', 'method:␣pkd'],
  ['distill: |', 'method:␣fgd'],
  ['data: |', 'data:␣coco'],
  ['teacher:\n  |', 'teacher:␣one teacher:␣several detector'],
];

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

const shown = (text: string): string => text.replaceAll('\n', '⏎').replaceAll(' ', '␣');

async function holds({ source, offered, not }: Row, around?: typeof AROUND): Promise<void> {
  const items = await completeAt(source, around);
  const labels = items.map(({ label }) => shown(label));
  const texts = new Map(items.map(({ label, insert }) => [shown(label), shown(insert)]));
  expect(labels).toEqual([...new Set(labels)]);
  for (const word of words(offered)) {
    const [label = '', text] = word.split('=>');
    expect(labels).toContain(label);
    if (text !== undefined) expect(texts.get(label)).toBe(text);
  }
  for (const word of words(not)) expect(labels).not.toContain(word);
}

describe('keys', () => { test.each(rows(KEYS))('$source', async (row) => { await holds(row); }); });
describe('values', () => { test.each(rows(VALUES))('$source', async (row) => { await holds(row); }); });
describe('from machine and workspace', () => {
  test.each(rows(SURROUNDED))('$source', async (row) => { await holds(row, AROUND); });
  test.each(rows(SURROUNDED))('nothing of it without trust: $source', async ({ source }) => {
    const kinds = (await completeAt(source)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => ['file', 'folder', 'class', 'checkpoint', 'device'].includes(kind))).toEqual([]);
  });
});
describe('blocks', () => { test.each(rows(BLOCKS))('$source', async (row) => { await holds(row); }); });

describe('what is put in', () => {
  test.each(BLOCKS.map(([source]) => source))('%j gives YAML that the schema knows', async (source) => {
    const blocks = (await completeAt(source)).filter(({ kind }) => kind === 'block');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) {
      const text = accepted(source, block);
      const { data, problems } = parseYaml(text, FILE);
      expect({ text, problems }).toEqual({ text, problems: [] });
      expect(unknownKeys(data)).toEqual([]);
    }
  });

  test.each([
    ['data:\n  |', 'augment', 'data:\n  augment:\n    '],
    ['distill:\n  - method: labelenc\n    |', 'widths', 'distill:\n  - method: labelenc\n    widths:\n      '],
    ['distill:\n  - |', 'method: tbd', 'distill:\n  - method: tbd\n    weight: 1\n    harmonyWeight: 1\n    featureWeight: 2\n    harmony: harmonic'],
    ['teacher:\n  - |', 'neck', 'teacher:\n  - neck:\n      '],
    ['distill:\n  - method: fgd\n  |', 'method: pkd', 'distill:\n  - method: fgd\n  - method: pkd\n    levels: 4\n    resize: student'],
    ['student:\n  head: {|}', 'convs', 'student:\n  head: {convs: }'],
    ['teacher:\n  wei|ghts: a.pt\n', 'weights', 'teacher:\n  weights: a.pt\n'],
    ['name: x\ndata: |', 'data: voc', 'name: x\ndata: \n  format: voc\n  root: .\n  train: train\n  val: val\n  size: [512, 512]'],
  ])('%j, %s', async (source, label, result) => {
    const item = (await completeAt(source)).find((candidate) => candidate.label === label);
    expect(item === undefined ? undefined : accepted(source, item)).toBe(result);
  });

  test('needed keys come first, those that change nothing here last', async () => {
    const labels = (await completeAt('student:\n  detector: fcos\n  |\n  backbone: resnet50\n')).filter(({ kind }) => kind === 'key').map(({ label }) => label);
    expect(labels.slice(-3).sort()).toEqual(['anchors', 'boxLoss', 'gfl']);
    expect((await completeAt('name: x\n|')).slice(0, 2).map(({ label }) => label)).toEqual(['data', 'student']);
  });
});

/** Keys at which the schema has no such name. */
function unknownKeys(data: unknown): string[] {
  const unknown: string[] = [];
  const visit = (value: unknown, path: (string | number)[]): void => {
    if (Array.isArray(value)) value.forEach((item, index) => { visit(item, [...path, index]); });
    else if (typeof value === 'object' && value !== null) {
      for (const [key, below] of Object.entries(value)) {
        if (!keysAt(path, data).includes(key)) unknown.push([...path, key].join('.'));
        visit(below, [...path, key]);
      }
    }
  };
  visit(data, []);
  return unknown;
}

describe('every method', () => {
  test.each(Object.keys(METHOD_CARDS))('%s: exactly its own options are offered', async (method) => {
    const offered = (await completeAt(`distill:\n  - method: ${method}\n    |`)).map(({ label }) => label);
    const own = schemasAt(['distill', 0], { distill: [{ method }] }).flatMap(({ properties = {} }) => Object.keys(properties)).filter((key) => key !== 'method');
    expect([...offered].sort()).toEqual([...own].sort());
  });
});

test('every key of the experiment is offered at the top', async () => {
  const labels = (await completeAt('|')).filter(({ kind }) => kind === 'key').map(({ label }) => label);
  expect([...labels].sort()).toEqual(Object.keys(experimentJsonSchema().properties ?? {}).sort());
});

test.each(TEMPLATES.map(({ id, text }) => [id, text] as const))('%s: anywhere in it, each label once, and what is replaced lies on the cursor\'s line', async (_, text) => {
  for (let offset = 0; offset <= text.length; offset += 11) {
    const items = await complete({ text, file: FILE }, offset, AROUND);
    const line = { start: text.lastIndexOf('\n', offset - 1) + 1, end: `${text}\n`.indexOf('\n', offset) };
    const labels = items.map(({ label }) => label);
    expect(labels).toEqual([...new Set(labels)]);
    for (const { range } of items) {
      expect(range.start).toBeGreaterThanOrEqual(line.start);
      expect(range.start).toBeLessThanOrEqual(offset);
      expect(range.end).toBeGreaterThanOrEqual(offset);
      expect(range.end).toBeLessThanOrEqual(line.end);
    }
  }
});

test('a class may be called like anything', async () => {
  expect((await completeAt('data:\n  format: coco\n  root: data\n  classes: [cursor, |]', AROUND)).map(({ label }) => label)).toContain('cat');
});
