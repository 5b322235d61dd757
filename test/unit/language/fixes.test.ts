/** Quick fixes as a table: a flaw, what the fix is called, the text after it; and after each the flaw is gone and no other has come. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFiles } from '../../../src/experiment/files.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { formatProblem, type Problem } from '../../../src/experiment/problems.ts';
import { TEMPLATES } from '../../../src/experiment/templates.ts';
import { fixAll, fixesFor } from '../../../src/language/fixes.ts';
import { type Translate } from '../../../src/language/fixesWords.ts';
import { type TextEdit } from '../../../src/language/types.ts';

const FILE = 'a.distill.yaml';
const english: Translate = (message, ...values) => message.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)]));

const BASE = `# A comment that stays.
name: base # its name

data:
  format: scenes
  size: [64, 64] # height, width
teacher: { detector: retinanet, backbone: small, weights: t.safetensors }
student:
  detector: retinanet
  backbone: tiny
distill:
  # which method
  - method: fgd
    weight: 1
train:
  steps: 500 # short
  batch: 4
`;

const TEACHER = 'teacher: { detector: retinanet, backbone: small, weights: t.safetensors }';
const COCO = 'data:\n  format: coco\n  root: set\n  train: { annotations: a.json, images: a }\n  val: { annotations: b.json, images: b }\n  size: [64, 64]\n';
const SCENES = 'data:\n  format: scenes\n  size: [64, 64] # height, width\n';
const GFL = 'teacher: { detector: gfl, backbone: small, weights: t.safetensors }';

/** What stands in BASE, the flaw put in its place, the problem's code, the fix's title, and what stands there after the fix. */
type Row = readonly [base: string, flaw: string, code: string, title: string, after: string];

