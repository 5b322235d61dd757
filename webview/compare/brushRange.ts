/** A chosen part of an axis, and how keys move its ends. Pure. */

/** From 0 at the bottom of the axis to 1 at its top; a little below is where a key is left out. */
export type Brush = readonly [low: number, high: number];

const NEAR = 1e-6;

export function isWithin(at: number | undefined, brush: Brush | undefined): boolean {
  if (brush === undefined) return true;
  return at !== undefined && at >= brush[0] - NEAR && at <= brush[1] + NEAR;
}

/** The end of a brush moved by a key, from value to value; undefined where the key means nothing here. */
export function movedEnd(places: readonly number[], brush: Brush | undefined, end: 'low' | 'high', key: string): Brush | 'none' | undefined {
  const [least, greatest] = [places[0] ?? 0, places.at(-1) ?? 1];
  const [low, high] = [Math.max(brush?.[0] ?? least, least), Math.min(brush?.[1] ?? greatest, greatest)];
  if (key === 'Delete' || key === 'Backspace' || key === 'Escape') return 'none';
  const now = end === 'low' ? low : high;
  const up = places.find((place) => place > now + NEAR) ?? greatest;
  const down = places.findLast((place) => place < now - NEAR) ?? least;
  const targets: Partial<Record<string, number>> = { ArrowUp: up, ArrowRight: up, ArrowDown: down, ArrowLeft: down, Home: least, End: greatest };
  const target = targets[key];
  if (target === undefined) return undefined;
  const moved: Brush = end === 'low' ? [Math.min(target, high), high] : [low, Math.max(target, low)];
  return moved[0] <= least + NEAR && moved[1] >= greatest - NEAR ? 'none' : moved;
}
