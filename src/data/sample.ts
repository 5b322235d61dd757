/** What a data set is to the rest, whatever its format on disk. */
import { type Box, type GroundTruth } from '../engine/boxes.ts';

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

export interface AnnotatedImage {
  /** Position in the data set; also the seed of its own random numbers. */
  readonly index: number;
  /** Stable name for people: file name or `scene 12`. */
  readonly id: string;
  /** Original size in pixels; known before decoding. */
  readonly width: number;
  readonly height: number;
  readonly objects: readonly AnnotatedObject[];
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
}