const ROWS: readonly Row[] = [
  // keys that are none
  ['  batch: 4', '  bach: 4', 'DL102', 'Change to batch', '  batch: 4'],
  ['  batch: 4', '  learnigRate: 0.1 # high', 'DL102', 'Change to learningRate', '  learningRate: 0.1 # high'],
  ['  batch: 4', '  colour: red # nice\n  batch: 4', 'DL102', 'Remove colour', '  batch: 4'],
  ['  backbone: tiny\n', '  backbone: tiny\n  learningRate: 0.1\n', 'DL102', 'Move to train', '  backbone: tiny\n'],
  ['  backbone: tiny\n', '  backbone: tiny\n  channels: 32\n', 'DL102', 'Move to student.neck', '  backbone: tiny\n  neck:\n    channels: 32\n'],
  ['backbone: small,', 'bakcbone: small,', 'DL102', 'Change to backbone', 'backbone: small,'],
  ['backbone: small,', 'backbone: small, depth: 3,', 'DL102', 'Remove depth', 'backbone: small,'],
  ['    weight: 1\n', '    wieght: 1\n', 'DL102', 'Change to weight', '    weight: 1\n'],
  // wrong kinds
  ['batch: 4', 'batch: "4"', 'DL103', 'Change to 4', 'batch: 4'],
  ['batch: 4', 'batch: many # hm', 'DL103', 'Change to 4', 'batch: 4 # hm'],
  ['name: base #', 'name: 12 #', 'DL103', 'Change to "12"', 'name: "12" #'],
  ['size: [64, 64]', 'size: 64', 'DL103', 'Change to [64, 64]', 'size: [64, 64]'],
  ['size: [64, 64] #', 'size: [64, 96, 3] #', 'DL103', 'Change to [64, 96]', 'size: [64, 96] #'],
  ['  batch: 4\n', '  batch: 4\ncontrol: yes\n', 'DL103', 'Change to true', '  batch: 4\ncontrol: true\n'],
  ['  - method: fgd\n    weight: 1\n', '  - fgd\n', 'DL103', 'Change to { method: fgd }', '  - { method: fgd }\n'],
  ['  size: [64, 64] # height, width\n', '  size: [64, 64]\n  classes: disc\n', 'DL103', 'Change to [disc]', '  size: [64, 64]\n  classes: [disc]\n'],
  // missing keys
  ['name: base # its name\n\n', '', 'DL104', 'Add name: experiment', 'name: experiment\n'],
  ['name: base # its name', 'name: # its name', 'DL104', 'Add name: experiment', 'name: experiment # its name'],
  [SCENES, 'data:\n  format: scenes # drawn\n', 'DL104', 'Add size: [128, 128]', 'data:\n  format: scenes # drawn\n  size: [128, 128]\n'],
  [SCENES, 'data: { format: scenes }\n', 'DL104', 'Add size: [128, 128]', 'data: { format: scenes, size: [128, 128] }\n'],
  [SCENES, 'data: {}\n', 'DL104', 'Add format: scenes, Add data.size: [128, 128]', 'data: { format: scenes, size: [128, 128] }\n'],
  [`\n${SCENES}`, '', 'DL104', 'Add data', 'data:\n  format: scenes\n  size: [128, 128]\n'],
  [SCENES, COCO.replace('  root: set\n', ''), 'DL104', 'Add root: data', COCO.replace('root: set', 'root: data')],
  [SCENES, COCO.replace('  val: { annotations: b.json, images: b }\n', ''), 'DL104', 'Add val', COCO.replace('{ annotations: b.json, images: b }', '\n    annotations: annotations/val.json\n    images: val').replace('val: \n', 'val:\n')],
  ['  detector: retinanet\n', '', 'DL104', 'Add detector: retinanet', '  detector: retinanet\n'],
  ['student:\n  detector: retinanet\n  backbone: tiny\n', 'student:\n', 'DL104', 'Add student', 'student:\n  detector: retinanet\n  backbone: tiny\n'],
  ['weights: t.safetensors }', '}', 'DL113', 'Add weights: teacher.safetensors', 'weights: teacher.safetensors, }'],
  // choices
  ['format: scenes', 'format: scens', 'DL105', 'Change to scenes', 'format: scenes'],
  ['method: fgd', 'method: fdg', 'DL105', 'Change to fgd', 'method: fgd'],
  ['  batch: 4', '  schedule: linear', 'DL105', 'Change to cosine', '  schedule: cosine'],
  ['  batch: 4', '  schedule: linear', 'DL105', 'Change to constant', '  schedule: constant'],
  ['backbone: tiny', 'backbone: tinny # small', 'DL105', 'Change to tiny', 'backbone: tiny # small'],
  // ranges
  ['batch: 4', 'batch: 0', 'DL106', 'Change to 1', 'batch: 1'],
  ['batch: 4', 'batch: -2', 'DL106', 'Change to 4', 'batch: 4'],
  ['batch: 4', 'momentum: 2', 'DL106', 'Change to 1', 'momentum: 1'],
  ['batch: 4', 'learningRate: 0', 'DL106', 'Change to 0.01', 'learningRate: 0.01'],
  ['  backbone: tiny\n', '  backbone: tiny\n  neck: { levels: 9 } # deep\n', 'DL106', 'Remove levels', '  backbone: tiny\n'],
  // YAML
  ['  batch: 4', '\tbatch: 4', 'DL101', 'Replace tabs by spaces', '  batch: 4'],
  ['name: base', 'name: !import base', 'DL107', 'Remove the tag', 'name: base'],
  ['  batch: 4\n', '  batch: 4\n  batch: 8 # more\n', 'DL108', 'Remove this train.batch', '  batch: 4\n'],
  ['  batch: 4\n', '  batch: 4\n  batch: 8 # more\n', 'DL108', 'Remove the other train.batch', '  batch: 8 # more\n'],
  [BASE, '# nothing yet', 'DL109', 'Begin with Teacher on drawn scenes', `# nothing yet\n${TEMPLATES[1]?.text ?? ''}`],
  // teacher and methods
  [`${TEACHER}\n`, '', 'DL112', 'Remove distill', ''],
  [`${TEACHER}\n`, '', 'DL112', 'Add teacher', 'teacher:\n  detector: retinanet\n  backbone: tiny\n  weights: teacher.safetensors\n'],
  ['distill:\n  # which method\n  - method: fgd\n    weight: 1\n', '', 'DL119', 'Remove teacher', ''],
  ['distill:\n  # which method\n  - method: fgd\n    weight: 1\n', '', 'DL119', 'Add distill: [{ method: fgd }]', 'distill:\n  - method: fgd\n'],
  ['    weight: 1\n', '    weight: 1\n  - method: fgd\n', 'DL116', 'Remove fgd', '    weight: 1\n'],
  ['weights: t.safetensors }', 'weights: t.safetensors, methods: [fgf] }', 'DL105', 'Change to fgd', 'weights: t.safetensors, methods: [fgd] }'],
  ['weights: t.safetensors }', 'weights: t.safetensors, methods: [fgd, fgd] }', 'DL116', 'Remove fgd', 'weights: t.safetensors, methods: [fgd] }'],
  ['    weight: 1\n', '    weight: 1\n  - { method: ikd, temperature: 2 }\n', 'DL121', 'Remove temperature', '    weight: 1\n  - { method: ikd }\n'],
  // pairs
  ['  backbone: tiny\n', '  backbone: tiny\n  neck:\n    levels: 2 # few\n', 'DL122', 'Change student.neck.levels to 3', '  backbone: tiny\n  neck:\n    levels: 3 # few\n'],
  [TEACHER, TEACHER.replace('small,', 'resnet50,'), 'DL122', 'Add student.neck.levels: 5', TEACHER.replace('small,', 'resnet50,')],
  [`${TEACHER}\n`, `${GFL}\n`, 'DL122', 'Change student.detector to gfl', `${GFL}\n`],
  ['  backbone: tiny\n', '  backbone: tiny\n  inherit: head\n  neck: { channels: 32 }\n', 'DL123', 'Change student.neck.channels to 48', '  backbone: tiny\n  inherit: head\n  neck: { channels: 48 }\n'],
  ['  backbone: tiny\n', '  backbone: tiny\n  inherit: head\n  neck: { channels: 32 }\n', 'DL123', 'Change to none', '  backbone: tiny\n  inherit: none\n  neck: { channels: 32 }\n'],
  ['  - method: fgd\n    weight: 1\n', '  - method: crosskd\n    reuse: 5\n', 'DL122', 'Change to 2', '  - method: crosskd\n    reuse: 2\n'],
  // lengths
  ['size: [64, 64]', 'size: [64, 100]', 'DL114', 'Change to 128', 'size: [64, 128]'],
  ['size: [64, 64]', 'size: [64, 100]', 'DL114', 'Change to 96', 'size: [64, 96]'],
  ['  steps: 500 # short\n', '  steps: 500 # short\n  epochs: 3\n', 'DL115', 'Remove epochs', '  steps: 500 # short\n'],
  ['  steps: 500 # short\n', '', 'DL115', 'Add steps: 1000', '  steps: 1000\n'],
  ['train:\n  steps: 500 # short\n  batch: 4\n', '', 'DL115', 'Add train.epochs: 12', 'train:\n  epochs: 12\n'],
  ['batch: 4', 'batch: 2000', 'DL115', 'Change to 1500', 'batch: 1500'],
  ['batch: 4', 'warmup: 500', 'DL117', 'Change to 50', 'warmup: 50'],
  ['steps: 500', 'steps: 100', 'DL117', 'Add warmup: 10', 'steps: 100'],
  ['  batch: 4\n', '  batch: 4\nevaluate: { every: 600, nms: 0.5 }\n', 'DL117', 'Remove every', '  batch: 4\nevaluate: { nms: 0.5 }\n'],
  ['  batch: 4\n', '  batch: 4\npictures:\n  every: 600\n', 'DL117', 'Remove every', '  batch: 4\n'],
  ['size: [64, 64] # height, width', 'size: [64, 64]\n  augment:\n    scale: [2, 1] # jitter', 'DL118', 'Change to [1, 2]', 'size: [64, 64]\n  augment:\n    scale: [1, 2] # jitter'],
  ['  batch: 4', '  schedule: step\n  milestones: [0.8, 0.5, 0.8]', 'DL118', 'Change train.milestones to [0.5, 0.8]', '  schedule: step\n  milestones: [0.5, 0.8]'],
  ['  batch: 4', '  schedule: step\n  milestones:\n    - 0.8\n    - 0.5', 'DL118', 'Change train.milestones to [0.5, 0.8]', '  schedule: step\n  milestones: [0.5, 0.8]'],
  // without effect
  ['  batch: 4\n', '  batch: 4\n  optimizer: adamw\n  momentum: 0.9 # idle\n', 'DL121', 'Remove momentum', '  batch: 4\n  optimizer: adamw\n'],
  ['  backbone: tiny\n', '  backbone: tiny\n  neck:\n    p6From: c5\n', 'DL121', 'Remove p6From', '  backbone: tiny\n'],
  ['name: base # its name\n', 'name: base # its name\nteaching: together\n', 'DL121', 'Remove teaching', 'name: base # its name\n'],
  // lists
  ['  size: [64, 64] # height, width\n', '  size: [64, 64]\n  classes: [disc, star, disc]\n', 'DL116', 'Remove disc', '  size: [64, 64]\n  classes: [disc, star]\n'],
  ['  size: [64, 64] # height, width\n', '  size: [64, 64]\n  classes:\n    - disc\n    - disc # again\n    - star\n', 'DL116', 'Remove disc', '  size: [64, 64]\n  classes:\n    - disc\n    - star\n'],
  // engine
  ['  batch: 4\n', '  batch: 4\nengine: { device: "cuda:1" }\n', 'DL205', 'Change to "1"', '  batch: 4\nengine: { device: "1" }\n'],
  ['  batch: 4\n', '  batch: 4\nengine: { backend: wasm }\n', 'DL204', 'Change to auto', '  batch: 4\nengine: { backend: auto }\n'],
];

