/**
 * What every detector is to the rest: a network with named weights, its targets, its loss, its detections.
 * Feature maps and predictions are NHWC; levels go from the finest to the coarsest.
 */
import type * as tf from '@tensorflow/tfjs';
import { type Detection, type GroundTruth } from '../engine/boxes.ts';
import { type HostTensors } from '../engine/hostTensor.ts';
import { type Parameters } from '../engine/parameters.ts';

export interface Level {
  /** `P3`, `P4`, … */
  readonly name: string;
  /** Input pixels per cell. */
  readonly stride: number;
}

/** How a forward pass treats its norms: `updates` collects the new running statistics of batch norms in training. */
export interface ForwardMode {
  readonly training: boolean;
  readonly updates: (readonly [tf.Variable, tf.Tensor])[];
}

export function inference(): ForwardMode {
  return { training: false, updates: [] };
}

/** The tensors that distillers tap. All lists are by level. */
export interface DetectorOutputs {
  /** Backbone stages C2…C5, [N, H, W, C]. */
  readonly backbone: readonly tf.Tensor4D[];
  /** Output of each FPN level's last convolution, before any activation, [N, H, W, C]. */
  readonly features: readonly tf.Tensor4D[];
  /** Class logits before the sigmoid, [N, H, W, A·K], channel = anchor·K + class. */
  readonly logits: readonly tf.Tensor4D[];
  /** Box regression, [N, H, W, A·4], channel = anchor·4 + (dx, dy, dw, dh). */
  readonly regression: readonly tf.Tensor4D[];
}

/** What a distiller may ask of teacher and student before the run. */
export interface DetectorTraits {
  readonly detector: string;
  readonly backbone: string;
  readonly classes: readonly string[];
  readonly levels: readonly Level[];
  readonly featureChannels: number;
  readonly anchorsPerCell: number;
  /** Rows and columns of each level for an input [height, width]; left out: input / stride, rounded up. */
  grid?(size: readonly [number, number]): readonly (readonly [rows: number, columns: number])[];
  /** For methods that compare decoded boxes; left out where a detector does not code its boxes against anchors. */
  readonly boxCoding?: BoxCoding;
}

/** How `regression` becomes boxes: deltas of an anchor, times `deviations`, log sides held within `limits`. */
export interface BoxCoding {
  /** [A, 4] corners in input pixels, in the order of `Assignment`. @param size network input [height, width] */
  anchors(size: readonly [number, number]): Float32Array;
  readonly deviations: readonly [x: number, y: number, width: number, height: number];
  readonly limits: { readonly least: number; readonly most: number };
}

/**
 * Which object each candidate serves, an image: 0 background, −1 ignored, k ≥ 1 the k-th object.
 * Order of candidates: level, row, column, anchor.
 */
export type Assignment = Int32Array;

export interface Targets {
  /** Fed to `loss` as tensors of the same names; fixed shapes. */
  readonly tensors: HostTensors;
  /** By image. */
  readonly assignments: readonly Assignment[];
}

export interface Detector {
  readonly traits: DetectorTraits;
  readonly parameters: Parameters;
  forward(images: tf.Tensor4D, mode: ForwardMode): DetectorOutputs;
  /** From ground truth alone, on the host. @param size network input [height, width]. */
  targets(truth: readonly GroundTruth[], size: readonly [number, number]): Targets;
  /** Named scalars whose sum is the detection loss. */
  loss(outputs: DetectorOutputs, targets: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Scalar>;
  /** In-graph part of decoding: fixed-size candidates (top-k a level) for `detections`. */
  candidates(outputs: DetectorOutputs): Record<string, tf.Tensor>;
  /** Host part: threshold, decode, clip, class-wise NMS. @param contentSizes unpadded [height, width] of each image. */
  detections(candidates: HostTensors, contentSizes: readonly (readonly [number, number])[]): Detection[][];
}
