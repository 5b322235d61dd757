/**
 * Batches for training, ready before they are asked for. A step is one blocking native call, so they are made on a thread of their
 * own where its bundle lies beside the running one; elsewhere (running from sources) on the calling thread, with the same values.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DistillError } from '../errors.ts';
import { type DataConfig } from '../experiment/schema.ts';
import { type CachePlan } from '../teacherCache/plan.ts';
import { BatchMaker, type BatchPlan, type PreparedBatch } from './batches.ts';
import { DEFAULT_CACHE_BYTES } from './imageCache.ts';
import { fromErrorRecord, toRecord, type FromLoader, type ImageRecord, type LoaderSetup, type ToLoader } from './loaderProtocol.ts';
import { type Batch, type DataSet, type TaughtBatch } from './sample.ts';
import { taughtBytes, type Keepsake } from './taught.ts';

export interface BatchLoaderOptions {
  readonly dataSet: DataSet;
  readonly config: DataConfig;
  /** Images a batch. */
  readonly batch: number;
  readonly seed: number;
  /** First step, from 0: a resumed run gives the number of steps done. */
  readonly from?: number | undefined;
  /** Memory for resized images. */
  readonly cacheBytes?: number | undefined;
  /** Outputs of teachers to look for with each batch. */
  readonly taught?: CachePlan | undefined;
  /** The thread's bundle; `false` prepares on the calling thread. Default: `loader.js` beside the running bundle, if it is there. */
  readonly worker?: string | false | undefined;
}

/** Where prepared batches come from. */
interface Maker {
  next(): Promise<PreparedBatch>;
  keep(keepsake: Keepsake): void;
  dispose(): Promise<TaughtBatch['state'] | undefined>;
}

/** Batches in waiting may take this much memory together. */
const AHEAD_BYTES = 256 * 1024 * 1024;

export class BatchLoader {
  /** Where batches are made. */
  readonly mode: 'worker' | 'inline';
  private readonly dataSet: DataSet;
  private readonly size: number;
  private readonly maker: Maker;

  constructor({ dataSet, config, batch, seed, from = 0, cacheBytes = DEFAULT_CACHE_BYTES, taught, worker = defaultWorker() }: BatchLoaderOptions) {
    this.dataSet = dataSet;
    this.size = config.size[0] * config.size[1] * 3;
    const { size, resize, normalize, augment } = config;
    const plan: BatchPlan = { config: { size, resize, normalize, augment }, batch, seed, cacheBytes, taught };
    const ahead = Math.max(2, Math.min(8, Math.floor(AHEAD_BYTES / (batch * this.size * 4 + (taught === undefined ? 0 : taughtBytes(taught, batch))))));
    const records = worker === false ? undefined : allRecords(dataSet);
    this.mode = worker === false || records === undefined ? 'inline' : 'worker';
    this.maker = worker === false || records === undefined
      ? new InlineMaker(new BatchMaker(dataSet.images, plan), from)
      : new WorkerMaker(worker, { images: records, plan, from, ahead });
  }

  /** The next step's batch. @throws DistillError DL308 … DL310 for an image, DL312 if the thread dies */
  async next(): Promise<Batch> {
    const { images, examples, taught } = await this.maker.next();
    return {
      images, taught,
      examples: examples.map(({ position, truth, contentSize, scale }, slot) => {
        const image = this.dataSet.images[position];
        if (image === undefined) throw new RangeError(`no image at ${position}`);
        return { image, truth, contentSize, scale, pixels: images.subarray(slot * this.size, (slot + 1) * this.size) };
      }),
    };
  }

  /** Puts by what a teacher made of an image; returns at once. The bytes are given away. */
  keep(keepsake: Keepsake): void {
    this.maker.keep(keepsake);
  }

  /** Ends the thread; calls of `next` that still wait are rejected. What was put by is on disk then. @returns how the cache was left */
  dispose(): Promise<TaughtBatch['state'] | undefined> {
    return this.maker.dispose();
  }
}

