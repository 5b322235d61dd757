/** Summaries of times. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param values at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError('there are no values');
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? (sorted[middle] ?? min) : ((sorted[middle - 1] ?? min) + (sorted[middle] ?? min)) / 2;
  return { median, min, max };
}

/** Largest |a − b| / max(|a|, |b|) over the names that both have. */
export function relativeDifference(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): number {
  let largest = 0;
  for (const [name, value] of Object.entries(a)) {
    const other = b[name];
    if (other === undefined || Number.isNaN(value) || Number.isNaN(other)) return Infinity;
    const scale = Math.max(Math.abs(value), Math.abs(other));
    if (scale > 0) largest = Math.max(largest, Math.abs(value - other) / scale);
  }
  return largest;
}

export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
