/** From values to pixels: linear and logarithmic scales and the places of their labels. */

export interface Scale {
  /** NaN where the scale has no place for a value. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

export type Extent = readonly [least: number, greatest: number];

/** Of all finite values; undefined where there is none. With `positive` only those that a logarithmic scale can show. */
export function extentOf(values: Iterable<number>, positive = false): Extent | undefined {
  let least = Infinity;
  let greatest = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value) || (positive && value <= 0)) continue;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  return least > greatest ? undefined : [least, greatest];
}

/** A little air at both ends; a flat line gets its place in the middle. */
export function padded([least, greatest]: Extent, share = 0.06): Extent {
  const span = greatest - least;
  const air = span > 0 ? span * share : Math.max(Math.abs(greatest) * 0.05, 1e-9);
  // A quantity that never falls below 0 has no axis that does.
  const low = least >= 0 ? Math.max(0, least - air) : least - air;
  return [low, greatest + air];
}

/** @param pixels where the ends of the extent go. */
export function linearScale([least, greatest]: Extent, pixels: Extent, count: number): Scale {
  const factor = (pixels[1] - pixels[0]) / (greatest - least || 1);
  return { at: (value) => pixels[0] + (value - least) * factor, ticks: niceTicks([least, greatest], count) };
}

export function logScale([least, greatest]: Extent, pixels: Extent, count: number): Scale {
  const logs: Extent = [Math.log10(least), Math.log10(greatest > least ? greatest : least * 1.1)];
  const factor = (pixels[1] - pixels[0]) / (logs[1] - logs[0]);
  return { at: (value) => (value > 0 ? pixels[0] + (Math.log10(value) - logs[0]) * factor : NaN), ticks: logTicks(least, greatest, count) };
}

/** Multiples of 1, 2 or 5 times a power of ten that lie within, about `count` of them. */
export function niceTicks([least, greatest]: Extent, count: number): number[] {
  const span = greatest - least;
  if (!(span > 0) || !Number.isFinite(span)) return [least];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let index = Math.ceil(least / step - 1e-9); index * step <= greatest + step * 1e-9; index += 1) ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

function logTicks(least: number, greatest: number, count: number): number[] {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(greatest))];
  const within = (factors: readonly number[], every: number): number[] => {
    const ticks: number[] = [];
    for (let power = from; power <= to; power += 1) {
      if (power % every !== 0) continue;
      for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(12)));
    }
    return ticks.filter((tick) => tick >= least && tick <= greatest);
  };
  const fine = within([1, 2, 5], 1);
  if (fine.length <= count + 1) return fine.length > 0 ? fine : niceTicks([least, greatest], count);
  return within([1], Math.max(1, Math.ceil((to - from) / Math.max(1, count))));
}
