import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DistillError } from '../../../src/errors.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { lineOf, locate } from '../../../src/experiment/positions.ts';
import { formatProblem, toError, toPlace } from '../../../src/experiment/problems.ts';
import { TEMPLATES } from '../../../src/experiment/templates.ts';

/** A sound experiment; rows replace or append lines. */
const BASE = `name: base
data: { format: scenes, size: [64, 64] }
teacher: { detector: retinanet, backbone: small, weights: t.safetensors }
student: { detector: retinanet, backbone: tiny }
distill:
  - method: fgd
train: { steps: 500 }
`;

function withLine(start: string, line: string): string {
  const lines = BASE.split('\n');
  const index = lines.findIndex((text) => text.startsWith(start));
  if (index < 0) return `${BASE}${line}\n`;
  lines[index] = line;
  return lines.join('\n');
}

interface Row {
  readonly title: string;
  readonly text: string;
  readonly code: string;
  readonly at: readonly [number, number];
  readonly says?: RegExp;
  readonly severity?: 'warning';
}

/** BASE with other detectors and another method. */
function pair(teacher: string, learner: string, method: string, more = ''): string {
  return withLine('teacher', `teacher: { detector: ${teacher}, backbone: small, weights: t.pth }`).replace(/^student.*$/m, `student: { detector: ${learner}, backbone: tiny${more === '' ? '' : `, ${more}`} }`).replace('method: fgd', () => method);
}

