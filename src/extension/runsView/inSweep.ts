/** The order of rows under a sweep. Pure. */
import { type SortKey } from '../../store/arrange.ts';
import { type Place, type SweepStatus } from '../../sweep/status.ts';
import { isLive, type Run } from '../run.ts';

/** So many of those that wait have a row of their own. */
export const MOST_WAITING = 12;

export interface SweepRow {
  readonly place: Place;
  /** Among those that wait, from 1. */
  readonly position?: number | undefined;
}

export interface SweepRows {
  readonly rows: readonly SweepRow[];
  /** Waiting ones beyond those, and after which row they are told. */
  readonly more?: { readonly count: number; readonly after: number } | undefined;
}

/**
 * What goes, then what waits in the order of the queue, then what is over in the order of the view; in an order by a figure the
 * waiting ones come last. With a filter only runs that pass it.
 *
 * @param shown runs of the view, in its order and choice.
 */
export function rowsOfSweep(sweep: SweepStatus, shown: readonly Run[], { sort, isFiltered }: { readonly sort: SortKey; readonly isFiltered: boolean }): SweepRows {
  const placeOf = new Map(sweep.places.flatMap((place) => (place.run === undefined ? [] : [[place.run.folder, place] as const])));
  const known = shown.flatMap((run) => placeOf.get(run.folder) ?? []);
  if (isFiltered) return { rows: known.map((place) => ({ place })) };
  const waiting = sweep.places.filter(({ state }) => state === 'waiting');
  const first = waiting.slice(0, MOST_WAITING).map((place, at) => ({ place, position: at + 1 }));
  const more = (after: number): SweepRows['more'] => (waiting.length > MOST_WAITING ? { count: waiting.length - MOST_WAITING, after } : undefined);
  const started = known.filter(({ state }) => state !== 'waiting');
  // Without a folder, and not to come: left out by halving, or not to be made.
  const never = sweep.places.filter(({ run, state }) => run === undefined && state !== 'waiting');
  const rest = (places: readonly Place[]): SweepRow[] => places.map((place) => ({ place }));
  if (sort !== 'newest') {
    const rows = [...rest(started), ...first, ...rest(never)];
    return { rows, more: more(started.length + first.length) };
  }
  const going = sweep.places.filter(({ run, state }) => run !== undefined && state !== 'waiting' && isLive(run) && known.some((place) => place.run === run));
  const over = started.filter((place) => !going.includes(place));
  return { rows: [...rest(going), ...first, ...rest(over), ...rest(never)], more: more(going.length + first.length) };
}
