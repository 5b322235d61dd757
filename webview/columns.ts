import { Blocks } from './blocks.ts';

/** A growing row of numbers in one typed array: 100,000 steps of ten series must not become a million objects. */
export class Column {
  #values = new Float64Array(256);
  #length = 0;
  #blocks: Blocks | undefined;
  /** How often it was cut: what was derived from it before is void. */
  cuts = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  at(index: number): number {
    return index >= 0 && index < this.#length ? (this.#values[index] ?? NaN) : NaN;
  }

  get last(): number {
    return this.at(this.#length - 1);
  }

  truncate(length: number): void {
    if (length >= this.#length) return;
    this.#length = length;
    this.cuts += 1;
  }

  padTo(length: number): void {
    while (this.#length < length) this.push(NaN);
  }

  /** Sums of it, for drawing: made when they are first asked for. */
  get blocks(): Blocks {
    return (this.#blocks ??= new Blocks(this));
  }

  /** A view, valid until the next push. */
  view(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }
}

/** Index of the last value ≤ x in a sorted row, −1 if there is none. */
export function indexAt(sorted: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
