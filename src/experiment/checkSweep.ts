/**
 * Checks of `seeds` and `sweep`: their own, and those of every experiment that they make.
 * What is wrong with all of these is wrong with the file; what is wrong with some is told at the value, with the combination.
 */
import { crossChecks } from './check.ts';
import { type Combination, combinationsOf, describeCombination, sizeOfGrid, type Variation, variationsOf, withCombination } from './combinations.ts';
import { findingsOf } from './issues.ts';
import { keysAt, schemasAt } from './jsonSchema.ts';
import { formatKey, type KeyPath, parseKey, valueAt } from './keyPath.ts';
import { didYouMean, type Finding } from './problems.ts';
import { type Experiment, experimentSchema } from './schema.ts';
import { SWEEP_OPTIONS } from './sweepSchema.ts';

/** More is nobody's intention. */
const MOST_COMBINATIONS = 10_000;
/** Looked at while one types; a sweep that is started checks every one. */
const MOST_CHECKED = 100;
/** Keys that say which run it is, not how it trains. */
const NOT_SWEPT = ['name', 'seeds', 'sweep', 'launch', 'control'];

/** @param written the file's data before defaults. */
export function sweepChecks(experiment: Experiment, written: unknown): readonly Finding[] {
  const own = [...checkSeeds(experiment, written), ...checkKeys(experiment, written), ...checkSize(experiment)];
  if (own.some(({ severity }) => severity === undefined)) return own;
  return [...own, ...checkCombinations(experiment, written)];
}

function checkSeeds({ seeds }: Experiment, written: unknown): readonly Finding[] {
  if (seeds === undefined) return [];
  const findings: Finding[] = seeds.flatMap((seed, index) => (seeds.indexOf(seed) < index ? [{ code: 'DL116', message: `The seed ${seed} is given twice.`, path: ['seeds', index], advice: 'Keep one of the two.' } as const] : []));
  if (valueAt(written, ['train', 'seed']) !== undefined) findings.push({ code: 'DL121', severity: 'warning', message: '`seed` changes nothing: `seeds` are given.', path: ['train', 'seed'], at: 'key', advice: 'Remove it.' });
  return findings;
}

function checkKeys({ sweep }: Experiment, written: unknown): readonly Finding[] {
  if (sweep === undefined) return [];
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const key of Object.keys(sweep)) {
    if (SWEEP_OPTIONS.includes(key)) continue;
    const at = { path: ['sweep', key], at: 'key' } as const;
    const path = parseKey(key);
    const known = path === undefined ? undefined : formatKey(path);
    if (path === undefined || known === undefined) {
      findings.push({ ...at, code: 'DL127', message: `\`${key}\` is not the path of a key.`, expected: 'a key of this file, e.g. `distill[0].alpha` or `train.learningRate`' });
      continue;
    }
    const unknown = unknownPart(key, path, written);
    if (unknown !== undefined) findings.push({ ...at, ...unknown });
    else if (NOT_SWEPT.includes(String(path[0])) || known === 'train.seed') {
      findings.push({ ...at, code: 'DL127', message: `\`${key}\` cannot be swept.`, advice: known === 'train.seed' ? 'List the seeds under `seeds`.' : 'Sweep keys that change what is trained.' });
    } else if (seen.has(known)) findings.push({ ...at, code: 'DL116', message: `\`${known}\` is swept twice.`, advice: 'Join the two lists.' });
    seen.set(known, key);
  }
  return findings;
}

/** The first part of a path that leads nowhere, with what was meant. */
function unknownPart(key: string, path: KeyPath, written: unknown): Pick<Finding, 'code' | 'message' | 'advice' | 'repairs'> | undefined {
  for (let length = 1; length <= path.length; length += 1) {
    const part = path[length - 1];
    const above = path.slice(0, length - 1);
    if (schemasAt(path.slice(0, length), written).length > 0) continue;
    const known = [...keysAt(above, written), ...(length === 1 ? SWEEP_OPTIONS : [])];
    const meant = typeof part === 'string' ? didYouMean(part, known) : undefined;
    const corrected = meant === undefined ? undefined : formatKey([...above, meant, ...path.slice(length)]);
    const where = above.length === 0 ? 'an experiment' : `\`${formatKey(above)}\``;
    return {
      code: 'DL127', message: `\`${formatKey(path)}\` cannot be swept: \`${String(part)}\` is not a key of ${where}.`,
      ...(corrected === undefined ? {} : { repairs: [{ changes: [{ kind: 'rename', path: ['sweep', key], key: corrected }], safe: true }] }),
      advice: corrected !== undefined ? `Did you mean \`${corrected}\`?` : known.length > 0 ? `Keys that can stand here: ${known.join(', ')}.` : undefined,
    };
  }
  return undefined;
}

