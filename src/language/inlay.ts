/**
 * Inlay hints: what left-out keys amount to, where that decides a result and depends on something else in the file. Few and short;
 * a double click writes them down. Sections are read one by one, so that a mistake in one leaves the hints of the others where they are.
 */
import { plannedSteps } from '../experiment/check.ts';
import { detectorDefaults, outlineOf } from '../experiment/defaults.ts';
import { schemasAt } from '../experiment/jsonSchema.ts';
import { formatKey, type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { readExperiment, type ReadResult } from '../experiment/load.ts';
import { METHOD_CARDS } from '../experiment/methods/index.ts';
import { type Change } from '../experiment/problems.ts';
import { methodSchema, studentSchema, teacherSchema, trainSchema } from '../experiment/schema.ts';
import { parseYaml } from '../experiment/yamlTree.ts';
import { applyChanges, difference, written } from './fixesEdits.ts';
import { type Translate } from './fixesWords.ts';
import { type OpenText, type TextEdit } from './types.ts';

export interface Hint {
  /** Behind this character. */
  readonly offset: number;
  readonly label: string;
  /** A line each: what it is, then each key with its meaning. Markdown with nothing of the file in it but numbers and known words. */
  readonly tooltip: readonly string[];
  /** Writes the hinted keys into the text. Made when it is asked for: most hints are only read. */
  readonly edit: () => TextEdit | undefined;
}

interface Sheet {
  readonly text: string;
  readonly data: unknown;
  readonly read: ReadResult;
  readonly t: Translate;
}

export function inlayHints({ text, file }: OpenText, t: Translate): readonly Hint[] {
  const { data } = parseYaml(text, file);
  if (data === undefined) return [];
  const sheet: Sheet = { text, data, read: readExperiment(text, file), t };
  return [...methodHints(sheet), ...networkHints(sheet), ...trainHints(sheet)].filter(({ offset }) => !isFlawed(sheet, offset)).sort((a, b) => a.offset - b.offset);
}

/** Whether something on this line is wrong: nothing is hinted into what is being written. */
function isFlawed({ text, read: { problems } }: Sheet, offset: number): boolean {
  const line = text.slice(0, offset).split('\n').length;
  return problems.some(({ severity, range }) => severity === 'error' && range !== undefined && range.line <= line && line <= range.endLine);
}

/** The published weights for this student's detector, behind the method's name. */
function methodHints(sheet: Sheet): readonly Hint[] {
  const items = valueAt(sheet.data, ['distill']);
  const detector = valueAt(sheet.data, ['student', 'detector']);
  if (!Array.isArray(items) || typeof detector !== 'string') return [];
  return items.flatMap((item, index) => {
    const parsed = methodSchema.safeParse(item);
    if (!parsed.success) return [];
    const path: KeyPath = ['distill', index];
    const defaults = METHOD_CARDS[parsed.data.method].defaults?.(detector) ?? {};
    const { t } = sheet;
    return hintOf(sheet, [...path, 'method'], missing(sheet, path, defaults), t('Published for {0}, taken because they are left out:', detector));
  });
}

/** Width and levels of the pyramid, which have to fit between teacher and student. */
function networkHints(sheet: Sheet): readonly Hint[] {
  const teacher = valueAt(sheet.data, ['teacher']);
  const places: readonly KeyPath[] = [...(Array.isArray(teacher) ? teacher.map((_, index): KeyPath => ['teacher', index]) : [['teacher']]), ['student']];
  return places.flatMap((path) => {
    const parsed = (path[0] === 'student' ? studentSchema : teacherSchema).safeParse(valueAt(sheet.data, path));
    if (!parsed.success) return [];
    const { neckChannels, levels } = outlineOf(parsed.data);
    const defaults = detectorDefaults(parsed.data);
    const { t } = sheet;
    const left = missing(sheet, [...path, 'neck'], { channels: neckChannels, levels });
    const label = left.map(({ path: key }) => (key.at(-1) === 'channels' ? t('{0} channels', defaults.channels) : t('{0} levels', defaults.levels))).join(', ');
    return hintOf(sheet, [...path, 'backbone'], left, t('The pyramid that this backbone gets, because it is left out:'), label === '' ? undefined : t('neck: {0}', label));
  });
}

function trainHints(sheet: Sheet): readonly Hint[] {
  const { data, t } = sheet;
  const parsed = trainSchema.safeParse(valueAt(data, ['train']));
  if (!parsed.success) return [];
  const { batch, schedule, warmup, epochs } = parsed.data;
  const course = missing(sheet, ['train'], { schedule, warmup });
  const steps = stepsOf(sheet);
  const length: KeyPath = ['train', epochs === undefined ? 'steps' : 'epochs'];
  return [
    ...hintOf(sheet, length, missing(sheet, ['train'], { batch }), t('Taken because it is left out:'), epochs === undefined || steps === undefined ? undefined : t('= {0} steps, batch: {1}', steps, batch)),
    ...hintOf(sheet, ['train', 'learningRate'], course, t('The course of the learning rate, because it is left out:')),
    ...everyHints(sheet, steps),
  ];
}

/** Where a section of what happens at intervals is there without its interval. */
function everyHints(sheet: Sheet, steps: number | undefined): readonly Hint[] {
  if (steps === undefined) return [];
  const { t } = sheet;
  const tenth = Math.max(1, Math.round(steps / 10));
  const evaluated = valueAt(sheet.data, ['evaluate', 'every']);
  const intervals: readonly (readonly [section: string, every: number])[] = [
    ['evaluate', tenth], ['pictures', tenth], ['checkpoint', typeof evaluated === 'number' ? evaluated : tenth],
  ];
  return intervals.flatMap(([section, every]) => {
    if (section === 'pictures' && valueAt(sheet.data, ['pictures', 'images']) === 0) return [];
    const entry = sheet.read.positions.entries.get(section);
    // A section in brackets on the line of its key: the hint goes behind it.
    const offset = entry?.key === undefined ? undefined : entry.value.line === entry.key.line && entry.value.endLine === entry.key.line ? Math.max(entry.value.end, entry.key.end + 1) : entry.key.end + 1;
    return offset === undefined ? [] : hintAt(sheet, offset, missing(sheet, [section], { every }), t('A tenth of the run, because it is left out:'));
  });
}

/** Of the run as the file tells it; undefined where the data set would have to be counted. */
function stepsOf({ data, read: { experiment } }: Sheet): number | undefined {
  if (experiment !== undefined) return plannedSteps(experiment);
  const steps = valueAt(data, ['train', 'steps']);
  return typeof steps === 'number' && Number.isInteger(steps) && steps > 0 ? steps : undefined;
}

interface LeftOut {
  readonly path: KeyPath;
  readonly value: unknown;
}

/** Those of the keys that the file does not have. */
function missing({ data }: Sheet, section: KeyPath, values: Readonly<Record<string, unknown>>): readonly LeftOut[] {
  return Object.entries(values).map(([key, value]) => ({ path: [...section, key], value })).filter(({ path }) => valueAt(data, path) === undefined);
}

/** Behind the value of a key that is written out. */
function hintOf(sheet: Sheet, at: KeyPath, left: readonly LeftOut[], intro: string, label?: string): readonly Hint[] {
  const entry = valueAt(sheet.data, at) === undefined ? undefined : sheet.read.positions.entries.get(formatKey(at));
  return entry === undefined ? [] : hintAt(sheet, entry.value.end, left, intro, label);
}

/** VS Code cuts longer labels in the middle of a number; the tooltip has all keys. */
const LONGEST = 43;
const MORE = ', …';

function shortLabel(left: readonly LeftOut[]): string {
  const parts = left.map(({ path, value }) => `${String(path.at(-1))}: ${written(value)}`);
  const whole = parts.join(', ');
  if (whole.length <= LONGEST) return whole;
  const fitting = parts.filter((_, index) => parts.slice(0, index + 1).join(', ').length + MORE.length <= LONGEST);
  return fitting.length === 0 ? `${parts[0]?.slice(0, LONGEST - 1) ?? ''}…` : `${fitting.join(', ')}${MORE}`;
}

function hintAt({ text, t, data }: Sheet, offset: number, left: readonly LeftOut[], intro: string, label?: string): readonly Hint[] {
  if (left.length === 0) return [];
  return [{
    offset,
    label: label ?? shortLabel(left),
    tooltip: [intro, ...left.map(({ path, value }) => `- \`${String(path.at(-1))}: ${written(value)}\` ${meaning(path, data)}`), t('Double-click to write it down.')],
    edit: () => {
      const changed = applyChanges(text, left.map(({ path, value }): Change => ({ kind: 'set', path, value })));
      return changed === undefined ? undefined : difference(text, changed);
    },
  }];
}

/** The first sentence of what the schema says. */
function meaning(path: KeyPath, data: unknown): string {
  const [schema] = schemasAt(path, data);
  return /^.*?[.](?= |$)/s.exec(schema?.description ?? '')?.[0] ?? '';
}
