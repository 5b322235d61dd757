/** Outputs of teachers for a batch, as far as the cache has them: found on the thread that makes batches, so that no step waits for the disk. */
import { type CachePlan } from '../teacherCache/plan.ts';
import { imageId } from '../teacherCache/place.ts';
import { Store, type StoreState } from '../teacherCache/store.ts';
import { type TaughtBatch } from './sample.ts';

/** An entry that was missing. */
export interface Keepsake {
  /** Place among the plan's groups. */
  readonly group: number;
  /** Of `TaughtBatch.images`. */
  readonly image: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class TaughtBatches {
  private readonly plan: CachePlan;
  private readonly store: Store;
  private readonly size: readonly number[];

  /** @param size of the images, [height, width] */
  constructor(plan: CachePlan, size: readonly number[]) {
    this.plan = plan;
    this.store = new Store(plan.folder, plan.limit);
    this.size = size;
  }

  /** @param images [N, H, W, 3], final: the images' names are made of these values */
  async find(images: Float32Array, batch: number): Promise<TaughtBatch> {
    const places = Array.from({ length: batch }, (_, slot) => slot);
    const names = places.map((slot) => imageId(part(images, slot, batch), this.size));
    const groups = await Promise.all(this.plan.groups.map(async ({ folder, outputs }) => {
      const values = outputs.map(({ shape }) => new Float32Array(batch * shape.reduce((product, side) => product * side, 1)));
      const found = await Promise.all(names.map((name, slot) => this.store.read(folder, name, values.map((tensor) => part(tensor, slot, batch)))));
      return { found, values };
    }));
    return { images: names, groups, state: this.store.state };
  }

  keep({ group, image, bytes }: Keepsake): void {
    const folder = this.plan.groups[group]?.folder;
    if (folder !== undefined) this.store.keep(folder, image, bytes);
  }

  async settled(): Promise<StoreState> {
    await this.store.settled();
    return this.store.state;
  }
}

/** What belongs to one image of a batch. */
export function part(values: Float32Array, slot: number, batch: number): Float32Array {
  const size = values.length / batch;
  return values.subarray(slot * size, (slot + 1) * size);
}

/** Memory that the outputs of one batch take. */
export function taughtBytes({ groups }: CachePlan, batch: number): number {
  return 4 * batch * groups.reduce((sum, { outputs }) => sum + outputs.reduce((values, { shape }) => values + shape.reduce((product, side) => product * side, 1), 0), 0);
}