function defaultWorker(): string | false {
  const inBundle = typeof __dirname === 'string';
  const beside = join(inBundle ? __dirname : dirname(process.argv[1] ?? ''), 'loader.js');
  return existsSync(beside) && beside;
}

function allRecords(dataSet: DataSet): ImageRecord[] | undefined {
  const records = dataSet.images.map(toRecord).filter((record) => record !== undefined);
  return records.length === dataSet.images.length ? records : undefined;
}

function disposed(): Error {
  return new Error('the loader of batches was disposed of');
}

/** Keeps one batch in the making while another is in use; sharp decodes on threads of its own. */
class InlineMaker implements Maker {
  private readonly maker: BatchMaker;
  private step: number;
  private coming: Promise<PreparedBatch> | undefined;
  private done = false;

  constructor(maker: BatchMaker, from: number) {
    this.maker = maker;
    this.step = from;
  }

  next(): Promise<PreparedBatch> {
    if (this.done) return Promise.reject(disposed());
    const current = this.coming ?? this.start();
    this.coming = this.start();
    return current;
  }

  keep(keepsake: Keepsake): void {
    this.maker.keep(keepsake);
  }

  async dispose(): Promise<TaughtBatch['state'] | undefined> {
    this.done = true;
    await this.coming?.catch(() => undefined);
    return this.maker.settled();
  }

  private start(): Promise<PreparedBatch> {
    const batch = this.maker.make(this.step);
    this.step += 1;
    // An error is the business of the `next` that returns this batch; until then it must not count as unhandled.
    batch.catch(() => undefined);
    return batch;
  }
}

interface Waiting {
  readonly resolve: (batch: PreparedBatch) => void;
  readonly reject: (error: Error) => void;
}

class WorkerMaker implements Maker {
  private readonly worker: Worker;
  private readonly ready: PreparedBatch[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly exited: Promise<void>;
  private failure: Error | undefined;
  private stopped = false;
  private settled: TaughtBatch['state'] | undefined;

  constructor(file: string, setup: LoaderSetup) {
    this.worker = new Worker(file, { workerData: setup, execArgv: [], name: 'batches' });
    // Only a waiting `next` keeps the process alive.
    this.worker.unref();
    this.worker.on('message', (message: FromLoader) => {
      if ('batch' in message) this.take(message.batch);
      else if ('settled' in message) this.settled = message.settled;
      else this.fail(fromErrorRecord(message.error));
    });
    this.worker.on('error', (cause) => {
      this.fail(died(cause));
    });
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', () => {
        this.fail(died(undefined));
        resolve();
      });
    });
  }

  next(): Promise<PreparedBatch> {
    const batch = this.ready.shift();
    if (batch !== undefined) {
      this.ask('more');
      return Promise.resolve(batch);
    }
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.worker.ref();
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  keep(keepsake: Keepsake): void {
    this.ask({ keep: keepsake }, [keepsake.bytes.buffer]);
  }

  async dispose(): Promise<TaughtBatch['state'] | undefined> {
    this.stopped = true;
    this.fail(disposed());
    this.ready.length = 0;
    this.worker.ref();
    this.ask('stop');
    const late = setTimeout(() => void this.worker.terminate(), 5000);
    await this.exited;
    clearTimeout(late);
    return this.settled;
  }

  private take(batch: PreparedBatch): void {
    // One that was under way when the loader was disposed of.
    if (this.stopped) return;
    const first = this.waiting.shift();
    if (first === undefined) {
      this.ready.push(batch);
      return;
    }
    this.ask('more');
    this.rest();
    first.resolve(batch);
  }

  /** The first reason stays. */
  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
    this.rest();
  }

  private rest(): void {
    if (this.waiting.length === 0) this.worker.unref();
  }

  private ask(message: ToLoader, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }
}

function died(cause: unknown): DistillError {
  return new DistillError('DL312', 'the thread that loads images ended unexpectedly', {
    got: cause instanceof Error ? cause.message : 'an exit without a reason',
    advice: 'resume the run; if it happens again there may be too little memory: use smaller images or batches',
    cause,
  });
}
