/** Where charts stand in an experiment. Pure, so that it is tested without VS Code. All lines are 0-based, as an editor counts. */
import { type Positions } from '../../experiment/positions.ts';

export type Place = { readonly what: 'name'; readonly line: number } | { readonly what: 'method'; readonly method: string; readonly line: number };

/** After `name:`, and after each method of `distill`. */
export function placesOf(data: unknown, positions: Positions): readonly Place[] {
  const places: Place[] = [];
  const lineOf = (key: string): number | undefined => {
    const entry = positions.entries.get(key);
    return entry === undefined ? undefined : (entry.key ?? entry.value).line - 1;
  };
  const { name, distill } = typeof data === 'object' && data !== null ? data as { readonly name?: unknown; readonly distill?: unknown } : {};
  const nameLine = lineOf('name');
  if (typeof name === 'string' && nameLine !== undefined) places.push({ what: 'name', line: nameLine });
  const items: readonly unknown[] = Array.isArray(distill) ? distill : [];
  items.forEach((item, index) => {
    const method: unknown = typeof item === 'object' && item !== null && 'method' in item ? item.method : undefined;
    const line = lineOf(`distill[${index}].method`);
    if (typeof method === 'string' && line !== undefined) places.push({ what: 'method', method, line });
  });
  return places;
}

/** The part of an editor's notice of change that matters here. */
export interface Change {
  readonly range: { readonly start: { readonly line: number }; readonly end: { readonly line: number } };
  readonly text: string;
}

export interface Followed<T> {
  readonly places: readonly T[];
  /** A line with a place was itself changed. */
  readonly touched: boolean;
}

/** Follows an edit without reading the text anew; places on lines that were changed are left out until it is. */
export function followed<T extends { readonly line: number }>(places: readonly T[], changes: readonly Change[]): Followed<T> {
  // Each change is told as of before all of them: from the last one up, none moves those that follow.
  const fromBelow = [...changes].sort((a, b) => b.range.start.line - a.range.start.line);
  let moved = places;
  for (const { range: { start, end }, text } of fromBelow) {
    const delta = text.split('\n').length - 1 - (end.line - start.line);
    moved = moved.flatMap((place) => {
      if (place.line < start.line) return [place];
      if (place.line <= end.line) return [];
      return [delta === 0 ? place : { ...place, line: place.line + delta }];
    });
  }
  return { places: moved, touched: moved.length < places.length };
}

/**
 * The line that a run was failed by, in a text that may have been edited since: the same words, as near as can be.
 * Undefined when it was changed, for then nobody knows whether it is still wrong.
 * @param then the text that the run was made of; @param line in it.
 */
export function sameLine(then: string, line: number, now: string): number | undefined {
  const wanted = then.split(/\r?\n/)[line]?.trim();
  if (wanted === undefined || wanted === '') return undefined;
  let nearest: number | undefined;
  now.split(/\r?\n/).forEach((text, index) => {
    if (text.trim() === wanted && (nearest === undefined || Math.abs(index - line) < Math.abs(nearest - line))) nearest = index;
  });
  return nearest;
}
