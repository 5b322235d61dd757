/** How a comparison is looked at: what survives hiding the page and reloading the window. Ids and options, never data. */
import { type CompareState } from './contract.ts';

export type { CompareState } from './contract.ts';

const LONGEST = 300;
const MOST_RUNS = 100;

export function freshState(): CompareState {
  return { runs: [], join: true, hidden: [], smoothing: 0.9, logarithmic: false, axis: 'step', image: 0, opacity: 0.7, sameScale: true, colours: 'viridis', boxes: false };
}

/** What `getState` gave back, whatever it is. */
export function restoreState(saved: unknown): CompareState {
  const fresh = freshState();
  if (!isRecord(saved)) return fresh;
  const { zoom } = saved;
  return {
    ...fresh,
    runs: names(saved.runs), hidden: names(saved.hidden), join: saved.join !== false,
    ...text(saved, 'baseline'), ...text(saved, 'left'), ...text(saved, 'right'), ...text(saved, 'mask'), ...text(saved, 'level'),
    smoothing: number(saved.smoothing, 0, 0.99, fresh.smoothing), logarithmic: saved.logarithmic === true, axis: oneOf(saved.axis, ['step', 'epoch', 'time'], fresh.axis),
    ...(Array.isArray(zoom) && isRange(zoom) && { zoom }),
    ...order(saved, 'order'), ...order(saved, 'classOrder'),
    image: number(saved.image, 0, 1e6, 0), opacity: number(saved.opacity, 0, 1, fresh.opacity), sameScale: saved.sameScale !== false,
    ...(typeof saved.pictureStep === 'number' && Number.isFinite(saved.pictureStep) && { pictureStep: saved.pictureStep }),
    colours: oneOf(saved.colours, ['viridis', 'magma', 'grey'], fresh.colours), boxes: saved.boxes === true,
  };
}

/** Without a key that means something by its absence. */
export function without(state: CompareState, ...keys: readonly (keyof CompareState)[]): CompareState {
  return Object.fromEntries(Object.entries(state).filter(([name]) => !keys.some((key) => key === name))) as unknown as CompareState;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isRange = (value: unknown[]): value is [number, number] => value.length === 2 && value.every((end) => Number.isFinite(end)) && (value[0] as number) < (value[1] as number);
const isName = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= LONGEST;
const names = (value: unknown): string[] => (Array.isArray(value) ? value.filter(isName).slice(0, MOST_RUNS) : []);

function number(value: unknown, low: number, high: number, otherwise: number): number {
  return typeof value === 'number' && value >= low && value <= high ? value : otherwise;
}

function oneOf<T extends string>(value: unknown, all: readonly T[], otherwise: T): T {
  return all.find((item) => item === value) ?? otherwise;
}

function text(saved: Record<string, unknown>, key: 'baseline' | 'left' | 'right' | 'mask' | 'level'): Partial<CompareState> {
  const value = saved[key];
  return isName(value) ? { [key]: value } : {};
}

function order(saved: Record<string, unknown>, key: 'order' | 'classOrder'): Partial<CompareState> {
  const value = saved[key];
  return isRecord(value) && isName(value.column) ? { [key]: { column: value.column, descending: value.descending === true } } : {};
}
