/** What of the messages to the page is believed. */
import { type ComparedRun } from '../../src/comparison/run.ts';
import { type ToPage as OfRun } from '../contract.ts';
import { readMessage } from '../messages.ts';
import { type ToPage } from './contract.ts';

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): boolean => value === undefined || Number.isFinite(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');
const STATES: ReadonlySet<unknown> = new Set(['preparing', 'running', 'stopping', 'stopped', 'finished', 'failed', 'killed', 'lost', 'deleted']);

/** Deep enough that nothing below throws; what lies in a run is checked again where its events are read. */
export function readToPage(data: unknown): ToPage | undefined {
  if (!isFields(data)) return undefined;
  switch (data.type) {
    case 'set': return Array.isArray(data.runs) ? { type: 'set', runs: data.runs.filter(isRun), ...(typeof data.sweep === 'string' && { sweep: data.sweep }) } : undefined;
    case 'run': return isRun(data.run) ? { type: 'run', run: data.run } : undefined;
    case 'saved': return typeof data.name === 'string' ? { type: 'saved', name: data.name } : undefined;
    case 'of': {
      const message: OfRun | undefined = readMessage(data.message).message;
      return typeof data.id === 'string' && message !== undefined ? { type: 'of', id: data.id, message } : undefined;
    }
    default: return undefined;
  }
}

function isRun(value: unknown): value is ComparedRun {
  if (!isFields(value)) return false;
  const { id, name, state, created, methods, arms, classes, totalSteps, evaluations, perClass, gain, secondsPerStep, peakMemory, sweep } = value;
  return typeof id === 'string' && id !== '' && typeof name === 'string' && STATES.has(state) && Number.isFinite(created) && Number.isFinite(totalSteps)
    && isTexts(methods) && isTexts(arms) && isTexts(classes) && isNumber(secondsPerStep) && isNumber(peakMemory)
    && isFields(evaluations) && Object.values(evaluations).every((list) => Array.isArray(list) && list.every(isScored))
    && isFields(perClass) && Object.values(perClass).every(isMetrics)
    && (gain === undefined || (isFields(gain) && Number.isFinite(gain.value) && Number.isFinite(gain.step)))
    && (sweep === undefined || (isFields(sweep) && isSweepNote(sweep)));
}

const isSweepNote = ({ id, name, key, role, label, values, seed, controls }: Fields): boolean => [id, name, key, label].every((text) => typeof text === 'string') && (role === 'student' || role === 'control') && isFields(values) && Number.isFinite(seed) && isTexts(controls);
const isMetrics = (value: unknown): boolean => isFields(value) && Object.values(value).every((one) => typeof one === 'number');
const isScored = (value: unknown): boolean => isFields(value) && Number.isFinite(value.step) && isMetrics(value.metrics);
