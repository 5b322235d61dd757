/** `seeds` and `sweep`: what they unfold to, and what is told of mistakes in them. */
import { describe, expect, it } from 'vitest';
import { combinationsOf, describeCombination } from '../../../src/experiment/combinations.ts';
import { formatKey } from '../../../src/experiment/keyPath.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { formatProblem } from '../../../src/experiment/problems.ts';
import { type SweepConfig, sweepSchema } from '../../../src/experiment/sweepSchema.ts';

const BASE = `name: base
data: { format: scenes, size: [64, 64] }
teacher: { detector: retinanet, backbone: tiny, weights: t.safetensors }
student: { detector: retinanet, backbone: tiny }
distill:
  - method: fgd
train: { steps: 500 }
`;

function unfold(sweep: unknown): readonly string[] {
  return combinationsOf(sweepSchema.parse(sweep)).map((combination) => combination.map(({ path, value }) => `${formatKey(path)}=${JSON.stringify(value)}`).join(' '));
}

describe('the combinations of a sweep', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['one list', { 'train.batch': [2, 4] }, ['train.batch=2', 'train.batch=4']],
    ['two lists, the last varying fastest', { 'train.batch': [2, 4], 'train.clip': [0, 1] }, ['train.batch=2 train.clip=0', 'train.batch=2 train.clip=1', 'train.batch=4 train.clip=0', 'train.batch=4 train.clip=1']],
    ['equal distances without the rest of binary sums', { 'train.ema': { range: [0, 0.3, 4] } }, ['train.ema=0', 'train.ema=0.1', 'train.ema=0.2', 'train.ema=0.3']],
    ['falling', { 'train.batch': { range: [8, 2, 3] } }, ['train.batch=8', 'train.batch=5', 'train.batch=2']],
    ['equal ratios', { 'train.learningRate': { logRange: [1e-4, 1e-2, 3] } }, ['train.learningRate=0.0001', 'train.learningRate=0.001', 'train.learningRate=0.01']],
    ['methods by name, and with options', { distill: [['fgd'], ['rm', { method: 'pfi', weight: 2 }], []] }, ['distill=[{"method":"fgd"}]', 'distill=[{"method":"rm"},{"method":"pfi","weight":2}]', 'distill=[]']],
    ['a key inside another after it, however they are written', { 'distill[0].weight': [2], distill: [['rm']] }, ['distill=[{"method":"rm"}] distill[0].weight=2']],
    ['another spelling of a path', { 'distill.0.weight': [2] }, ['distill[0].weight=2']],
    ['left out', { 'train.clip': [null, 5] }, ['train.clip=null', 'train.clip=5']],
    ['a limit', { limit: 2, 'train.batch': [1, 2, 3] }, ['train.batch=1', 'train.batch=2']],
  ])('%s', (_, sweep, expected) => {
    expect(unfold(sweep)).toEqual(expected);
  });

  it('without a sweep are one, with nothing changed', () => {
    expect(combinationsOf(undefined)).toEqual([[]]);
  });

  it('drawn: different ones of the grid, the same for the same seed', () => {
    const sweep = { order: 'random', limit: 30, 'train.batch': { range: [1, 10, 10] }, 'train.clip': [0, 1, 2, 3] };
    const drawn = unfold(sweep);
    expect(new Set(drawn).size).toBe(30);
    expect(unfold(sweep)).toEqual(drawn);
    expect(unfold({ ...sweep, seed: 1 })).not.toEqual(drawn);
    expect(unfold({ ...sweep, limit: 99 })).toHaveLength(40);
  });

  it('drawn from a range without a number: within its ends, spread as it says', () => {
    const config: SweepConfig = sweepSchema.parse({ order: 'random', limit: 400, 'train.learningRate': { logRange: [1e-4, 1] }, 'train.ema': { range: [0, 0.5] } });
    const values = (key: string): number[] => combinationsOf(config).map((combination) => Number(combination.find((each) => each.key === key)?.value));
    const rates = values('train.learningRate');
    expect(Math.min(...rates) >= 1e-4 && Math.max(...rates) <= 1).toBe(true);
    // Half of the logarithms lie below 0.01; of the numbers themselves it would be a hundredth.
    expect(rates.filter((rate) => rate < 0.01).length).toBeGreaterThan(150);
    expect(values('train.ema').filter((value) => value < 0.25).length).toBeGreaterThan(150);
    expect(Math.max(...values('train.ema'))).toBeLessThanOrEqual(0.5);
  });

  it('are told in few words', () => {
    const words = (sweep: unknown): readonly string[] => combinationsOf(sweepSchema.parse(sweep)).map(describeCombination);
    expect(words({ distill: [['rm', 'pfi'], []], 'train.batch': [2] })).toEqual(['rm + pfi, batch 2', 'none, batch 2']);
    expect(words({ 'student.backbone': ['tiny'], 'teacher.backbone': ['small'], 'train.clip': [null] })).toEqual(['student.backbone tiny, teacher.backbone small, clip left out']);
    expect(words({ 'data.size[0]': [64] })).toEqual(['data.size[0] 64']);
  });
});