/** Where the flaw is mended elsewhere than where it was made. */
const ELSEWHERE: Readonly<Record<string, (text: string) => string>> = {
  'Move to train': (text) => text.replace('  batch: 4\n', '  batch: 4\n  learningRate: 0.1\n'),
  'Remove distill': (text) => text.replace('distill:\n  # which method\n  - method: fgd\n    weight: 1\n', ''),
  'Remove teacher': (text) => text.replace(`${TEACHER}\n`, ''),
  'Add student.neck.levels: 5': (text) => text.replace('  backbone: tiny\n', '  backbone: tiny\n  neck:\n    levels: 5\n'),
  'Change student.detector to gfl': (text) => text.replace('student:\n  detector: retinanet', 'student:\n  detector: gfl'),
  'Add warmup: 10': (text) => text.replace('  batch: 4\n', '  batch: 4\n  warmup: 10\n'),
};

function applied(text: string, { range, text: put }: TextEdit): string {
  return text.slice(0, range.start) + put + text.slice(range.end);
}

const names = (problems: readonly Problem[]): string[] => problems.map(({ code, path: key }) => `${code} ${key.join('.')}`);

describe('a quick fix', () => {
  it.each(ROWS)('%j → %j: %s, %s', (base, flaw, code, title, after) => {
    const prepared = code === 'DL122' && title.includes('detector') ? BASE.replace('method: fgd', 'method: ld') : BASE;
    expect(prepared).toContain(base);
    const text = prepared.replace(base, () => flaw);
    const before = readExperiment(text, FILE, { environment: {} });
    const problem = before.problems.find((each) => each.code === code && fixesFor({ text, file: FILE }, each, english).some((fix) => fix.title === title));
    const offered = before.problems.flatMap((each) => [formatProblem(each), ...fixesFor({ text, file: FILE }, each, english).map((fix) => `  [${fix.title}]`)]).join('\n');
    expect(problem, offered).toBeDefined();
    if (problem === undefined) return;
    const fix = fixesFor({ text, file: FILE }, problem, english).find((each) => each.title === title);
    const mended = fix === undefined ? text : applied(text, fix.edit);
    expect(mended).toBe((ELSEWHERE[title] ?? ((same) => same))(prepared.replace(base, () => after)));

    const remaining = names(readExperiment(mended, FILE, { environment: {} }).problems);
    expect(remaining.filter((name) => name === names([problem])[0])).toEqual([]);
    // A flaw of the whole text hides others; of those here none is hidden.
    expect(remaining.filter((name) => !names(before.problems).includes(name))).toEqual([]);
  });

  it('is preferred only where there is no doubt', () => {
    const preferred = (flaw: string): readonly (readonly [string, boolean])[] => {
      const text = BASE.replace('batch: 4', flaw);
      const [problem] = readExperiment(text, FILE).problems;
      return problem === undefined ? [] : fixesFor({ text, file: FILE }, problem, english).map((fix) => [fix.title, fix.isPreferred]);
    };
    expect(preferred('bach: 4')).toEqual([['Change to batch', true], ['Remove bach', false]]);
    expect(preferred('batch: 0')).toEqual([['Change to 1', false], ['Change to 4', false]]);
  });

  it('is not offered where the right key is there already', () => {
    const text = BASE.replace('batch: 4', 'batch: 4\n  bach: 8');
    const [problem] = readExperiment(text, FILE).problems;
    expect(problem === undefined ? [] : fixesFor({ text, file: FILE }, problem, english).map((fix) => fix.title)).toEqual(['Remove bach']);
  });

  it('changes no more than it has to', () => {
    const text = BASE.replace('batch: 4', 'bach: 4');
    const [problem] = readExperiment(text, FILE).problems;
    const [fix] = problem === undefined ? [] : fixesFor({ text, file: FILE }, problem, english);
    expect(fix?.edit).toEqual({ range: { start: text.indexOf('bach') + 2, end: text.indexOf('bach') + 2 }, text: 't' });
  });

  it('leaves line ends of Windows alone', () => {
    const text = BASE.replace('batch: 4', 'bach: 4\n  optimizer: adamw\n  momentum: 0.9').replaceAll('\n', '\r\n');
    const edit = fixAll({ text, file: FILE });
    expect(edit === undefined ? text : applied(text, edit)).toBe(BASE.replace('batch: 4', 'batch: 4\n  optimizer: adamw').replaceAll('\n', '\r\n'));
  });
});

