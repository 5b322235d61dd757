import { describe, expect, it } from 'vitest';
import { checkFiles } from '../../../src/experiment/files.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { formatProblem, type Problem } from '../../../src/experiment/problems.ts';
import { parseResolved, formatResolved } from '../../../src/experiment/resolved.ts';
import { type Experiment } from '../../../src/experiment/schema.ts';
import { lessonId, lessonsOf, shortestStage, stagesOf, teacherPath, teachersOf } from '../../../src/experiment/teachers.ts';

const NETWORK = 'detector: retinanet, backbone: small';
const SOUND = [`- { ${NETWORK}, weights: a.pth }`, `- { ${NETWORK}, weights: b.pth }`];

/** Line 4 is the first teacher. */
function fileOf({ teachers = SOUND, distill = '[{ method: fgd }, { method: rm }]', more = '', train = '{ steps: 500 }' }: { teachers?: readonly string[]; distill?: string; more?: string; train?: string }): string {
  return `name: several
data: { format: scenes, size: [64, 64] }
teacher:
${teachers.map((line) => `  ${line}`).join('\n')}
student: { detector: retinanet, backbone: tiny }
distill: ${distill}
train: ${train}
${more}
`;
}

function read(text: string): { problems: readonly Problem[]; experiment: Experiment | undefined; said: string } {
  const { problems, experiment } = readExperiment(text, 'a.distill.yaml', { environment: {} });
  return { problems, experiment, said: problems.map(formatProblem).join('\n') };
}

function sound(text: string): Experiment {
  const { experiment, said } = read(text);
  if (experiment === undefined) throw new Error(said);
  return experiment;
}

describe('teachers in a file', () => {
  it('are one section or a list', () => {
    const one = sound(fileOf({ teachers: [NETWORK.replace(', ', '\n  '), 'weights: a.pth'] }));
    expect(teachersOf(one).map(({ weights }) => weights)).toEqual(['a.pth']);
    expect(teacherPath(one, 0)).toEqual(['teacher']);
    const several = sound(fileOf({}));
    expect(teachersOf(several).map(({ weights }) => weights)).toEqual(['a.pth', 'b.pth']);
    expect(teacherPath(several, 1)).toEqual(['teacher', 1]);
    expect(teachersOf({})).toEqual([]);
    expect(read(fileOf({})).problems).toEqual([]);
  });

  it('pass through the run folder unchanged', () => {
    const experiment = sound(fileOf({ more: 'teaching: progressive' }));
    const source = { file: '/x/a.distill.yaml', lines: {} };
    const resolved = parseResolved(formatResolved({ experiment, source, overrides: [], version: '1', versions: {}, created: 1 }), 'resolved.json');
    expect(resolved.experiment).toEqual(experiment);
  });

  it('teach all methods, or those that they name', () => {
    const experiment = sound(fileOf({ teachers: [SOUND[0] ?? '', `- { ${NETWORK}, weights: b.pth, methods: [rm] }`] }));
    const [first, second] = teachersOf(experiment);
    expect(lessonsOf(experiment, first ?? {}).map(([place, { method }]) => [place, method])).toEqual([[0, 'fgd'], [1, 'rm']]);
    expect(lessonsOf(experiment, second ?? {}).map(([place, { method }]) => [place, method])).toEqual([[1, 'rm']]);
    expect([lessonId('fgd', 0), lessonId('ssim-kd', 1)]).toEqual(['fgd', 'ssim-kd_2']);
  });
});

describe('stages', () => {
  const three = { teacher: Array.from({ length: 3 }, () => ({})) as never };
  it('are one where all teach at once', () => {
    expect(stagesOf({ ...three, teaching: 'together' }, 100)).toEqual([{ from: 0, to: 100, teachers: [0, 1, 2] }]);
    expect(stagesOf({ teaching: 'progressive' }, 100)).toEqual([{ from: 0, to: 100, teachers: [] }]);
  });

  it('follow each other without gaps in progression', () => {
    for (const steps of [3, 10, 100, 101]) {
      const stages = stagesOf({ ...three, teaching: 'progressive' }, steps);
      expect(stages.map(({ teachers }) => teachers)).toEqual([[0], [1], [2]]);
      expect([stages[0]?.from, stages[2]?.to]).toEqual([0, steps]);
      expect(stages.slice(1).map(({ from }) => from)).toEqual(stages.slice(0, -1).map(({ to }) => to));
      const lengths = stages.map(({ from, to }) => to - from);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      expect(shortestStage({ ...three, teaching: 'progressive' }, steps)).toBe(Math.min(...lengths));
    }
  });
});

const second = (text: string): readonly string[] => [SOUND[0] ?? '', `- { ${text} }`];
const progressive = 'teaching: progressive';

interface Row {
  readonly title: string;
  readonly text: string;
  readonly code: string;
  readonly key: string;
  readonly line: number;
  readonly says?: RegExp;
  readonly severity?: 'warning';
}

