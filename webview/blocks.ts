/**
 * A growing row of numbers summed up in blocks of 16, 32, 64, … values: least, greatest, sum. What is drawn of 100,000 steps is
 * found from some hundred blocks instead of from all values, and a few steps more complete a few blocks more.
 */
import { type Column } from './columns.ts';

/** The smallest blocks hold 2⁴ values. */
const FIRST = 4;

/** The blocks of one size: where in the row the least and the greatest value stand (−1: none), and sum and count of what is there. */
class Level {
  least = new Int32Array(64);
  greatest = new Int32Array(64);
  sum = new Float64Array(64);
  count = new Int32Array(64);
  length = 0;

  push(least: number, greatest: number, sum: number, count: number): void {
    if (this.length === this.least.length) this.#grow();
    this.least[this.length] = least;
    this.greatest[this.length] = greatest;
    this.sum[this.length] = sum;
    this.count[this.length] = count;
    this.length += 1;
  }

  #grow(): void {
    const size = 2 * this.length;
    const larger = <T extends Int32Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.least = larger(this.least, new Int32Array(size));
    this.greatest = larger(this.greatest, new Int32Array(size));
    this.sum = larger(this.sum, new Float64Array(size));
    this.count = larger(this.count, new Int32Array(size));
  }
}

export interface Extremes {
  /** Places in the row; −1 where there is no value. */
  readonly least: number;
  readonly greatest: number;
}

export class Blocks {
  readonly #column: Column;
  readonly #levels: Level[] = [];
  /** Of the column when it was last summed up. */
  #generation: number;

  constructor(column: Column) {
    this.#column = column;
    this.#generation = column.cuts;
  }

  /** Sums up what was added since; all anew after a cut. */
  #update(): void {
    if (this.#column.cuts !== this.#generation) {
      this.#generation = this.#column.cuts;
      this.#levels.length = 0;
    }
    const values = this.#column.view();
    for (let level = 0; values.length >> (FIRST + level) > 0; level += 1) this.#extend(level, values);
  }

  #extend(level: number, values: Float64Array): void {
    const blocks = (this.#levels[level] ??= new Level());
    const below = this.#levels[level - 1];
    const size = 1 << (FIRST + level);
    while ((blocks.length + 1) * size <= values.length) {
      const first = blocks.length * size;
      if (below === undefined) pushValues(blocks, values, first, first + size);
      else pushPair(blocks, below, 2 * blocks.length, values);
    }
  }

  /** Visits all of [from, to) in as large blocks as there are; single values at the edges. */
  #visit(from: number, to: number, block: (level: Level, at: number) => void, single: (at: number) => void): void {
    this.#update();
    let at = from;
    while (at < to) {
      let size = this.#levels.length - 1;
      while (size >= 0 && !((at & ((1 << (FIRST + size)) - 1)) === 0 && at + (1 << (FIRST + size)) <= to && at >> (FIRST + size) < (this.#levels[size]?.length ?? 0))) size -= 1;
      const level = this.#levels[size];
      if (level === undefined) {
        single(at);
        at += 1;
      } else {
        block(level, at >> (FIRST + size));
        at += 1 << (FIRST + size);
      }
    }
  }

  extremes(from: number, to: number): Extremes {
    const values = this.#column.view();
    let [least, greatest, low, high] = [-1, -1, Infinity, -Infinity];
    const take = (lower: number, higher: number): void => {
      const [a, b] = [values[lower] ?? NaN, values[higher] ?? NaN];
      if (a < low) [low, least] = [a, lower];
      if (b > high) [high, greatest] = [b, higher];
    };
    this.#visit(from, to, (level, at) => { take(level.least[at] ?? -1, level.greatest[at] ?? -1); }, (at) => { take(at, at); });
    return { least, greatest };
  }

  /** 0 where there is no value. */
  mean(from: number, to: number): number {
    const values = this.#column.view();
    let [sum, count] = [0, 0];
    this.#visit(from, to, (level, at) => {
      sum += level.sum[at] ?? 0;
      count += level.count[at] ?? 0;
    }, (at) => {
      const value = values[at] ?? NaN;
      if (Number.isNaN(value)) return;
      sum += value;
      count += 1;
    });
    return count === 0 ? 0 : sum / count;
  }
}

function pushValues(blocks: Level, values: Float64Array, from: number, to: number): void {
  let [least, greatest, low, high, sum, count] = [-1, -1, Infinity, -Infinity, 0, 0];
  for (let i = from; i < to; i += 1) {
    const value = values[i] ?? NaN;
    if (value < low) [low, least] = [value, i];
    if (value > high) [high, greatest] = [value, i];
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  blocks.push(least, greatest, sum, count);
}

/** A block is made of two of half its size. */
function pushPair(blocks: Level, below: Level, at: number, values: Float64Array): void {
  const better = (a: number, b: number, isBetter: (x: number, y: number) => boolean): number => (a < 0 || (b >= 0 && isBetter(values[b] ?? NaN, values[a] ?? NaN)) ? b : a);
  blocks.push(
    better(below.least[at] ?? -1, below.least[at + 1] ?? -1, (x, y) => x < y), better(below.greatest[at] ?? -1, below.greatest[at + 1] ?? -1, (x, y) => x > y),
    (below.sum[at] ?? 0) + (below.sum[at + 1] ?? 0), (below.count[at] ?? 0) + (below.count[at + 1] ?? 0),
  );
}
