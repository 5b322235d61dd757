/** What the training thread and the loader's thread say to each other: plain data only. */
import { DistillError, type ErrorDetails } from '../errors.ts';
import { type BatchPlan, type PreparedBatch } from './batches.ts';
import { fileImage } from './images.ts';
import { type AnnotatedImage, type AnnotatedObject, type ImageSource, type TaughtBatch } from './sample.ts';
import { sceneImage } from './scenes.ts';
import { type Keepsake } from './taught.ts';

export interface LoaderSetup {
  readonly images: readonly ImageRecord[];
  readonly plan: BatchPlan;
  /** First step to make. */
  readonly from: number;
  /** How many batches may wait to be taken. */
  readonly ahead: number;
}

/** An image as data. Scenes are placed again from their seed. */
export interface ImageRecord {
  readonly index: number;
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly AnnotatedObject[];
  readonly source: ImageSource;
}

/** `more`: one batch was taken. */
export type ToLoader = 'more' | 'stop' | { readonly keep: Keepsake };

/** `settled`: the last message of a thread that was told to stop. */
export type FromLoader = { readonly batch: PreparedBatch } | { readonly error: ErrorRecord } | { readonly settled: TaughtBatch['state'] | undefined };

export interface ErrorRecord {
  readonly code: string | undefined;
  readonly message: string;
  readonly details: Omit<ErrorDetails, 'cause'>;
}

/** Undefined if the image exists in memory only. */
export function toRecord(image: AnnotatedImage): ImageRecord | undefined {
  const { index, id, width, height, source } = image;
  if (source === undefined) return undefined;
  return { index, id, width, height, source, objects: source.kind === 'scene' ? [] : image.objects };
}

export function fromRecord({ index, id, width, height, objects, source }: ImageRecord): AnnotatedImage {
  if (source.kind === 'scene') return sceneImage(source.scene, index);
  return fileImage({ index, id, size: { width, height }, objects, source });
}

export function toErrorRecord(error: unknown): ErrorRecord {
  if (!(error instanceof DistillError)) return { code: undefined, message: error instanceof Error ? error.message : String(error), details: {} };
  const { cause, ...details } = error.details;
  return { code: error.code, message: error.message, details: cause === undefined || details.got !== undefined ? details : { ...details, got: cause instanceof Error ? cause.message : typeof cause } };
}

export function fromErrorRecord({ code, message, details }: ErrorRecord): Error {
  return isCode(code) ? new DistillError(code, message, details) : new Error(message);
}

function isCode(code: string | undefined): code is `DL${number}` {
  return code !== undefined && /^DL\d{3}$/.test(code);
}