const ROWS: readonly Row[] = [
  { title: 'weights left out', text: fileOf({ teachers: second(NETWORK) }), code: 'DL113', key: 'teacher.1.weights', line: 5, says: /Teacher 2 of the list has no weights.*\n.*\n.*`teacher\[1\]\.weights`/ },
  { title: 'unknown key', text: fileOf({ teachers: second(`${NETWORK}, weigths: b.pth`) }), code: 'DL102', key: 'teacher.1.weigths', line: 5, says: /`weigths` is not a key of `teacher\[1\]`.*\n.*Did you mean `weights`/ },
  { title: 'unknown backbone', text: fileOf({ teachers: second('detector: retinanet, backbone: resnet10, weights: b.pth') }), code: 'DL105', key: 'teacher.1.backbone', line: 5, says: /Did you mean `resnet101`|Did you mean `resnet18`/ },
  { title: 'a number instead of a teacher', text: fileOf({ teachers: [SOUND[0] ?? '', '- 3'] }), code: 'DL103', key: 'teacher.1', line: 5, says: /`teacher\[1\]` has the wrong kind of value/ },
  { title: 'an empty list', text: fileOf({ teachers: ['[]'] }), code: 'DL103', key: 'teacher', line: 4, says: /or a list/ },
  { title: 'neither one nor a list', text: fileOf({ teachers: ['none'] }), code: 'DL103', key: 'teacher', line: 4, says: /or a list/ },
  { title: 'a negative share', text: fileOf({ teachers: second(`${NETWORK}, weights: b.pth, share: -1`) }), code: 'DL106', key: 'teacher.1.share', line: 5, says: /from 0/ },
  { title: 'a method misspelt', text: fileOf({ teachers: second(`${NETWORK}, weights: b.pth, methods: [fgdd]`) }), code: 'DL105', key: 'teacher.1.methods.0', line: 5, says: /Did you mean `fgd`/ },
  { title: 'a method that is not distilled', text: fileOf({ teachers: second(`${NETWORK}, weights: b.pth, methods: [rm, pfi]`) }), code: 'DL105', key: 'teacher.1.methods.1', line: 5, says: /one of fgd, rm.*\n.*got: +pfi\n.*Add it to `distill`/ },
  { title: 'a pair that a method cannot serve', text: fileOf({ teachers: second(`${NETWORK}, weights: b.pth, neck: { levels: 2 }`) }), code: 'DL122', key: 'distill.0.method', line: 7, says: /the teacher has 2 levels/ },
  { title: 'a size that one cannot take', text: fileOf({}).replace('[64, 64]', '[72, 64]'), code: 'DL114', key: 'data.size.0', line: 2 },
  { title: 'teaching misspelt', text: fileOf({ more: 'teaching: progresive' }), code: 'DL105', key: 'teaching', line: 9, says: /Did you mean `progressive`/ },
  { title: 'a warm-up as long as a stage', text: fileOf({ more: progressive, train: '{ steps: 500, warmup: 250 }' }), code: 'DL117', key: 'train.warmup', line: 8, says: /part of each teacher.*\n.*each teacher's 250 steps/ },
  { title: 'more teachers than steps', text: fileOf({ more: progressive, train: '{ steps: 1, warmup: 0 }' }), code: 'DL115', key: 'teaching', line: 9, says: /at least 2 steps/ },
  { title: 'a method that nobody teaches', text: fileOf({ teachers: SOUND.map((line) => line.replace(' }', ', methods: [rm] }')) }), code: 'DL119', key: 'distill.0.method', line: 7, severity: 'warning', says: /No teacher teaches `fgd`/ },
  { title: 'a share without another teacher', text: fileOf({ teachers: [`- { ${NETWORK}, weights: b.pth, share: 1 }`] }), code: 'DL121', key: 'teacher.0.share', line: 4, severity: 'warning', says: /no other teacher teaches at the same time/ },
  { title: 'a share in progression', text: fileOf({ teachers: second(`${NETWORK}, weights: b.pth, share: 1`), more: progressive }), code: 'DL121', key: 'teacher.1.share', line: 5, severity: 'warning' },
  { title: 'teaching with one teacher', text: fileOf({ teachers: SOUND.slice(0, 1), more: 'teaching: together' }), code: 'DL121', key: 'teaching', line: 8, severity: 'warning' },
  { title: 'a key of another detector', text: fileOf({ teachers: second(`${NETWORK}, weights: b.pth, gfl: { bins: 8 }`) }), code: 'DL121', key: 'teacher.1.gfl', line: 5, severity: 'warning' },
];

describe('a flaw among teachers', () => {
  it.each(ROWS)('$title: $code at $key', ({ text, code, key, line, says, severity }) => {
    const { problems, experiment, said } = read(text);
    expect(problems.map((problem) => [problem.code, problem.path.join('.'), problem.range?.line]), said).toContainEqual([code, key, line]);
    const [found] = problems.filter((problem) => problem.code === code && problem.path.join('.') === key);
    expect(found?.severity).toBe(severity ?? 'error');
    expect(experiment === undefined, said).toBe(severity === undefined);
    if (says !== undefined) expect(said).toMatch(says);
  });

  it('may be a file that is not there', () => {
    const { experiment, positions } = readExperiment(fileOf({}), 'a.distill.yaml');
    if (experiment === undefined) throw new Error('the experiment is sound');
    expect(checkFiles(experiment, '/nowhere', positions).map(({ code, path, range }) => [code, path.join('.'), range?.line])).toEqual([['DL120', 'teacher.0.weights', 4], ['DL120', 'teacher.1.weights', 5]]);
  });

  it('is changed by an override', () => {
    const { experiment } = readExperiment(fileOf({}), 'a.distill.yaml', { overrides: ['teacher[1].weights=c.pth'] });
    expect(experiment === undefined ? [] : teachersOf(experiment).map(({ weights }) => weights)).toEqual(['a.pth', 'c.pth']);
  });
});
