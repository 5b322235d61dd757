/**
 * Half precision: IEEE 754 binary16, 11 significant bits. A whole tensor shares a power of two that brings its largest value just
 * below 2^15, so nothing overflows, and a value loses at most 2^-11 of itself down to 2^-29 of the tensor's largest.
 */

/** Largest exponent of a stored value: below the format's own of 15, so that rounding up cannot reach infinity. */
const TOP = 14;

export interface Halves {
  readonly values: Uint16Array;
  /** Every value stands for itself times 2 to this. */
  readonly exponent: number;
}

export function toHalves(values: Float32Array): Halves {
  const exponent = exponentOf(values);
  const factor = 2 ** -exponent;
  const scaled = new Float32Array(values.length);
  for (let index = 0; index < values.length; index += 1) scaled[index] = (values[index] as number) * factor;
  const bits = new Uint32Array(scaled.buffer);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < halves.length; index += 1) halves[index] = halfOf(bits[index] as number);
  return { values: halves, exponent };
}

/** Writes into `target`, which is as long. */
export function fromHalves({ values, exponent }: Halves, target: Float32Array): void {
  const table = meanings();
  const factor = 2 ** exponent;
  for (let index = 0; index < values.length; index += 1) target[index] = (table[values[index] as number] as number) * factor;
}

/** By the largest finite value; others (a teacher gone wrong) stay what they are. */
function exponentOf(values: Float32Array): number {
  let largest = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest === 0 ? 0 : Math.floor(Math.log2(largest)) - TOP;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);
const HALF = 0x3f00_0000;
const LEAST_NORMAL = 0x3880_0000;
const TOO_LARGE = 0x4780_0000;
const INFINITE = 0x7f80_0000;

/** Nearest, ties to even. @param bits of a float32 */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fff_ffff;
  if (size >= TOO_LARGE) return sign | (size > INFINITE ? 0x7e00 : 0x7c00);
  if (size >= LEAST_NORMAL) return sign | ((size - 0x3800_0000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  // A float32 of exponent −1 has its last bit where halves have their least: adding 1/2 rounds for us.
  scratchBits[0] = size;
  scratch.set([(scratch[0] ?? 0) + 0.5]);
  const [rounded = HALF] = scratchBits;
  return sign | (rounded - HALF);
}

let known: Float32Array | undefined;

/** What each of the 65,536 halves stands for. */
function meanings(): Float32Array {
  if (known !== undefined) return known;
  const table = new Float32Array(65_536);
  for (let half = 0; half < table.length; half += 1) {
    const [exponent, fraction] = [(half >>> 10) & 31, half & 1023];
    const size = exponent === 31 ? (fraction === 0 ? Infinity : NaN) : exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    table[half] = half & 0x8000 ? -size : size;
  }
  known = table;
  return table;
}
