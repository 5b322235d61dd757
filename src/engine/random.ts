/**
 * The one generator of random numbers (xoshiro128**): fast on 32-bit integers, good statistics, the same on every machine.
 * Its state goes into the checkpoint, so that a resumed run draws what the uninterrupted one would have.
 */
export type RandomState = readonly [number, number, number, number];

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  private constructor([a, b, c, d]: RandomState) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  /** A generator for these integers: other keys (seed, epoch, image, …) give independent sequences. */
  static of(...keys: readonly number[]): Random {
    let mixed = 0x9e3779b9;
    for (const key of keys) mixed = scramble((mixed ^ (key >>> 0)) + 0x9e3779b9 + Math.floor(key / 0x100000000));
    const next = (): number => (mixed = scramble(mixed + 0x9e3779b9));
    return new Random([next(), next(), next(), next() | 1]);
  }

  static restore(state: RandomState): Random {
    return new Random(state);
  }

  save(): RandomState {
    return [this.a, this.b, this.c, this.d];
  }

  nextUint32(): number {
    const product = Math.imul(this.b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** The next values of `nextUint32`, as many as there is room for: several times as fast as one by one. */
  fill(into: Uint32Array): void {
    let { a, b, c, d } = this;
    for (let at = 0; at < into.length; at += 1) {
      const product = Math.imul(b, 5);
      into[at] = Math.imul((product << 7) | (product >>> 25), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
    }
    [this.a, this.b, this.c, this.d] = [a, b, c, d];
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.nextUint32() / 0x100000000);
  }

  /** Integer, uniform in [0, count). */
  integer(count: number): number {
    return Math.floor(this.uniform(0, count));
  }

  /** Normal with the given mean and standard deviation (Box–Muller; one of the pair is dropped to keep the state simple). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** A new array in random order (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = this.integer(last + 1);
      const held = result[last] as T;
      result[last] = result[other] as T;
      result[other] = held;
    }
    return result;
  }
}

/** splitmix32: turns any integer into a well-mixed one. */
function scramble(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
