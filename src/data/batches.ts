/** Which images a step sees, and the making of its batch: a pure function of (data, config, seed, step), on whatever thread. */
import { type GroundTruth } from '../engine/boxes.ts';
import { Random } from '../engine/random.ts';
import { type CachePlan } from '../teacherCache/plan.ts';
import { ImageCache } from './imageCache.ts';
import { prepareExample, type PrepareConfig } from './prepare.ts';
import { type AnnotatedImage, type TaughtBatch } from './sample.ts';
import { TaughtBatches, type Keepsake } from './taught.ts';

export interface BatchPlan {
  readonly config: PrepareConfig;
  /** Images a batch. */
  readonly batch: number;
  readonly seed: number;
  readonly cacheBytes: number;
  /** Outputs of teachers to look for. */
  readonly taught?: CachePlan | undefined;
}

/** A batch without its images' identities, as it travels between threads. */
export interface PreparedBatch {
  /** [N, H, W, 3]. */
  readonly images: Float32Array<ArrayBuffer>;
  readonly examples: readonly PreparedExample[];
  /** With `BatchPlan.taught`. */
  readonly taught?: TaughtBatch | undefined;
}

export interface PreparedExample {
  /** Of the image in the data set's list. */
  readonly position: number;
  readonly truth: GroundTruth;
  readonly contentSize: readonly [number, number];
  readonly scale: readonly [number, number];
}

export interface Draw {
  /** Of the image in the data set's list. */
  readonly position: number;
  readonly epoch: number;
}

const ORDER = 0x6f726472;
const CHANGE = 0x6368616e;

/** Order of the images in an epoch. */
export function epochOrder(count: number, seed: number, epoch: number): number[] {
  return Random.of(seed, ORDER, epoch).shuffled(Array.from({ length: count }, (_, index) => index));
}

/**
 * The images of a step. Epochs follow one another without a gap: a batch may take the last images of one and the first of the next,
 * so every image is seen once an epoch whatever the batch size.
 * @param order of an epoch, e.g. `epochOrder` remembered
 */
export function imagesOfStep(count: number, batch: number, step: number, order: (epoch: number) => readonly number[]): Draw[] {
  return Array.from({ length: batch }, (_, slot) => {
    const place = step * batch + slot;
    const epoch = Math.floor(place / count);
    return { epoch, position: order(epoch)[place % count] ?? 0 };
  });
}

export class BatchMaker {
  private readonly images: readonly AnnotatedImage[];
  private readonly plan: BatchPlan;
  private readonly cache: ImageCache;
  private readonly orders = new Map<number, readonly number[]>();
  private readonly taught: TaughtBatches | undefined;

  constructor(images: readonly AnnotatedImage[], plan: BatchPlan) {
    this.images = images;
    this.plan = plan;
    this.cache = new ImageCache(plan.cacheBytes);
    this.taught = plan.taught === undefined ? undefined : new TaughtBatches(plan.taught, plan.config.size);
  }

  /** @param step from 0. @throws DistillError DL308 … DL310 */
  async make(step: number): Promise<PreparedBatch> {
    const { config, batch, seed } = this.plan;
    const [height, width] = config.size;
    const size = height * width * 3;
    const images = new Float32Array(batch * size);
    const draws = imagesOfStep(this.images.length, batch, step, (epoch) => this.order(epoch));
    const examples = await Promise.all(draws.map(async ({ position, epoch }, slot): Promise<PreparedExample> => {
      const image = this.images[position];
      if (image === undefined) throw new RangeError(`no image at ${position}`);
      const target = images.subarray(slot * size, (slot + 1) * size);
      const random = Random.of(seed, CHANGE, epoch, image.index);
      const { truth, contentSize, scale } = await prepareExample(image, config, random, { cache: this.cache, pool: this.images, target });
      return { position, truth, contentSize, scale };
    }));
    return { images, examples, taught: await this.taught?.find(images, batch) };
  }

  /** Puts by what a teacher made of an image. */
  keep(keepsake: Keepsake): void {
    this.taught?.keep(keepsake);
  }

  /** Until all that was put by is on disk. */
  async settled(): Promise<TaughtBatch['state'] | undefined> {
    return this.taught?.settled();
  }

  private order(epoch: number): readonly number[] {
    const known = this.orders.get(epoch);
    if (known !== undefined) return known;
    const order = epochOrder(this.images.length, this.plan.seed, epoch);
    // Two epochs are in use at once at most, unless a batch is larger than the data.
    if (this.orders.size >= 2) this.orders.delete(Math.min(...this.orders.keys()));
    this.orders.set(epoch, order);
    return order;
  }
}