describe('a file with a sweep', () => {
  it.each([
    ['seeds alone', 'seeds: [0, 1, 2]'],
    ['values of a method', 'sweep: { "distill[0].alpha": [5e-4, 1e-3, 2e-3] }'],
    ['lists of methods', 'seeds: [0, 1]\nsweep:\n  distill: [[fgd], [rm, pfi], [pkd, ld]]\n'.replace(', [pkd, ld]', '')],
    ['options', 'sweep: { order: random, seed: 3, limit: 4, halving: { first: 0.2, keep: 0.3 }, train.learningRate: { logRange: [1e-4, 1e-2, 9] } }'],
    ['where to', 'seeds: [1]\nlaunch: { on: slurm, atOnce: 4, cpus: 2, memory: 8, gpus: 1, minutes: 60, slurm: { partition: gpu, constraint: "a100|h100" } }'],
  ])('is sound with %s', (_, lines) => {
    expect(readExperiment(`${BASE}${lines}\n`, 'f').problems).toEqual([]);
  });

  it('is judged by its combinations: what only the file without them lacks is no mistake', () => {
    const text = `${BASE.replace('distill:\n  - method: fgd\n', '')}control: true\nsweep: { distill: [[fgd], [rm]] }\n`;
    expect(readExperiment(text, 'f').problems).toEqual([]);
  });

  interface Row { readonly title: string; readonly lines: string; readonly code: string; readonly at: readonly [number, number]; readonly says: RegExp; readonly severity?: 'warning' }
  it.each<Row>([
    { title: 'a slip in a key', lines: 'sweep:\n  train.learnigRate: [1, 2]', code: 'DL127', at: [9, 3], says: /Did you mean `train\.learningRate`/ },
    { title: 'a slip in a method\'s option', lines: 'sweep:\n  distill[0].alhpa: [1, 2]', code: 'DL127', at: [9, 3], says: /Did you mean `distill\[0\]\.alpha`/ },
    { title: 'a slip in an option of the sweep', lines: 'sweep:\n  ordre: [random]', code: 'DL127', at: [9, 3], says: /Did you mean `order`/ },
    { title: 'a key that is no path', lines: 'sweep:\n  "train.": [1]', code: 'DL127', at: [9, 3], says: /not the path of a key/ },
    { title: 'the seed', lines: 'sweep:\n  train.seed: [1, 2]', code: 'DL127', at: [9, 3], says: /under `seeds`/ },
    { title: 'what is not trained', lines: 'sweep:\n  name: [a, b]', code: 'DL127', at: [9, 3], says: /cannot be swept/ },
    { title: 'one key in two spellings', lines: 'sweep:\n  distill[0].alpha: [1]\n  distill.0.alpha: [2]', code: 'DL116', at: [10, 3], says: /swept twice/ },
    { title: 'a seed twice', lines: 'seeds: [1, 2, 1]', code: 'DL116', at: [8, 15], says: /seed 1/ },
    { title: 'no values', lines: 'sweep: { train.batch: [] }', code: 'DL103', at: [8, 23], says: /expected: a list/ },
    { title: 'one value', lines: 'sweep: { train.batch: 4 }', code: 'DL103', at: [8, 23], says: /brackets/ },
    { title: 'logarithms of nothing', lines: 'sweep: { train.clip: { logRange: [0, 1, 3] } }', code: 'DL106', at: [8, 35], says: /above 0/ },
    { title: 'a range without a number', lines: 'sweep: { train.clip: { range: [0, 1] } }', code: 'DL128', at: [8, 22], says: /order: random/ },
    { title: 'drawing without end', lines: 'sweep: { order: random, train.clip: { range: [0, 1] } }', code: 'DL128', at: [8, 37], says: /limit: 20/ },
    { title: 'far too many', lines: 'sweep: { train.clip: { range: [0, 1, 500] }, train.ema: { range: [0, 0.9, 500] } }', code: 'DL128', at: [8, 1], says: /250,000 combinations/ },
    { title: 'nothing swept', lines: 'sweep: { limit: 3 }', code: 'DL128', at: [8, 1], says: /names no key/, severity: 'warning' },
    { title: 'a limit that cuts the grid', lines: 'sweep: { limit: 2, train.clip: [1, 2, 3] }', code: 'DL128', at: [8, 17], says: /first 2 of 3/, severity: 'warning' },
    { title: 'halving of one', lines: 'sweep: { halving: {}, train.clip: [1] }', code: 'DL121', at: [8, 10], says: /only one/, severity: 'warning' },
    { title: 'a value out of range', lines: 'sweep: { train.learningRate: [0.1, -1], train.batch: [2] }', code: 'DL106', at: [8, 36], says: /with learningRate -1, batch 2/ },
    { title: 'a value of a range out of range', lines: 'sweep: { train.momentum: { range: [0, 2, 3] } }', code: 'DL106', at: [8, 26], says: /with momentum 2/ },
    { title: 'a method that is none', lines: 'sweep:\n  distill: [[fgd], [rm, pif]]', code: 'DL105', at: [9, 25], says: /Did you mean `pfi`/ },
    { title: 'an option that another method of the list lacks', lines: 'sweep:\n  distill: [[fgd], [rm]]\n  distill[0].alpha: [1]', code: 'DL102', at: [10, 22], says: /with rm, alpha 1/ },
    { title: 'values that do not go together', lines: 'sweep: { train.steps: [50, 500], train.warmup: [10, 100] }', code: 'DL117', at: [8, 53], says: /with steps 50, warmup 100/ },
    { title: 'what is wrong with every combination', lines: 'evaluate: { nms: 2 }\nseeds: [1]', code: 'DL106', at: [8, 18], says: /from 0 to 1/ },
    { title: 'a word that would be an option of sbatch', lines: 'launch: { slurm: { partition: "--wrap=rm" } }', code: 'DL103', at: [8, 31], says: /launch\.slurm\.partition/ },
  ])('is told of $title', ({ lines, code, at, says, severity }) => {
    const { problems, experiment } = readExperiment(`${BASE}${lines}\n`, 'f.distill.yaml');
    const texts = problems.map(formatProblem);
    expect(problems.map((problem) => problem.code), texts.join('\n')).toEqual([code]);
    expect([problems[0]?.range?.line, problems[0]?.range?.column], texts.join('\n')).toEqual(at);
    expect(texts[0]).toMatch(says);
    expect(problems[0]?.severity).toBe(severity ?? 'error');
    expect(experiment === undefined).toBe(severity === undefined);
  });

  it('tells once of what many combinations share', () => {
    const { problems } = readExperiment(`${BASE}sweep: { train.learningRate: [-1, 1], train.batch: { range: [1, 90, 90] } }\n`, 'f');
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toMatch(/and \d+ more\.$/);
  });

  it('is one run again when the two keys are left out', () => {
    const { experiment } = readExperiment(`${BASE}seeds: [1]\nsweep: { train.batch: [2] }\n`, 'f', { overrides: ['seeds=', 'sweep=', 'train.batch=2', 'train.seed=1'] });
    expect(experiment).toMatchObject({ train: { batch: 2, seed: 1 } });
    expect(experiment?.sweep).toBeUndefined();
  });
});
