/** How the run is looked at: what survives hiding the panel and reloading the window. Ids and options, never data. */
import { type ViewState } from './contract.ts';
import { FRESH_LOOKS, isRecord, number, restoreLooks } from './looks.ts';

export type { ViewState } from './contract.ts';

/** The editor keeps the state of every panel in one place: a page must not fill it. */
const MOST_BYTES = 2000;
const LONGEST_KEY = 120;
const MOST_HIDDEN = 40;
const FRESH_SCORE = 0.3;

export function freshState(runId: string): ViewState {
  return { ...FRESH_LOOKS, runId, score: FRESH_SCORE, boxes: { truth: true, teacher: true, student: true } };
}

/** What `getState` gave back, whatever it is, as a view of this run; another run's view is not taken over. */
export function restoreState(saved: unknown, runId: string): ViewState {
  if (!isRecord(saved) || saved.runId !== runId) return freshState(runId);
  const boxes = isRecord(saved.boxes) ? saved.boxes : {};
  return {
    ...restoreLooks(saved, { longest: LONGEST_KEY, mostHidden: MOST_HIDDEN }), runId,
    score: number(saved.score, 0, 1, FRESH_SCORE),
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
