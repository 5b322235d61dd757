/** What a data set is to the rest, whatever its format on disk. */
import { type Box, type GroundTruth } from '../engine/boxes.ts';
import { type StoreState } from '../teacherCache/store.ts';

export type Split = 'train' | 'val';

export interface AnnotatedObject {
  /** Pixels of the original image. */
  readonly box: Box;
  /** Index into the data set's classes. */
  readonly label: number;
  /** COCO `area` of the annotation (mask area where known), else the box's: decides small/medium/large. */
  readonly area: number;
  readonly crowd: boolean;
  readonly difficult: boolean;
}

/** Where an image's pixels come from, as plain data: what the loader's thread is told. */
export type ImageSource = FileSource | SceneSource;

export interface FileSource {
  readonly kind: 'file';
  /** Absolute. */
  readonly path: string;
  /** Whether the boxes' frame is the image turned upright by its EXIF orientation, where sizes leave it open. */
  readonly upright: boolean;
}

export interface SceneSource {
  readonly kind: 'scene';
  readonly scene: SceneSpec;
}

/** All that a drawn scene depends on, besides its index. */
export interface SceneSpec {
  readonly seed: number;
  readonly split: Split;
  /** [height, width]. */
  readonly size: readonly [number, number];
  readonly classes: readonly string[];
}

export interface AnnotatedImage {
  /** Position in the data set; also the seed of its own random numbers. */
  readonly index: number;
  /** Stable name for people: file name or `scene 12`. */
  readonly id: string;
  /** Original size in pixels; known before decoding. */
  readonly width: number;
  readonly height: number;
  readonly objects: readonly AnnotatedObject[];
  /** Left out for images that exist in memory only; such a data set is prepared on the calling thread. */
  readonly source?: ImageSource | undefined;
  /** Pixels, RGB interleaved, of the original size. Throws DistillError DL3xx when the file cannot be read. */
  pixels(): Promise<RawImage>;
}

export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** RGB, 8 bits, interleaved. */
  readonly data: Uint8Array;
}

export interface DataSet {
  readonly classes: readonly string[];
  readonly images: readonly AnnotatedImage[];
  /** Things worth a line in the log: "2 boxes without area dropped", … */
  readonly notes: readonly string[];
}

/** One image made ready for the network. */
export interface Example {
  readonly image: AnnotatedImage;
  /** [H, W, 3] values after normalisation, at the network's input size (padded right and below). */
  readonly pixels: Float32Array;
  readonly truth: GroundTruth;
  /** Unpadded [height, width] within the input. */
  readonly contentSize: readonly [number, number];
  /** Input pixels per original pixel, [x, y], to bring detections back (no augmentation geometry: only for evaluation examples). */
  readonly scale: readonly [number, number];
}

export interface Batch {
  readonly examples: readonly Example[];
  /** [N, H, W, 3]. */
  readonly images: Float32Array;
  /** Where outputs of teachers are kept. */
  readonly taught?: TaughtBatch | undefined;
}

/** What the cache has of the teachers' outputs for a batch. */
export interface TaughtBatch {
  /** Names of the images by their pixels. */
  readonly images: readonly string[];
  /** In the order of the plan's groups. Values are of the whole batch, [N, …] by output; those of an image that was not found mean nothing. */
  readonly groups: readonly { readonly found: readonly boolean[]; readonly values: readonly Float32Array<ArrayBuffer>[] }[];
  /** Of the cache, when the batch was made. */
  readonly state: StoreState;
}
