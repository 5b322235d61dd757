/** All that is to be said of a key or a value, as data: editors put it into their words. */
import { idleInDetector } from '../experiment/check.ts';
import { describeAny, type JsonSchema, schemasAt } from '../experiment/jsonSchema.ts';
import { type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { factsOf } from '../experiment/methods/facts.ts';
import { type MethodCard } from '../experiment/methods/index.ts';
import { type Paper, paperOf } from '../experiment/papers.ts';
import { cardOf, type Default, defaultOf, detectorSection, methodAt, schemasOf, writtenDetector } from './defaults.ts';
import { yamlValue } from './snippet.ts';

export interface KeyFacts {
  readonly key: string;
  readonly path: KeyPath;
  /** Markdown of our own: code in backticks, nothing else. */
  readonly meaning: string;
  /** What may stand there, in words: `a number above 0`. */
  readonly form: string;
  readonly unit?: string | undefined;
  readonly default?: (Default & { /** As it would be written. */ readonly text: string }) | undefined;
  readonly required: boolean;
  /** Why it changes nothing in this experiment. */
  readonly idle?: string | undefined;
  /** The method whose option it is, or that a value names. */
  readonly method?: MethodFacts | undefined;
  readonly paper?: Paper | undefined;
}

export interface MethodFacts {
  readonly id: string;
  readonly title: string;
  /** Label and text. */
  readonly lines: readonly (readonly [label: string, text: string])[];
}

/**
 * @param value the value that is meant, where one is (an entry of an enumeration)
 * @returns undefined for a key that there is not
 */
export function factsAt(path: KeyPath, data: unknown, value?: unknown): KeyFacts | undefined {
  const key = nearestName(path);
  if (key === undefined) return undefined;
  const schemas = schemasOf(key, data);
  if (schemas.length === 0) return undefined;
  const name = String(key.at(-1));
  const byDefault = defaultOf(key, data);
  const card = name === 'method' && typeof value === 'string' ? cardOf(value) : methodAt(key, data);
  return {
    key: name,
    path: key,
    meaning: meaningOf(schemas, value),
    form: describeAny(schemas),
    unit: schemas.find(({ unit }) => unit !== undefined)?.unit,
    default: byDefault === undefined ? undefined : { ...byDefault, text: yamlValue(byDefault.value) },
    required: isRequired(key, data),
    idle: idleReason(key, data),
    method: card === undefined ? undefined : methodFacts(card),
    paper: card === undefined ? paperOf(key, value) : paperOfMethod(card),
  };
}

/** An item of a list is told by the list's key, an item of `distill` by its own. */
function nearestName(path: KeyPath): KeyPath | undefined {
  let length = path.length;
  while (length > 0 && typeof path[length - 1] === 'number') length -= 1;
  return length === 0 ? undefined : path.slice(0, length);
}

/** Where a constant is meant, the branch that has it; else what the branches say, each once. */
function meaningOf(schemas: readonly JsonSchema[], value: unknown): string {
  const meant = value === undefined ? [] : schemas.filter((schema) => schema.const === value);
  const texts = [...new Set((meant.length > 0 ? meant : schemas).map(({ description }) => description ?? '').filter((text) => text !== ''))];
  // The key that decides between branches: each branch tells of its own value.
  if (texts.length > 3) return `One of ${texts.length}: it decides which other keys there are.`;
  return texts.join(' ');
}

export function isRequired(path: KeyPath, data: unknown): boolean {
  const owners = schemasOwning(path, data);
  return owners.length > 0 && owners.every(({ required = [] }) => required.includes(String(path.at(-1))));
}

function schemasOwning(path: KeyPath, data: unknown): readonly JsonSchema[] {
  const name = String(path.at(-1));
  return objectsAt(path.slice(0, -1), data).filter(({ properties = {} }) => Object.hasOwn(properties, name));
}

/** The mappings that may stand at `path`. */
export function objectsAt(path: KeyPath, data: unknown): readonly JsonSchema[] {
  return schemasAt(path, data).filter(({ properties }) => properties !== undefined);
}

function methodFacts(card: MethodCard): MethodFacts {
  return { id: card.id, title: card.title, lines: factsOf(card) };
}

function paperOfMethod({ paper, venue, url }: MethodCard): Paper {
  return { title: paper, venue, url: url ?? '' };
}

/** Only what the detector alone decides and what the choice of another key turns off. */
export function idleReason(path: KeyPath, data: unknown): string | undefined {
  const section = detectorSection(path);
  if (section !== undefined) {
    const written = writtenDetector(section, data);
    const inside = path.slice(section.length).join('.');
    return written === undefined ? undefined : idleInDetector(written).find((idle) => idle.when && covers(idle.path, inside))?.why;
  }
  const [first, second] = path;
  if (first !== 'train') return undefined;
  const optimizer = valueAt(data, ['train', 'optimizer']) ?? 'sgd';
  const schedule = valueAt(data, ['train', 'schedule']) ?? 'cosine';
  if (second === 'momentum' && optimizer !== 'sgd') return 'it belongs to the optimizer `sgd`';
  if (second === 'betas' && optimizer !== 'adamw') return 'they belong to the optimizer `adamw`';
  if (second === 'milestones' && schedule !== 'step') return 'they belong to the schedule `step`';
  return undefined;
}

function covers(idle: KeyPath, inside: string): boolean {
  const name = idle.join('.');
  return inside === name || inside.startsWith(`${name}.`);
}
