/** What a `sweep` section amounts to: combinations of values for keys of the experiment. Pure, and the same for the same section. */
import { formatKey, type KeyPath, parseKey } from './keyPath.ts';
import { withValue } from './overrides.ts';
import { SWEEP_OPTIONS, type SweepConfig, type SweepValues } from './sweepSchema.ts';

export interface Variation {
  /** As it is spelled in the file. */
  readonly key: string;
  readonly path: KeyPath;
  /** All values, where their number is fixed; else the two ends that values are drawn between. */
  readonly values: readonly unknown[] | { readonly between: readonly [number, number]; readonly logarithmic: boolean };
}

export interface Assignment {
  readonly path: KeyPath;
  readonly value: unknown;
  /** The key as spelled in the file, and which of its values this is (none where it is drawn). */
  readonly key: string;
  readonly place?: number | undefined;
}

/** One value for each swept key. Wide keys come before keys inside them, so that the latter are not undone. */
export type Combination = readonly Assignment[];

/** The keys to sweep in the order of the file; those that are no path of a key are left out (the checks tell of them). */
export function variationsOf(sweep: SweepConfig | undefined): readonly Variation[] {
  return Object.entries(sweep ?? {}).flatMap(([key, values]) => {
    const path = SWEEP_OPTIONS.includes(key) ? undefined : parseKey(key);
    return path === undefined ? [] : [{ key, path, values: valuesOf(path, values as SweepValues) }];
  });
}

function valuesOf(path: KeyPath, values: SweepValues): Variation['values'] {
  if (Array.isArray(values)) return formatKey(path) === 'distill' ? values.map(methodsOf) : values;
  const logarithmic = 'logRange' in values;
  const [first, last, points] = logarithmic ? values.logRange : values.range;
  if (points === undefined) return { between: [first, last], logarithmic };
  return Array.from({ length: points }, (_, index) => between(first, last, index / (points - 1), logarithmic));
}

/** `[fgd, rm]` is short for `[{ method: fgd }, { method: rm }]`. */
function methodsOf(value: unknown): unknown {
  return Array.isArray(value) ? value.map((item: unknown) => (typeof item === 'string' ? { method: item } : item)) : value;
}

/** Twelve digits: what is left of 0.1 + 0.2 after that is the computer's, not the writer's. */
function between(first: number, last: number, part: number, logarithmic: boolean): number {
  const value = logarithmic ? first * (last / first) ** part : first + (last - first) * part;
  return Number(value.toPrecision(12));
}

/** Number of combinations there are; Infinity where values are drawn. */
export function sizeOfGrid(variations: readonly Variation[]): number {
  return variations.reduce((product, { values }) => product * ('between' in values ? Number.POSITIVE_INFINITY : values.length), 1);
}

/** The combinations to train, at least one (an empty one where nothing is swept). */
export function combinationsOf(sweep: SweepConfig | undefined): readonly Combination[] {
  const variations = variationsOf(sweep);
  const size = sizeOfGrid(variations);
  const wanted = Math.min(sweep?.limit ?? size, size);
  // Without a limit there is nothing to draw; the checks refuse that.
  if (wanted === Number.POSITIVE_INFINITY) return [];
  if (sweep?.order !== 'random') return Array.from({ length: wanted }, (_, index) => nth(variations, index));
  const random = generator(sweep.seed);
  if (size === Number.POSITIVE_INFINITY) return Array.from({ length: wanted }, () => drawn(variations, random));
  const chosen = new Set<number>();
  while (chosen.size < wanted) chosen.add(Math.floor(random() * size));
  return [...chosen].map((index) => nth(variations, index));
}

/** The last key varies fastest. */
function nth(variations: readonly Variation[], index: number): Combination {
  let rest = index;
  const assignments: Assignment[] = [];
  for (const variation of [...variations].reverse()) {
    const values = 'between' in variation.values ? [] : variation.values;
    assignments.unshift(assignment(variation, rest % Math.max(1, values.length)));
    rest = Math.floor(rest / Math.max(1, values.length));
  }
  return inOrder(assignments);
}

function drawn(variations: readonly Variation[], random: () => number): Combination {
  return inOrder(variations.map((variation) => {
    const { values } = variation;
    if (!('between' in values)) return assignment(variation, Math.floor(random() * values.length));
    return { path: variation.path, key: variation.key, value: between(...values.between, random(), values.logarithmic) };
  }));
}

function assignment({ key, path, values }: Variation, place: number): Assignment {
  return { key, path, place, value: 'between' in values ? undefined : values[place] };
}

/** As written, but for keys that hold others: those come first, the widest of them foremost. */
function inOrder(assignments: readonly Assignment[]): Combination {
  const holds = (wide: Assignment, inner: Assignment): boolean => wide.path.length < inner.path.length && wide.path.every((part, index) => inner.path[index] === part);
  const isWide = (each: Assignment): boolean => assignments.some((other) => holds(each, other));
  return [...assignments.filter(isWide).sort((a, b) => a.path.length - b.path.length), ...assignments.filter((each) => !isWide(each))];
}

/** The experiment's data as written, with the values of a combination and without `seeds` and `sweep`. */
export function withCombination(data: unknown, combination: Combination): unknown {
  const changed = combination.reduce((result, { path, value }) => withValue(result, path, value), data);
  if (typeof changed !== 'object' || changed === null) return changed;
  return Object.fromEntries(Object.entries(changed).filter(([key]) => key !== 'seeds' && key !== 'sweep'));
}

/** `alpha 0.001, batch 8`: keys by their last part where that is unique, methods by name. */
export function describeCombination(combination: Combination): string {
  const last = ({ path }: Assignment): string => String(path.at(-1));
  return combination.map((each) => {
    const unique = combination.filter((other) => last(other) === last(each)).length === 1 && typeof each.path.at(-1) === 'string';
    const name = formatKey(each.path) === 'distill' ? '' : `${unique ? last(each) : formatKey(each.path)} `;
    return `${name}${describeValue(each.value)}`;
  }).join(', ');
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'left out';
  if (Array.isArray(value) && value.length > 0 && value.every(isMethod)) return value.map(({ method }) => method).join(' + ');
  if (Array.isArray(value) && value.length === 0) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isMethod(value: unknown): value is { readonly method: string } {
  return typeof value === 'object' && value !== null && 'method' in value && typeof value.method === 'string';
}

/** Mulberry32: small, seeded, and good enough to choose experiments by. @returns numbers in [0, 1) */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
