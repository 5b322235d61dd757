/** How long a run is, and what a longer one would have done otherwise from its first step. */
import { formatKey } from './keyPath.ts';
import { type ByMethod, ofMethod } from './methods/byMethod.ts';
import { learningRateAt } from './schedule.ts';
import { type Experiment } from './schema.ts';
import { parseYaml } from './yamlTree.ts';

/** One of the two, as in the file. */
export interface Length {
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
}

/** @param stepsPerEpoch known once a run has read its data @returns undefined while the length is not known */
export function stepsOf({ steps, epochs }: Length, stepsPerEpoch: number | undefined): number | undefined {
  if (steps !== undefined) return steps;
  return stepsPerEpoch === undefined ? undefined : Math.max(1, Math.round((epochs ?? 1) * stepsPerEpoch));
}

export function sameLength(a: Length, b: Length): boolean {
  return a.steps === b.steps && a.epochs === b.epochs;
}

/** What the text says of its length, whatever else is right or wrong in it; undefined where it says nothing. */
export function writtenLength(text: string, file: string): Length | undefined {
  const { data } = parseYaml(text, file);
  const train = property(data, 'train');
  const [steps, epochs] = [property(train, 'steps'), property(train, 'epochs')].map((value) => (typeof value === 'number' ? value : undefined));
  return steps === undefined && epochs === undefined ? undefined : { steps, epochs };
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && key in value ? (value as Record<string, unknown>)[key] : undefined;
}

/** The same `--set` changes with another length. */
export function withLength(overrides: readonly string[], { steps, epochs }: Length): readonly string[] {
  const others = overrides.filter((override) => !/^\s*train\.(steps|epochs)\s*=/.test(override));
  return [...others, ...(steps === undefined ? ['train.steps=', `train.epochs=${String(epochs)}`] : ['train.epochs=', `train.steps=${steps}`])];
}

/** The same experiment with another length. */
export function lengthened(experiment: Experiment, { steps, epochs }: Length): Experiment {
  const train = { ...experiment.train };
  delete train.steps;
  delete train.epochs;
  return { ...experiment, train: { ...train, ...(steps === undefined ? { epochs } : { steps }) } };
}

/** Options of methods that are parts of the run, so that their steps depend on its length. */
const PARTS: ByMethod<readonly string[]> = {
  defeat: ({ decay }) => (decay === 'none' ? [] : ['decay']),
  tadf: ({ decay }) => (decay === 'none' ? [] : ['decay']),
  ikd: ({ until }) => inside({ until }),
  labelenc: ({ stage, imitateFrom = stage === 'encoder' ? 1 / 4 : 0, imitateUntil = stage === 'encoder' ? 1 : 8 / 9 }) => inside({ imitateFrom, imitateUntil }),
  lgd: ({ backboneFrom, imitateFrom, imitateUntil }) => inside({ backboneFrom, imitateFrom, imitateUntil }),
  'ssd-det': ({ refineFrom }) => inside({ refineFrom }),
};

/** A part that begins with the run or ends with it is the same at every length. */
function inside(parts: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(parts).flatMap(([key, part]) => (part > 0 && part < 1 ? [key] : []));
}

/** Keys whose effect at a step depends on how long the run is; none: a run that is lengthened equals one that was longer from its start. */
export function courses({ train, distill }: Pick<Experiment, 'train' | 'distill'>): readonly string[] {
  return [
    ...(train.schedule === 'constant' || (train.schedule === 'step' && train.milestones.length === 0) ? [] : ['train.schedule']),
    ...distill.flatMap((options, index) => (ofMethod(PARTS, options) ?? []).map((key) => formatKey(['distill', index, key]))),
  ];
}

/**
 * What a reader of the curve has to know of a run that was lengthened; undefined where it equals one that was longer from its start.
 * @param from steps that were done
 */
export function lengtheningNote(experiment: Pick<Experiment, 'train' | 'distill'>, { from, before, steps }: { readonly from: number; readonly before: number; readonly steps: number }): string | undefined {
  const { train } = experiment;
  const names = courses(experiment).map((key) => (key === 'train.schedule' ? `train.schedule (${train.schedule}; the learning rate goes from ${rate(from - 1, before, train)} to ${rate(from, steps, train)})` : key));
  if (names.length === 0) return undefined;
  return `Lengthened from ${before} to ${steps} steps. From step ${from + 1} on, what follows the length of the run follows the new one: ${names.join(', ')}. A run of ${steps} steps from the start would have followed it from its first step: its results would be others.`;
}

function rate(step: number, steps: number, train: Experiment['train']): string {
  return String(Number(learningRateAt(Math.max(0, step), steps, train).toPrecision(2)));
}
