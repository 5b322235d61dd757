/** What a run keeps of its teachers and looks for, as plain data: the thread that makes batches is told. */
import { type Precision } from './entry.ts';

export interface CachePlan {
  /** Absolute. */
  readonly folder: string;
  /** Of all that lies in the folder, in bytes. */
  readonly limit: number;
  readonly precision: Precision;
  readonly groups: readonly CacheGroup[];
}

/** Tensors of one teacher that are kept in one entry. */
export interface CacheGroup {
  /** Place among the teachers of the step. */
  readonly teacher: number;
  /** Folder of its entries, below that of the cache. */
  readonly folder: string;
  readonly outputs: readonly CachedOutput[];
}

export interface CachedOutput {
  readonly name: string;
  /** Of one image, without the batch. */
  readonly shape: readonly number[];
}