describe('fix all', () => {
  it('mends what needs no choice and leaves the rest', () => {
    const text = BASE.replace('name: base', 'nam: base').replace('format: scenes', 'format: scens').replace('batch: 4', 'batch: 0\n  control: yes').replace('size: [64, 64]', 'size: 64');
    const edit = fixAll({ text, file: FILE });
    expect(edit === undefined ? text : applied(text, edit)).toBe(BASE.replace('batch: 4', 'batch: 0\n  control: yes'));
  });

  it('says nothing where nothing is to be done', () => {
    expect(fixAll({ text: BASE, file: FILE })).toBeUndefined();
    expect(fixAll({ text: BASE.replace('batch: 4', 'batch: 0'), file: FILE })).toBeUndefined();
  });
});

describe('fixes of what files tell', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'distill-lab-fixes-'));
    mkdirSync(path.join(folder, 'weights'));
    writeFileSync(path.join(folder, 'weights/teacher.pth'), 'x');
  });
  afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

  it('offer the file that lies beside the one that is not there, and keep the folders as written', () => {
    const text = BASE.replace('t.safetensors', '"${env:FIXES}/./weights/techer.pth"');
    const { experiment, positions } = readExperiment(text, FILE, { environment: { FIXES: folder } });
    const problems = experiment === undefined ? [] : checkFiles(experiment, folder, positions);
    process.env.FIXES = folder;
    const fixes = problems.flatMap((problem) => fixesFor({ text, file: FILE }, problem, english));
    delete process.env.FIXES;
    expect(problems.map(({ code }) => code)).toEqual(['DL120']);
    expect(fixes.map(({ title, edit }) => [title, applied(text, edit)])).toEqual([['Change to teacher.pth', text.replace('techer', 'teacher')]]);
  });
});