const student = 'student: { detector: retinanet, backbone: tiny';
const ROWS: readonly Row[] = [
  { title: 'broken YAML', text: 'name: [1', code: 'DL101', at: [1, 9], says: /not YAML/ },
  { title: 'two documents', text: `${BASE}---\nname: b\n`, code: 'DL101', at: [8, 1], says: /one experiment/ },
  { title: 'empty file', text: '# nothing\n', code: 'DL109', at: [1, 1] },
  { title: 'a list instead of an experiment', text: '- 1\n- 2\n', code: 'DL103', at: [1, 1], says: /mapping/ },
  { title: 'custom tag', text: withLine('name', 'name: !import_call os.system'), code: 'DL107', at: [1, 20], says: /runs nothing/ },
  { title: 'merge key', text: `${BASE}engine: &e { capture: true }\ncheckpoint:\n  <<: *e\n`, code: 'DL107', at: [10, 3], says: /Merge keys/ },
  { title: 'tag of a language under YAML\'s own name', text: withLine('name', 'name: !!js/function "x"'), code: 'DL107', at: [1, 21], says: /runs nothing/ },
  { title: 'alias of nothing', text: `${BASE}engine: *nowhere\n`, code: 'DL107', at: [8, 9], says: /no anchor &nowhere/ },
  { title: 'key given twice', text: `${BASE}name: again\n`, code: 'DL108', at: [8, 1], says: /given twice/ },
  { title: 'unknown key with a neighbour', text: withLine('train', 'train: { steps: 500, learnigRate: 1 }'), code: 'DL102', at: [7, 22], says: /Did you mean `learningRate`/ },
  { title: 'unknown key that lives elsewhere', text: withLine('student', `${student}, learningRate: 1 }`), code: 'DL102', at: [4, 49], says: /belongs under `train`/ },
  { title: 'unknown key without a neighbour', text: `${BASE}colour: red\n`, code: 'DL102', at: [8, 1], says: /Keys that can stand here: name, data/ },
  { title: 'key of another data format', text: withLine('data', 'data: { format: scenes, size: [64, 64], root: x }'), code: 'DL102', at: [2, 41], says: /format: coco/ },
  { title: 'key of another method', text: withLine('  - method', '  - { method: rm, alpha: 1 }'), code: 'DL102', at: [6, 19] },
  { title: 'wrong type', text: withLine('train', 'train: { steps: many }'), code: 'DL103', at: [7, 17], says: /expected: a whole number from 1/ },
  { title: 'quoted number', text: withLine('train', 'train: { steps: 500, learningRate: "0.1" }'), code: 'DL103', at: [7, 36], says: /Remove the quotes/ },
  { title: 'number as a name', text: withLine('name', 'name: 12'), code: 'DL103', at: [1, 7], says: /quotes/ },
  { title: 'yes for true', text: `${BASE}control: yes\n`, code: 'DL103', at: [8, 10], says: /Write true/ },
  { title: 'infinity', text: withLine('train', 'train: { steps: 500, clip: .inf }'), code: 'DL103', at: [7, 28] },
  { title: 'too few numbers', text: withLine('data', 'data: { format: scenes, size: [64] }'), code: 'DL103', at: [2, 31], says: /2 values/ },
  { title: 'bare number for a list', text: withLine('data', 'data: { format: scenes, size: 64 }'), code: 'DL103', at: [2, 31], says: /brackets/ },
  { title: 'item that is no mapping', text: withLine('  - method', '  - fgd'), code: 'DL103', at: [6, 5], says: /whose `method` is one of fgd, pfi, mimic/ },
  { title: 'missing key', text: withLine('name', '# nameless'), code: 'DL104', at: [2, 1], says: /`name` is missing/ },
  { title: 'missing key in a mapping', text: withLine('data', 'data: { format: scenes }'), code: 'DL104', at: [2, 1], says: /`data.size` is missing/ },
  { title: 'key with nothing after it', text: withLine('name', 'name:'), code: 'DL104', at: [1, 1] },
  { title: 'missing format', text: withLine('data', 'data: { size: [64, 64] }'), code: 'DL104', at: [2, 1], says: /one of scenes, coco, voc, yolo/ },
  { title: 'unknown choice with a neighbour', text: withLine('data', 'data: { format: scens, size: [64, 64] }'), code: 'DL105', at: [2, 17], says: /Did you mean `scenes`/ },
  { title: 'unknown method', text: withLine('  - method', '  - method: fdg'), code: 'DL105', at: [6, 13], says: /Did you mean `fgd`/ },
  { title: 'unknown choice without a neighbour', text: withLine('student', 'student: { detector: retinanet, backbone: transformer }'), code: 'DL105', at: [4, 43], says: /resnet18, resnet34/ },
  { title: 'out of range below', text: withLine('train', 'train: { steps: 0 }'), code: 'DL106', at: [7, 17], says: /from 1/ },
  { title: 'out of range above', text: withLine('train', 'train: { steps: 500, momentum: 2 }'), code: 'DL106', at: [7, 32], says: /from 0 to 1/ },
  { title: 'variable that is not set', text: withLine('data', 'data: { format: voc, root: "${env:NOT_SET}/x", size: [64, 64] }'), code: 'DL110', at: [2, 28], says: /NOT_SET is not set/ },
  { title: 'distill without teacher', text: withLine('teacher', ''), code: 'DL112', at: [5, 1], says: /no teacher/ },
  { title: 'inherit without teacher', text: `name: x\ndata: { format: scenes, size: [64, 64] }\n${student}, inherit: head }\ntrain: { steps: 500 }\n`, code: 'DL112', at: [3, 58] },
  { title: 'teacher without weights', text: withLine('teacher', 'teacher: { detector: retinanet, backbone: small }'), code: 'DL113', at: [3, 1], says: /there is no teacher without its file/ },
  { title: 'height not a multiple', text: withLine('data', 'data: { format: scenes, size: [100, 64] }'), code: 'DL114', at: [2, 32], says: /Use 96 or 128/ },
  { title: 'width not a multiple', text: withLine('data', 'data: { format: scenes, size: [64, 33] }'), code: 'DL114', at: [2, 36], says: /width/ },
  { title: 'no length', text: withLine('train', 'train: { batch: 2 }'), code: 'DL115', at: [7, 1], says: /length of the run is missing/ },
  { title: 'no train at all', text: withLine('train', ''), code: 'DL115', at: [1, 1] },
  { title: 'two lengths', text: withLine('train', 'train: { steps: 500, epochs: 3 }'), code: 'DL115', at: [7, 22], says: /given twice/ },
  { title: 'batch larger than the data', text: withLine('train', 'train: { steps: 500, batch: 2000 }'), code: 'DL115', at: [7, 29] },
  { title: 'class given twice', text: withLine('data', 'data: { format: scenes, size: [64, 64], classes: [a, b, a] }'), code: 'DL116', at: [2, 57], says: /`a`/ },
  { title: 'method given twice', text: withLine('  - method', '  - method: fgd\n  - method: fgd'), code: 'DL116', at: [7, 13] },
  { title: 'warm-up as long as the run', text: withLine('train', 'train: { steps: 100, warmup: 100 }'), code: 'DL117', at: [7, 30], says: /100 steps/ },
  { title: 'warm-up longer than the epochs', text: withLine('train', 'train: { epochs: 1, batch: 100, warmup: 20 }'), code: 'DL117', at: [7, 41], says: /15 steps/ },
  { title: 'steps without imitation as long as the run', text: withLine('  - method', '  - { method: icd, detachSteps: 500 }'), code: 'DL117', at: [6, 33], severity: 'warning', says: /nothing from `icd`/ },
  { title: 'published warm-up longer than the run', text: withLine('  - method', '  - method: frs'), code: 'DL117', at: [6, 5], severity: 'warning' },
  { title: 'rate that falls before the warm-up is over', text: withLine('train', 'train: { steps: 120, schedule: step }'), code: 'DL117', at: [7, 1], severity: 'warning', says: /falls at step 80/ },
  { title: 'weight that grows past the end', text: withLine('  - method', '  - { method: pfi, warmup: 600 }'), code: 'DL117', at: [6, 28] },
  { title: 'empty range', text: withLine('data', 'data: { format: scenes, size: [64, 64], augment: { scale: [2, 1] } }'), code: 'DL118', at: [2, 59], says: /\[1, 2\]/ },
  { title: 'milestones that fall', text: withLine('train', 'train: { steps: 500, schedule: step, milestones: [0.8, 0.5] }'), code: 'DL118', at: [7, 56] },
  { title: 'imitation that ends before it begins', text: withLine('  - method', '  - { method: lgd, imitateFrom: 0.8, imitateUntil: 0.5 }'), code: 'DL118', at: [6, 33] },
  { title: 'method twice among a teacher\'s', text: withLine('teacher', 'teacher: { detector: retinanet, backbone: small, weights: t.safetensors, methods: [fgd, fgd] }'), code: 'DL116', at: [3, 89] },
  { title: 'two teachers of one file', text: withLine('teacher', 'teacher: [{ detector: retinanet, backbone: small, weights: t.pth }, { detector: retinanet, backbone: small, weights: t.pth }]'), code: 'DL116', at: [3, 118], severity: 'warning', says: /same weights/ },
  { title: 'validation on the training list', text: withLine('data', 'data: { format: voc, root: x, val: train, size: [64, 64] }'), code: 'DL125', at: [2, 36], severity: 'warning' },
  { title: 'validation on the training annotations', text: withLine('data', 'data: { format: coco, root: x, train: { annotations: a, images: b }, val: { annotations: a, images: c }, size: [64, 64] }'), code: 'DL125', at: [2, 90], severity: 'warning' },
  { title: 'levels that differ', text: withLine('student', `${student}, neck: { levels: 2 } }`), code: 'DL122', at: [6, 13], says: /the teacher has 3 levels, the student 2/ },
  { title: 'anchors that differ', text: withLine('student', `${student}, anchors: { ratios: [1, 2] } }`).replace('method: fgd', 'method: rm'), code: 'DL122', at: [6, 13], says: /3 anchors a cell, the student 6/ },
  { title: 'no distributions', text: withLine('  - method', '  - method: ld'), code: 'DL122', at: [6, 13], says: /distributions of box sides/ },
  { title: 'bins that differ', text: pair('gfl', 'gfl', 'method: ld', 'gfl: { bins: 9 }'), code: 'DL122', at: [6, 13], says: /17 bins, the student 9/ },
  { title: 'towers that differ', text: withLine('student', `${student}, head: { convs: 1 } }`).replace('method: fgd', 'method: crosskd'), code: 'DL122', at: [6, 13], says: /2 blocks of 48/ },
  { title: 'more blocks than towers have', text: withLine('  - method', '  - { method: crosskd, reuse: 3 }'), code: 'DL122', at: [6, 31], says: /have 2 blocks/ },
  { title: 'no towers', text: withLine('student', `${student}, head: { convs: 0 } }`).replace('method: fgd', 'method: pgd'), code: 'DL122', at: [6, 13], says: /student's head has none/ },
  { title: 'no towers of a student that teaches itself', text: withLine('student', `${student}, head: { convs: 0 } }`).replace('method: fgd', 'method: mimicdet').replace(/^teacher.*$/m, ''), code: 'DL122', at: [6, 13], says: /has none/ },
  { title: 'boxes of two kinds', text: pair('atss', 'fcos', 'method: dsig'), code: 'DL122', at: [6, 13], says: /teacher is atss, the student fcos/ },
  { title: 'boxes in two units', text: pair('retinanet', 'atss', '{ method: chen2017 }').replace('backbone: small', 'backbone: small, anchors: { octaves: 1 }'), code: 'DL122', at: [6, 15], says: /units of their heads/ },
  { title: 'an assistant between two detectors', text: pair('atss', 'fcos', 'method: scalekd'), code: 'DL122', at: [6, 13], says: /one kind of detector/ },
  { title: 'losses that leave branches out', text: pair('atss', 'atss', '{ method: chen2017, losses: paper }'), code: 'DL122', at: [6, 33], says: /more branches/ },
  { title: 'losses that do not fit distributions', text: pair('gfl', 'gfl', '{ method: lad, losses: paa }'), code: 'DL122', at: [6, 28] },
  { title: 'imitation of other widths', text: pair('gfl', 'gfl', '{ method: ld, imitation: fitnet }', 'neck: { channels: 32 }'), code: 'DL122', at: [6, 30], says: /has 48, the student 32/ },
  { title: 'a teacher too narrow', text: withLine('teacher', 'teacher: { detector: retinanet, backbone: small, neck: { channels: 2 }, weights: t.pth }'), code: 'DL122', at: [6, 13], says: /there are 2/ },
  { title: 'no label encoder', text: withLine('  - method', '  - { method: labelenc, stage: detector }'), code: 'DL122', at: [6, 32] },
  { title: 'a class that scenes do not show', text: withLine('data', 'data: { format: scenes, size: [64, 64], classes: [disk, star] }'), code: 'DL307', at: [2, 51], says: /Did you mean `disc`/ },
  { title: 'device of another kind', text: `${BASE}engine: { device: "cuda:0" }\n`, code: 'DL205', at: [8, 19] },
  { title: 'GPU for a backend without', text: `${BASE}engine: { backend: cpu, device: "0" }\n`, code: 'DL205', at: [8, 33], says: /runs on no GPU/ },
  { title: 'GPU that cannot be chosen', text: `${BASE}engine: { backend: webgpu, device: "0" }\n`, code: 'DL205', at: [8, 36] },
  { title: 'backend that cannot train', text: `${BASE}engine: { backend: wasm }\n`, code: 'DL204', at: [8, 20], severity: 'warning' },
  { title: 'head that cannot be inherited', text: withLine('student', `${student}, inherit: head, neck: { channels: 32 } }`), code: 'DL123', at: [4, 58], says: /neck.channels 48/ },
  { title: 'head of another detector', text: withLine('student', 'student: { detector: fcos, backbone: tiny, inherit: head }'), code: 'DL123', at: [4, 53], says: /detector retinanet/ },
  { title: 'control without distillation', text: `name: x\ndata: { format: scenes, size: [64, 64] }\n${student} }\ntrain: { steps: 500 }\ncontrol: true\n`, code: 'DL119', at: [5, 1], severity: 'warning' },
  { title: 'teacher that teaches nothing', text: withLine('distill', 'distill: []').replace('  - method: fgd\n', ''), code: 'DL119', at: [3, 1], severity: 'warning' },
  { title: 'interval longer than the run', text: `${BASE}evaluate: { every: 600 }\n`, code: 'DL117', at: [8, 20], severity: 'warning' },
  { title: 'momentum of another optimizer', text: withLine('train', 'train: { steps: 500, optimizer: adamw, momentum: 0.9 }'), code: 'DL121', at: [7, 40], severity: 'warning' },
  { title: 'decay of norms where nothing decays', text: withLine('train', 'train: { steps: 500, weightDecay: 0, decayNorms: false }'), code: 'DL121', at: [7, 38], severity: 'warning' },
  { title: 'teaching of one teacher', text: `${BASE}teaching: progressive\n`, code: 'DL121', at: [8, 1], severity: 'warning', says: /not several teachers/ },
  { title: 'option of another variant', text: withLine('  - method', '  - { method: fgfi, stride: 8 }'), code: 'DL121', at: [6, 21], severity: 'warning', says: /`variant: single`/ },
  { title: 'options of a part that is off', text: withLine('  - method', '  - { method: defeat, headForeground: 3 }'), code: 'DL121', at: [6, 23], severity: 'warning', says: /class logits/ },
  { title: 'P6 of a pyramid without it', text: withLine('student', `${student}, neck: { p6From: c5 } }`), code: 'DL121', at: [4, 57], severity: 'warning' },
  { title: 'options of another detector', text: withLine('student', `${student}, fcos: { range: 4 } }`), code: 'DL121', at: [4, 49], severity: 'warning', says: /detector `fcos`/ },
  { title: 'anchors of a detector of points', text: withLine('student', 'student: { detector: fcos, backbone: tiny, anchors: { base: 4 } }'), code: 'DL121', at: [4, 44], severity: 'warning', says: /points/ },
  { title: 'torchvision\'s conventions for what it has not', text: withLine('student', 'student: { detector: gfl, backbone: tiny, preset: torchvision }'), code: 'DL121', at: [4, 43], severity: 'warning', says: /GFL/ },
];

describe('an experiment with a flaw', () => {
  it.each(ROWS)('$title: $code at $at', ({ text, code, at, says, severity }) => {
    const { experiment, problems } = readExperiment(text, 'a.distill.yaml', { environment: {} });
    const found = problems.filter((problem) => problem.code === code);
    expect(found.map(({ range }) => [range?.line, range?.column]), problems.map(formatProblem).join('\n')).toContainEqual(at);
    expect(found[0]?.severity).toBe(severity ?? 'error');
    if (says !== undefined) expect(found.map(formatProblem).join('\n')).toMatch(says);
    if (severity === 'warning') expect(experiment).toBeDefined();
    else expect(experiment).toBeUndefined();
  });

  it('tells all flaws in the order of the file', () => {
    const { problems } = readExperiment('nam: x\ndata: { format: scens }\nstudent: { detector: retinanet, backbone: tiny, norm: 3 }\ntrain: { steps: 1.5 }\n', 'a.distill.yaml');
    expect(problems.map(({ code }) => code)).toEqual(['DL104', 'DL102', 'DL105', 'DL105', 'DL103']);
    const offsets = problems.map(({ range }) => range?.offset ?? -1);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  });

  it('names the other place where two do not agree', () => {
    const related = (text: string): unknown => readExperiment(text, 'a.distill.yaml', { environment: {} }).problems[0]?.related?.map(({ message, range }) => [message, range.line, range.column]);
    expect(related(withLine('student', `${student}, neck: { levels: 2 } }`))).toEqual([['The teacher.', 3, 1], ['The student.', 4, 57]]);
    expect(related(withLine('train', 'train: { steps: 100, warmup: 100 }'))).toEqual([['The length of the run.', 7, 10]]);
    expect(related(withLine('data', 'data: { format: scenes, size: [64, 64], classes: [disc, star, disc] }'))).toEqual([['Given here first.', 2, 51]]);
  });

  it('marks what could as well not be there', () => {
    const idle = (text: string): unknown => readExperiment(text, 'a.distill.yaml').problems.map(({ code, idle: without }) => [code, without]);
    expect(idle(withLine('train', 'train: { steps: 500, optimizer: adamw, momentum: 0.9 }'))).toEqual([['DL121', true]]);
    expect(idle(`${BASE}evaluate: { every: 600 }\n`)).toEqual([['DL117', undefined]]);
  });

  it('is not brought down by nested aliases or cycles', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 9 }, () => `*a${i}`).join(', ')}]`)].join('\n');
    expect(readExperiment(bomb, 'bomb.distill.yaml').problems.map(({ code }) => code)).toContain('DL107');
    expect(readExperiment('a: &a [*a]', 'cycle.distill.yaml').problems.map(({ code }) => code)).toContain('DL107');
  });

  it('keeps __proto__ a key', () => {
    const { problems } = readExperiment(`${BASE}__proto__: { control: true }\n`, 'a.distill.yaml');
    expect(problems.map(({ message }) => message)).toEqual(['`__proto__` is not a key of an experiment.']);
  });
});

describe('a sound experiment', () => {
  it('is complete, with defaults filled in', () => {
    const { experiment, problems } = readExperiment(BASE, 'a.distill.yaml');
    expect(problems).toEqual([]);
    expect(experiment?.train).toMatchObject({ steps: 500, batch: 4, optimizer: 'sgd', schedule: 'cosine' });
    expect(experiment?.distill[0]).toMatchObject({ method: 'fgd', scale: 'paper' });
  });

  it('knows the place of every key and value', () => {
    const { positions } = readExperiment(BASE, 'a.distill.yaml');
    expect(positions.entries.get('train.steps')).toMatchObject({ key: { line: 7, column: 10, endColumn: 15 }, value: { line: 7, column: 17, offset: BASE.indexOf('500') } });
    expect(positions.lines['distill[0].method']).toBe(6);
    expect(lineOf(positions, ['distill', 0, 'alpha'])).toBe(6);
    expect(lineOf(positions, ['nothing'])).toBeUndefined();
  });

  it('takes values of anchors where they are used', () => {
    const { experiment, positions } = readExperiment(BASE.replace('backbone: small', 'backbone: small, anchors: &square { ratios: [1, 2] }').replace('backbone: tiny', 'backbone: tiny, anchors: *square'), 'a.distill.yaml');
    expect(experiment?.student.anchors.ratios).toEqual([1, 2]);
    expect(positions.lines['student.anchors']).toBe(4);
  });

  it('fills in variables in paths only', () => {
    const { experiment } = readExperiment(withLine('name', 'name: "${env:X}"').replace('t.safetensors', '"${env:X}/t.pth"'), 'a.distill.yaml', { environment: { X: '/data' } });
    expect(experiment?.teacher).toMatchObject({ weights: '/data/t.pth' });
    expect(experiment?.name).toBe('${env:X}');
  });

  it.each(TEMPLATES.map((template) => [template.id, template.text] as const))('template %s passes without a word', (_, text) => {
    expect(readExperiment(text, 'a.distill.yaml', { environment: { DATA_ROOT: '/data' } }).problems.map(formatProblem)).toEqual([]);
  });

  const folder = new URL('../../../examples/', import.meta.url);
  it.each(readdirSync(folder).filter((file) => file.endsWith('.distill.yaml')))('example %s passes without a word', (file) => {
    expect(readExperiment(readFileSync(new URL(file, folder), 'utf8'), file, { environment: { BCCD_ROOT: '/data' } }).problems.map(formatProblem)).toEqual([]);
  });
});

describe('overrides', () => {
  it('change, add and remove keys', () => {
    const { experiment } = readExperiment(BASE, 'a.distill.yaml', { overrides: ['train.steps=20', 'train.warmup=5', 'distill[0].alpha=0.5', 'distill.1.method=rm', 'teacher.weights=other.pth', 'data.size=[96, 128]'] });
    expect(experiment?.train).toMatchObject({ steps: 20, warmup: 5 });
    expect(experiment?.distill).toMatchObject([{ method: 'fgd', alpha: 0.5 }, { method: 'rm' }]);
    expect(experiment?.teacher).toMatchObject({ weights: 'other.pth' });
    expect(experiment?.data.size).toEqual([96, 128]);
    expect(readExperiment(BASE, 'a', { overrides: ['train.steps=', 'train.epochs=3'] }).experiment?.train).toMatchObject({ epochs: 3 });
  });

  it.each([
    ['train.stps=3', 'DL102'], ['train.steps=x', 'DL103'], ['train.steps', 'DL111'], ['=3', 'DL111'], ['train.steps=[1', 'DL111'], ['train.warmup=900', 'DL117'],
  ])('%s is refused with %s, placed at the option', (override, code) => {
    const { problems, experiment } = readExperiment(BASE, 'a.distill.yaml', { overrides: [override] });
    expect(experiment).toBeUndefined();
    expect(problems.map((problem) => [problem.code, toPlace(problem)])).toEqual([[code, { file: `--set ${override}` }]]);
  });
});

describe('errors that know only a key', () => {
  const { positions } = readExperiment(BASE, 'a.distill.yaml');

  it('get their line', () => {
    const located = locate(new DistillError('DL505', 'does not fit', { key: ['teacher', 'weights'] }), positions);
    expect(located.details.where).toEqual({ file: 'a.distill.yaml', line: 3 });
    expect(located.code).toBe('DL505');
  });

  it('keep a place that they have, and others pass unchanged', () => {
    const placed = new DistillError('DL301', 'x', { key: ['name'], where: { file: 'image.png' } });
    const other = new Error('x');
    expect(locate(placed, positions)).toBe(placed);
    expect(locate(other, positions)).toBe(other);
  });

  it('are made of problems', () => {
    const [problem] = readExperiment(withLine('train', 'train: { steps: many }'), 'a.distill.yaml').problems;
    expect(problem === undefined ? '' : toError(problem).explain()).toMatch(/^a\.distill\.yaml:7:17: .*\[DL103\]\n {2}expected: /);
  });
});