function checkSize({ sweep }: Experiment): readonly Finding[] {
  if (sweep === undefined) return [];
  const variations = variationsOf(sweep);
  const { order, limit, halving } = sweep;
  const findings: Finding[] = [];
  if (Object.keys(sweep).every((key) => SWEEP_OPTIONS.includes(key))) {
    return [{ code: 'DL128', severity: 'warning', message: 'Nothing is swept: the section names no key.', path: ['sweep'], at: 'key', advice: 'Add a key with its values, e.g. `train.learningRate: [0.005, 0.01]`, or remove `sweep`.' }];
  }
  for (const { key, values } of variations) {
    if (!('between' in values)) continue;
    if (order === 'grid') findings.push({ code: 'DL128', message: `The range of \`${key}\` does not say how many values.`, path: ['sweep', key], expected: '[first, last, number]', advice: 'Add the number, or draw values with `order: random`.' });
    else if (limit === undefined) findings.push({ code: 'DL128', message: `Values of \`${key}\` are drawn, but it is not said how often.`, path: ['sweep', key], advice: 'Add `limit: 20` to `sweep`, or the number of values to the range.' });
  }
  const size = Math.min(sizeOfGrid(variations), limit ?? Number.POSITIVE_INFINITY);
  if (Number.isFinite(size) && size > MOST_COMBINATIONS) findings.push({ code: 'DL128', message: `The sweep has ${size.toLocaleString('en')} combinations.`, path: ['sweep'], at: 'key', expected: `at most ${MOST_COMBINATIONS.toLocaleString('en')}`, advice: 'Try fewer values, or set `order: random` and a `limit`.' });
  if (limit !== undefined && order === 'grid' && limit < sizeOfGrid(variations)) {
    findings.push({ code: 'DL128', severity: 'warning', message: `Only the first ${limit} of ${sizeOfGrid(variations)} combinations are trained: the last values of the first key may never be tried.`, path: ['sweep', 'limit'], advice: 'With `order: random` they are drawn from all.' });
  }
  if (halving !== undefined && size < 2) findings.push({ code: 'DL121', severity: 'warning', message: '`halving` changes nothing: there is only one combination.', path: ['sweep', 'halving'], at: 'key', advice: 'Remove it.' });
  return findings;
}

interface Told {
  readonly finding: Finding;
  readonly combinations: Combination[];
}

function checkCombinations(experiment: Experiment, written: unknown): readonly Finding[] {
  const all = combinationsOf(experiment.sweep);
  const looked = sample(all, variationsOf(experiment.sweep));
  const told = new Map<string, Told>();
  for (const combination of looked) {
    for (const finding of findingsIn(written, combination)) {
      const identity = JSON.stringify([finding.code, finding.path, finding.message]);
      const known = told.get(identity) ?? { finding, combinations: [] };
      known.combinations.push(combination);
      told.set(identity, known);
    }
  }
  return [...told.values()].flatMap(({ finding, combinations }) => {
    const [first] = combinations;
    const guilty = first?.find(({ path }) => isWithin(finding.path, path) || isWithin(path, finding.path));
    if (combinations.length === looked.length && guilty === undefined) return [finding];
    // Advice about one of many combinations would be noise.
    if (first === undefined || finding.severity === 'warning') return [];
    return [atItsValue(finding, first, combinations.length > 1 && combinations.length < looked.length ? combinations.length - 1 : 0, experiment)];
  });
}

function findingsIn(written: unknown, combination: Combination): readonly Finding[] {
  const data = withoutNulls(withCombination(written, combination));
  const parsed = experimentSchema.safeParse(data);
  return parsed.success ? crossChecks(parsed.data, data) : parsed.error.issues.flatMap((issue) => findingsOf(issue, data));
}

/** Every value of every key once, then combinations at equal distances. */
function sample(all: readonly Combination[], variations: readonly Variation[]): readonly Combination[] {
  if (all.length <= MOST_CHECKED) return all;
  const chosen = new Set<Combination>();
  for (const { key, values } of variations) {
    for (let place = 0; place < ('between' in values ? 0 : Math.min(values.length, MOST_CHECKED / 2)); place += 1) {
      const found = all.find((combination) => combination.some((each) => each.key === key && each.place === place));
      if (found !== undefined) chosen.add(found);
    }
  }
  for (let index = 0; index < MOST_CHECKED; index += 1) chosen.add(all[Math.floor((index * all.length) / MOST_CHECKED)] ?? []);
  return [...chosen];
}

/** @param more how many other combinations have the same fault. */
function atItsValue(finding: Finding, combination: Combination, more: number, { sweep }: Experiment): Finding {
  const guilty = combination.findLast(({ path }) => isWithin(finding.path, path)) ?? combination.findLast(({ path }) => isWithin(path, finding.path)) ?? combination.at(-1);
  if (guilty === undefined) return finding;
  const inside = isWithin(finding.path, guilty.path) ? finding.path.slice(guilty.path.length) : [];
  const path = ['sweep', guilty.key, ...(Array.isArray(sweep?.[guilty.key]) ? [guilty.place ?? 0, ...inside] : [])];
  // Repairs and related places are those of the experiment that the combination makes, which stands nowhere.
  return { ...finding, repairs: undefined, related: undefined, path, message: `${finding.message.replace(/\.$/, '')}, with ${describeCombination(combination)}${more === 0 ? '' : ` and ${more} more`}.` };
}

/** Whether `path` is `above` or something inside it. */
function isWithin(path: KeyPath, above: KeyPath): boolean {
  return above.every((part, index) => path[index] === part);
}

/** A key with nothing after it (all below it commented out) counts as left out. */
export function withoutNulls(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(withoutNulls);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null).map(([key, value]) => [key, withoutNulls(value)]));
}
