/**
 * Messages to the page, checked shape by shape before anything is drawn from them: a run folder may have been written by anybody,
 * and the sender may be of another version. What does not fit is left out: of a list of events only the events that do not.
 */
import { type RunEvent } from '../src/experiment/record.ts';
import { type ToPage } from './contract.ts';

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === 'string';
const isName: Check = (value) => typeof value === 'string' && value !== '';
const isNumber: Check = (value) => typeof value === 'number';
const isFinite: Check = (value) => Number.isFinite(value);
const isPlace: Check = (value) => Number.isFinite(value) && (value as number) >= 0;
const isSide: Check = (value) => Number.isFinite(value) && (value as number) > 0;
const isFlag: Check = (value) => typeof value === 'boolean';
const optional = (check: Check): Check => (value) => value === undefined || check(value);
const oneOf = (...all: readonly string[]): Check => (value) => typeof value === 'string' && all.includes(value);
const listOf = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);
const recordOf = (check: Check): Check => (value) => isFields(value) && Object.values(value).every(check);

/** Of the wanted keys alone: further ones are nobody's business. */
function shaped(shape: Readonly<Record<string, Check>>): Check {
  const wanted = Object.entries(shape);
  return (value) => isFields(value) && wanted.every(([key, check]) => check(value[key]));
}

const isArm = oneOf('student', 'control', 'controlInherit');
const METRICS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl'];
const isMetrics = shaped(Object.fromEntries(METRICS.map((name) => [name, isFinite])));

const EVENTS: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ['started', shaped({
    time: isFinite, name: isText, totalSteps: isPlace, stepsPerEpoch: isFinite, from: recordOf(isPlace), summary: isText,
    engine: shaped({ backend: isText, device: isText, precision: isText, notice: optional(isText) }),
    arms: listOf(isArm), methods: listOf(isText), classes: listOf(isText), methodTitles: optional(recordOf(isText)),
  })],
  ['phase', shaped({ time: isFinite, phase: oneOf('engine', 'data', 'teacher', 'capturing', 'training', 'evaluating', 'saving'), arm: optional(isArm) })],
  // A loss may be no number at all, and is a gap then; a row without a place is nothing.
  ['step', shaped({ time: isFinite, arm: isArm, step: isPlace, losses: isFields, learningRate: isNumber, gradientNorm: isNumber, imagesPerSecond: isNumber })],
  ['evaluation', shaped({ time: isFinite, step: isPlace, subject: oneOf('student', 'control', 'controlInherit', 'teacher'), metrics: isMetrics, perClass: recordOf(isMetrics), seconds: isPlace })],
  ['pictures', shaped({ time: isFinite, arm: isArm, step: isPlace, folder: isName })],
  ['checkpoint', shaped({ time: isFinite, arm: isArm, step: isPlace, kind: oneOf('last', 'best') })],
  ['warning', shaped({ time: isFinite, message: isText })],
  ['ended', shaped({ time: isFinite, state: oneOf('finished', 'stopped', 'failed'), error: optional(shaped({ code: isText, message: isText, explanation: isText })) })],
]);

function isEvent(value: unknown): value is RunEvent {
  return isFields(value) && (EVENTS.get(value.type)?.(value) ?? false);
}

const isHeader = shaped({
  id: isName, name: isText, hasLine: isFlag, reason: optional(isText), logTail: optional(listOf(isText)), damage: optional(isText),
  state: oneOf('preparing', 'running', 'stopping', 'stopped', 'finished', 'failed', 'killed', 'lost'),
  picturesEvery: optional(isFinite), evaluateEvery: optional(isFinite),
  soFar: optional(shaped({ arm: isArm, step: isPlace, total: isPlace, progress: isFinite, summary: optional(isText), device: optional(isText) })),
});

const isBox: Check = (value) => Array.isArray(value) && value.length === 4 && value.every(isFinite);
const isFound = listOf(shaped({ box: isBox, label: isFinite, score: isFinite }));
const isIndex = shaped({
  step: isFinite, arm: isArm,
  images: listOf(shaped({ id: isText, file: isName, width: isSide, height: isSide, groundTruth: listOf(shaped({ box: isBox, label: isFinite })), teacher: isFound, student: isFound })),
  masks: listOf(shaped({
    method: isText, kind: isText, title: isText, caption: isText, form: oneOf('map', 'bars', 'matrix', 'boxes'), signed: isFlag,
    role: oneOf('teacher', 'student', 'difference', 'shared'), level: isText, stride: isSide, image: isFinite, shape: listOf(isPlace), offset: isPlace,
  })),
});

/** Nothing that could carry more than pixels. */
const isPicture = oneOf('image/png', 'image/jpeg', 'image/webp');
const isBytes: Check = (value) => value instanceof ArrayBuffer;

const MESSAGES: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ['header', shaped({ header: isHeader })],
  ['events', shaped({ events: Array.isArray, reset: isFlag })],
  ['pictures', shaped({ folder: isName, index: isIndex, values: isBytes })],
  ['image', shaped({ file: isName, mime: isPicture, bytes: isBytes })],
  ['problem', shaped({ message: isText })],
]);

export interface Read {
  readonly message: ToPage | undefined;
  /** How much was left out: events, or the whole message. */
  readonly refused: number;
}

export function readMessage(data: unknown): Read {
  if (!isFields(data) || MESSAGES.get(data.type)?.(data) !== true) return { message: undefined, refused: 1 };
  const message = data as unknown as ToPage;
  if (message.type !== 'events') return { message, refused: 0 };
  const events = message.events.filter(isEvent);
  return { message: events.length === message.events.length ? message : { ...message, events }, refused: message.events.length - events.length };
}
