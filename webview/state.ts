/** How the run is looked at: what survives hiding the panel and reloading the window. Ids and options, never data. */
import { type ViewState } from './contract.ts';

export type { ViewState } from './contract.ts';

/** The editor keeps the state of every panel in one place: a page must not fill it. */
const MOST_BYTES = 2000;
const LONGEST_KEY = 120;

export function freshState(runId: string): ViewState {
  return {
    runId, hidden: [], smoothing: 0.9, logarithmic: false, axis: 'step', image: 0, opacity: 0.7, sameScale: true, colours: 'viridis', score: 0.3,
    boxes: { truth: true, teacher: true, student: true },
  };
}

/** What `getState` gave back, whatever it is, as a view of this run; another run's view is not taken over. */
export function restoreState(saved: unknown, runId: string): ViewState {
  const fresh = freshState(runId);
  if (!isRecord(saved) || saved.runId !== runId) return fresh;
  const boxes = isRecord(saved.boxes) ? saved.boxes : {};
  const zoom = saved.zoom;
  return {
    ...fresh,
    hidden: Array.isArray(saved.hidden) ? saved.hidden.filter((key) => typeof key === 'string').slice(0, 40) : [],
    smoothing: number(saved.smoothing, 0, 0.99, fresh.smoothing),
    logarithmic: saved.logarithmic === true,
    axis: oneOf(saved.axis, ['step', 'epoch', 'time'], fresh.axis),
    ...(Array.isArray(zoom) && isRange(zoom) && { zoom }),
    image: number(saved.image, 0, 1e6, 0),
    ...text(saved, 'mask'), ...text(saved, 'level'),
    ...(typeof saved.pictureStep === 'number' && Number.isFinite(saved.pictureStep) && { pictureStep: saved.pictureStep }),
    opacity: number(saved.opacity, 0, 1, fresh.opacity),
    sameScale: saved.sameScale !== false,
    colours: oneOf(saved.colours, ['viridis', 'magma', 'grey'], fresh.colours),
    score: number(saved.score, 0, 1, 0.3),
    boxes: { truth: boxes.truth !== false, teacher: boxes.teacher !== false, student: boxes.student !== false, ...(boxes.everywhere === true && { everywhere: true }) },
  };
}

/** The state as it may be saved: names that a run folder made too long are left out, not cut to something else. */
export function savable(state: ViewState): ViewState {
  const { mask, level, ...rest } = state;
  let saved: ViewState = {
    ...rest, hidden: state.hidden.filter((key) => key.length <= LONGEST_KEY),
    ...(mask !== undefined && mask.length <= LONGEST_KEY && { mask }),
    ...(level !== undefined && level.length <= LONGEST_KEY && { level }),
  };
  while (saved.hidden.length > 0 && new TextEncoder().encode(JSON.stringify(saved)).length > MOST_BYTES) saved = { ...saved, hidden: saved.hidden.slice(1) };
  return saved;
}

/** Without one of the keys that mean something by their absence. */
export function without(state: ViewState, key: 'zoom' | 'pictureStep' | 'level' | 'mask'): ViewState {
  return Object.fromEntries(Object.entries(state).filter(([name]) => name !== key)) as unknown as ViewState;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isRange = (value: unknown[]): value is [number, number] => value.length === 2 && value.every((end) => Number.isFinite(end)) && (value[0] as number) < (value[1] as number);

function number(value: unknown, low: number, high: number, otherwise: number): number {
  return typeof value === 'number' && value >= low && value <= high ? value : otherwise;
}

function oneOf<T extends string>(value: unknown, all: readonly T[], otherwise: T): T {
  return all.find((item) => item === value) ?? otherwise;
}

function text(saved: Record<string, unknown>, key: 'mask' | 'level'): Partial<ViewState> {
  const value = saved[key];
  return typeof value === 'string' && value.length <= LONGEST_KEY ? { [key]: value } : {};
}
