/** A scene's pixels: gradient, low-frequency noise, sometimes a grating, strokes, objects, pixel noise. Values run from 0 to 1 until the end. */
import { type Random } from '../engine/random.ts';
import { cover, type Coverage } from './raster.ts';
import { type RawImage, type SceneSpec } from './sample.ts';
import { sceneRandom, type PlacedShape } from './sceneLayout.ts';
import { stroke } from './shapes.ts';

type Colour = readonly [red: number, green: number, blue: number];

interface Canvas {
  readonly width: number;
  readonly height: number;
  /** RGB interleaved, 0 to 1. */
  readonly values: Float32Array;
}

/** How far an object's colours stay from the background's mean, in mean absolute difference of the channels. */
const LEAST_CONTRAST = 0.12;

/** The scene as 8-bit pixels at the spec's size. @param shapes as `layOut` gives them */
export function paintScene(spec: SceneSpec, index: number, shapes: readonly PlacedShape[]): RawImage {
  const random = sceneRandom(spec, index, 1);
  const [height, width] = spec.size;
  const canvas: Canvas = { width, height, values: new Float32Array(height * width * 3) };
  paintBackground(canvas, random);
  if (random.chance(0.4)) paintGrating(canvas, random);
  const mean = meanColour(canvas);
  for (let strokes = random.integer(6); strokes > 0; strokes -= 1) paintStroke(canvas, random);
  for (const shape of shapes) paintObject(canvas, shape, mean, random);
  return { width, height, data: develop(canvas, random.uniform(0.02, 0.1), random) };
}

/** A gradient between two related colours along any direction, with clouds on it. */
function paintBackground({ width, height, values }: Canvas, random: Random): void {
  const from = randomColour(random, 0.15, 0.85);
  const to = from.map((value) => clamp(value + random.uniform(-0.3, 0.3)));
  const angle = random.uniform(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle) / width, Math.sin(angle) / height];
  const clouds = new Clouds(random, random.uniform(0.03, 0.12), width);
  const [red, green, blue] = [from[0], from[1], from[2]];
  const [redStep, greenStep, blueStep] = [(to[0] ?? 0) - red, (to[1] ?? 0) - green, (to[2] ?? 0) - blue];
  // Every pixel of every scene passes here: nothing is made or looked up in the inner loop.
  const row = new Float64Array(3 * width);
  const along = Float64Array.from({ length: width }, (_, x) => 0.5 + (x - width / 2) * dx);
  for (let y = 0, at = 0; y < height; y += 1) {
    clouds.writeRow(y / height, row);
    const across = (y - height / 2) * dy;
    for (let x = 0, of = 0; x < width; x += 1, at += 3, of += 3) {
      const share = clamp((along[x] as number) + across);
      values[at] = red + redStep * share + (row[of] as number);
      values[at + 1] = green + greenStep * share + (row[of + 1] as number);
      values[at + 2] = blue + blueStep * share + (row[of + 2] as number);
    }
  }
}

const CELLS = 5;

/** Smooth noise: random values on a coarse grid, blended between its points. Grey and coloured parts together. */
class Clouds {
  /** The grid's rows, already blended along x: [CELLS + 1, width, 3]. */
  private readonly rows: readonly Float64Array[];

  constructor(random: Random, strength: number, width: number) {
    const points = (CELLS + 1) ** 2;
    const grid = new Float32Array(points * 3);
    for (let point = 0; point < points; point += 1) {
      const grey = random.normal(0, strength);
      for (let channel = 0; channel < 3; channel += 1) grid[point * 3 + channel] = grey + random.normal(0, strength / 2);
    }
    this.rows = Array.from({ length: CELLS + 1 }, (_, row) => blendedRow(grid.subarray(row * (CELLS + 1) * 3), width));
  }

  /** Writes a pixel row's values, [width, 3]. @param v from 0 to 1 */
  writeRow(v: number, into: Float64Array): void {
    const y = v * CELLS;
    const row = Math.floor(y);
    const b = smooth(y - row);
    const [above, below] = [this.rows[row] as Float64Array, this.rows[row + 1] as Float64Array];
    for (let at = 0; at < into.length; at += 1) into[at] = (above[at] as number) * (1 - b) + (below[at] as number) * b;
  }
}

function blendedRow(points: Float32Array, width: number): Float64Array {
  const row = new Float64Array(3 * width);
  for (let x = 0, at = 0; x < width; x += 1) {
    const place = (x / width) * CELLS;
    const column = Math.floor(place);
    const a = smooth(place - column);
    for (let channel = 0; channel < 3; channel += 1, at += 1) row[at] = (points[column * 3 + channel] as number) * (1 - a) + (points[column * 3 + 3 + channel] as number) * a;
  }
  return row;
}

function paintGrating({ width, height, values }: Canvas, random: Random): void {
  const strength = random.uniform(0.02, 0.08);
  const frequency = (2 * Math.PI) / random.uniform(5, 18);
  const angle = random.uniform(0, Math.PI);
  const [fx, fy] = [Math.cos(angle) * frequency, Math.sin(angle) * frequency];
  const phase = random.uniform(0, 2 * Math.PI);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const wave = strength * Math.sin(x * fx + y * fy + phase);
      for (let channel = 0; channel < 3; channel += 1, at += 1) values[at] = (values[at] ?? 0) + wave;
    }
  }
}

