/**
 * The adaptation cost C(A → B): what the best linear map (a 1×1 convolution) of A's features leaves of B's, as a part of their
 * variance. 0: B can be read off A; 1: A says nothing of B. Computed in closed form over cells of training images.
 */
import type * as tf from '@tensorflow/tfjs';
import { prepareExample } from '../data/index.ts';
import { type DataSet } from '../data/sample.ts';
import { inference, type Detector } from '../detectors/detector.ts';
import { type Engine } from '../engine/backend.ts';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { PairedMoments } from '../engine/leastSquares.ts';
import { createProgram } from '../engine/program.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { stackImages } from './infer.ts';

/** As a part of the mean variance of a channel of A. */
const RIDGE = 1e-4;
const BATCH = 4;
/** Cells of a level that are looked at, over all images, evenly spaced: many times the channels. */
const MOST_CELLS = 8192;

export interface AdaptationOptions {
  readonly training: DataSet;
  readonly data: DataConfig;
  readonly engine: Engine;
  readonly capture: boolean;
  /** Training images, the first ones, without augmentation. */
  readonly images: number;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** @returns costs [from][to], the mean over the levels of `to` */
export async function adaptationCosts(networks: readonly Detector[], { training, data, engine, capture, images, onProgress }: AdaptationOptions): Promise<number[][]> {
  const [height, width] = data.size;
  const program = createProgram({
    engine, capture, variables: networks.flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable)),
    functions: {
      features: {
        example: { images: float32([BATCH, height, width, 3]) },
        run: ({ images: input }) => ({
          outputs: Object.fromEntries(networks.flatMap((network, index) => network.forward(input as tf.Tensor4D, inference()).features.map((map, level) => [nameOf(index, level), map]))),
        }),
      },
    },
  });
  const chosen = training.images.slice(0, images);
  const pairs = networks.map((from, a) => networks.map((to, b) => to.traits.levels.map(({ stride }, level) => ({
    from: nameOf(a, nearestLevel(from, stride)), to: nameOf(b, level), moments: new PairedMoments(from.traits.featureChannels, to.traits.featureChannels),
  }))));
  try {
    for (let start = 0; start < chosen.length; start += BATCH) {
      const examples = await Promise.all(chosen.slice(start, start + BATCH).map((image) => prepareExample(image, data, undefined)));
      const maps = program.run('features', { images: stackImages(examples, data.size, BATCH) });
      for (const { from, to, moments } of pairs.flat(2)) addCells(moments, maps[from] as HostTensor, maps[to] as HostTensor, examples.length, MOST_CELLS / chosen.length);
      onProgress?.(Math.min(start + BATCH, chosen.length), chosen.length);
    }
  } finally {
    program.dispose();
  }
  return pairs.map((row) => row.map((levels) => levels.reduce((sum, { moments }) => sum + moments.unexplained(RIDGE), 0) / Math.max(1, levels.length)));
}

function nameOf(network: number, level: number): string {
  return `${network}.${level}`;
}

/** The level whose cells are nearest in size. */
function nearestLevel({ traits: { levels } }: Detector, stride: number): number {
  const distances = levels.map((level) => Math.abs(Math.log2(level.stride / stride)));
  return Math.max(0, distances.indexOf(Math.min(...distances)));
}

/** Adds cells of `to` with what `from` has at the same places, halfway between its cells where sizes differ. */
export function addCells(moments: PairedMoments, from: HostTensor, to: HostTensor, images: number, most: number): void {
  const [, rows = 0, columns = 0, channels = 0] = to.shape;
  const cells = rows * columns;
  const step = Math.max(1, cells / Math.max(1, most));
  for (let image = 0; image < images; image += 1) {
    for (let place = step / 2; place < cells; place += step) {
      const cell = Math.floor(place);
      const [row, column] = [Math.floor(cell / columns), cell % columns];
      const start = (image * cells + cell) * channels;
      moments.add(sample(from, image, (row + 0.5) / rows, (column + 0.5) / columns), to.data.subarray(start, start + channels));
    }
  }
}

/** All channels at a place, given as parts of height and width, bilinearly between the centres of cells. */
function sample({ shape, data }: HostTensor, image: number, y: number, x: number): Float64Array {
  const [, rows = 0, columns = 0, channels = 0] = shape;
  const values = new Float64Array(channels);
  for (const [row, rowShare] of between(y, rows)) {
    for (const [column, columnShare] of between(x, columns)) {
      const start = ((image * rows + row) * columns + column) * channels;
      for (let channel = 0; channel < channels; channel += 1) values[channel] = (values[channel] as number) + rowShare * columnShare * (data[start + channel] as number);
    }
  }
  return values;
}

function between(place: number, count: number): (readonly [index: number, share: number])[] {
  const exact = Math.min(count - 1, Math.max(0, place * count - 0.5));
  // Equal sizes meet a cell's centre but for rounding.
  const low = Math.floor(exact + 1e-9);
  const share = Math.max(0, exact - low);
  return share < 1e-9 ? [[low, 1]] : [[low, 1 - share], [Math.min(count - 1, low + 1), share]];
}
