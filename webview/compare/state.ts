/** How a comparison is looked at: what survives hiding the page and reloading the window. Ids and options, never data. */
import { FRESH_LOOKS, isName, isRecord, names, restoreLooks } from '../looks.ts';
import { type CompareState } from './contract.ts';

const LONGEST = 300;
const MOST_RUNS = 100;

export function freshState(): CompareState {
  return { ...FRESH_LOOKS, runs: [], join: true, boxes: false, brushes: {} };
}

/** What `getState` gave back, whatever it is. */
export function restoreState(saved: unknown): CompareState {
  if (!isRecord(saved)) return freshState();
  return {
    ...restoreLooks(saved, { longest: LONGEST, mostHidden: MOST_RUNS }),
    runs: names(saved.runs, LONGEST).slice(0, MOST_RUNS), join: saved.join !== false,
    ...text(saved, 'baseline'), ...text(saved, 'left'), ...text(saved, 'right'),
    ...order(saved, 'order'), ...order(saved, 'classOrder'),
    boxes: saved.boxes === true,
    ...text(saved, 'sweep'), ...text(saved, 'metric'), brushes: brushes(saved.brushes),
  };
}

function text(saved: Record<string, unknown>, key: 'baseline' | 'left' | 'right' | 'sweep' | 'metric'): Partial<CompareState> {
  const value = saved[key];
  return isName(value, LONGEST) ? { [key]: value } : {};
}

function order(saved: Record<string, unknown>, key: 'order' | 'classOrder'): Partial<CompareState> {
  const value = saved[key];
  return isRecord(value) && isName(value.column, LONGEST) ? { [key]: { column: value.column, descending: value.descending === true } } : {};
}

function brushes(value: unknown): CompareState['brushes'] {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).slice(0, 20).flatMap(([key, range]) => (isName(key, LONGEST) && isBrush(range) ? [[key, range] as const] : [])));
}

/** Both ends may be the same value. */
function isBrush(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((end) => Number.isFinite(end)) && Number(value[0]) <= Number(value[1]);
}