/** A line that is no object. */
function paintStroke(canvas: Canvas, random: Random): void {
  const side = Math.min(canvas.width, canvas.height);
  const [x, y] = [random.uniform(0, canvas.width), random.uniform(0, canvas.height)];
  const angle = random.uniform(0, 2 * Math.PI);
  const length = random.uniform(0.1, 0.5) * side;
  const thickness = random.uniform(0.8, 3.5) * Math.max(1, side / 128);
  const contour = stroke(x, y, x + Math.cos(angle) * length, y + Math.sin(angle) * length, thickness);
  const colour = randomColour(random, 0, 1);
  blend(canvas, cover([contour], canvas.width, canvas.height), random.uniform(0.4, 0.9), () => colour);
}

/** In one colour or striped in two, partly see-through. */
function paintObject(canvas: Canvas, { coverage }: PlacedShape, mean: Colour, random: Random): void {
  const first = contrasting(random, mean);
  const alpha = random.uniform(0.6, 1);
  if (!random.chance(0.4)) {
    blend(canvas, coverage, alpha, () => first);
    return;
  }
  const second = contrasting(random, mean);
  const frequency = (2 * Math.PI) / random.uniform(4, 9);
  const angle = random.uniform(0, Math.PI);
  const [fx, fy] = [Math.cos(angle) * frequency, Math.sin(angle) * frequency];
  const phase = random.uniform(0, 2 * Math.PI);
  const mixed: [number, number, number] = [0, 0, 0];
  blend(canvas, coverage, alpha, (x, y) => {
    const share = clamp(0.5 + 1.5 * Math.sin(x * fx + y * fy + phase));
    for (let channel = 0; channel < 3; channel += 1) mixed[channel] = (first[channel] ?? 0) * share + (second[channel] ?? 0) * (1 - share);
    return mixed;
  });
}

function blend({ width, values }: Canvas, coverage: Coverage, alpha: number, colourAt: (x: number, y: number) => Colour): void {
  for (let row = 0, from = 0; row < coverage.height; row += 1) {
    let at = ((coverage.top + row) * width + coverage.left) * 3;
    for (let column = 0; column < coverage.width; column += 1, from += 1) {
      const share = alpha * Math.min(1, coverage.values[from] ?? 0);
      if (share <= 0) {
        at += 3;
        continue;
      }
      const colour = colourAt(coverage.left + column, coverage.top + row);
      for (let channel = 0; channel < 3; channel += 1, at += 1) values[at] = (values[at] ?? 0) * (1 - share) + (colour[channel] ?? 0) * share;
    }
  }
}

function contrasting(random: Random, mean: Colour): Colour {
  for (let tries = 0; tries < 50; tries += 1) {
    const colour = randomColour(random, 0, 1);
    const distance = colour.reduce((sum, value, channel) => sum + Math.abs(value - (mean[channel] ?? 0)), 0) / 3;
    if (distance >= LEAST_CONTRAST) return colour;
  }
  return mean[0] + mean[1] + mean[2] > 1.5 ? [0, 0, 0] : [1, 1, 1];
}

function randomColour(random: Random, low: number, high: number): Colour {
  return [random.uniform(low, high), random.uniform(low, high), random.uniform(low, high)];
}

function meanColour({ values }: Canvas): Colour {
  const sums: [number, number, number] = [0, 0, 0];
  for (let at = 0; at < values.length; at += 3) {
    sums[0] += values[at] ?? 0;
    sums[1] += values[at + 1] ?? 0;
    sums[2] += values[at + 2] ?? 0;
  }
  const pixels = values.length / 3;
  return [sums[0] / pixels, sums[1] / pixels, sums[2] / pixels];
}

/** Adds normal noise of this deviation and rounds to bytes. */
function develop({ values }: Canvas, deviation: number, random: Random): Uint8Array {
  // A clamped array rounds and clamps by itself.
  const data = new Uint8ClampedArray(values.length);
  const strength = 255 * deviation;
  // Two draws from one integer, through a table of the normal distribution.
  const draws = new Uint32Array(Math.ceil(values.length / 2));
  random.fill(draws);
  for (let at = 0, draw = 0; at < values.length; at += 2, draw += 1) {
    const bits = draws[draw] as number;
    data[at] = 255 * (values[at] as number) + strength * (NORMAL[bits >>> 20] as number);
    data[at + 1] = 255 * (values[at + 1] as number) + strength * (NORMAL[(bits >>> 4) & 4095] as number);
  }
  return new Uint8Array(data.buffer);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

/** 4096 quantiles of the standard normal distribution: logarithms and cosines for every value would cost more than all the rest. */
const NORMAL = normalTable(4096);

function normalTable(size: number): Float32Array {
  const table = new Float32Array(size);
  for (let i = 0; i < size; i += 1) table[i] = quantile((i + 0.5) / size);
  return table;
}

/** Inverse of the normal distribution function, by bisection on Abramowitz & Stegun 26.2.17 (error below 1e-7). */
function quantile(probability: number): number {
  let [low, high] = [-6, 6];
  for (let i = 0; i < 50; i += 1) {
    const middle = (low + high) / 2;
    if (distribution(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function distribution(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  const tail = density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
