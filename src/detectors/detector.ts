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

/** A tower of convolutions, by level and by block: what each block puts out after its norm, before its activation, [N, H, W, C]. */
export type TowerMaps = readonly (readonly tf.Tensor4D[])[];

/** What a head makes of a pyramid. All lists are by level. */
export interface HeadOutputs {
  /** Class logits before the sigmoid, [N, H, W, A·K], channel = anchor·K + class. */
  readonly logits: readonly tf.Tensor4D[];
  /** Box regression as the losses read it, [N, H, W, A·D]; `DetectorTraits.boxCoding` says what the D numbers are. */
  readonly regression: readonly tf.Tensor4D[];
  /** Logits of the centerness branch, [N, H, W, A]; left out where the detector has none. */
  readonly centerness?: readonly tf.Tensor4D[];
  /** The two towers; with no convolutions in them both are empty lists for each level. */
  readonly towers: { readonly classification: TowerMaps; readonly regression: TowerMaps };
}

/** The tensors that distillers tap. All lists are by level. */
export interface DetectorOutputs extends HeadOutputs {
  /** Backbone stages C2…C5, [N, H, W, C]. */
  readonly backbone: readonly tf.Tensor4D[];
  /** Output of each FPN level's last convolution, before any activation, [N, H, W, C]. */
  readonly features: readonly tf.Tensor4D[];
}

/** A head by itself, for methods that send other features through it. Gradients pass through it to what it is given. */
export interface DetectorHead {
  /** Blocks of each tower. */
  readonly blocks: number;
  run(features: readonly tf.Tensor4D[]): HeadOutputs;
  /**
   * The layers after the first `block` blocks, for both towers.
   * @param held what goes into the activation of block `block` − 1, by level; the features themselves where `block` is 0
   */
  resume(block: number, held: { readonly classification: readonly tf.Tensor4D[]; readonly regression: readonly tf.Tensor4D[] }): HeadOutputs;
}

/** What a distiller may ask of teacher and student before the run. */
export interface DetectorTraits {
  readonly detector: string;
  readonly backbone: string;
  readonly classes: readonly string[];
  readonly levels: readonly Level[];
  readonly featureChannels: number;
  readonly anchorsPerCell: number;
  /** Width and number of blocks of the head's towers. */
  readonly towers?: { readonly channels: number; readonly blocks: number };
  /** Rows and columns of each level for an input [height, width]; left out: input / stride, rounded up. */
  grid?(size: readonly [number, number]): readonly (readonly [rows: number, columns: number])[];
  /** For methods that compare boxes. */
  readonly boxCoding?: BoxCoding;
}

interface Decoding {
  /**
   * Boxes of one level, in the graph and differentiable.
   * @param regression [N, H, W, A·D] @param size network input [height, width]
   * @returns corners in input pixels, not clipped, [N, H·W·A, 4]
   */
  decode(regression: tf.Tensor4D, level: number, size: readonly [number, number]): tf.Tensor3D;
}

/** Deltas of an anchor (D = 4), times `deviations`, log sides held within `limits`. */
export interface DeltaCoding extends Decoding {
  readonly form: 'deltas';
  /** [A, 4] corners in input pixels, in the order of `Assignment`. @param size network input [height, width] */
  readonly anchors: (size: readonly [number, number]) => Float32Array;
  readonly deviations: readonly [x: number, y: number, width: number, height: number];
  readonly limits: { readonly least: number; readonly most: number };
}

/** Distances from a point to the four sides: left, top, right, bottom (D = 4). */
export interface DistanceCoding extends Decoding {
  readonly form: 'distances';
  /** [P, 2] x, y in input pixels, in the order of `Assignment`. */
  readonly points: (size: readonly [number, number]) => Float32Array;
}

/** Each distance as logits over `bins` whole strides 0 … bins − 1 (D = 4·bins, side-major); the distance is their mean. */
export interface DistributionCoding extends Decoding {
  readonly form: 'distribution';
  readonly bins: number;
  /** [A, 4] corners of the square anchors that assign, in the order of `Assignment`; their centres are the points. */
  readonly anchors: (size: readonly [number, number]) => Float32Array;
}

/** How `regression` becomes boxes. */
export type BoxCoding = DeltaCoding | DistanceCoding | DistributionCoding;

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
  readonly head: DetectorHead;
  /**
   * On the host, from ground truth alone.
   * @param size network input [height, width] @param assignments takes the place of the detector's own
   */
  targets(truth: readonly GroundTruth[], size: readonly [number, number], assignments?: readonly Assignment[]): Targets;
  /** Named scalars whose sum is the detection loss. */
  loss(outputs: HeadOutputs, targets: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Scalar>;
  /** In-graph part of decoding: fixed-size candidates (top-k a level) for `detections`. */
  candidates(outputs: DetectorOutputs): Record<string, tf.Tensor>;
  /** Host part: threshold, decode, clip, class-wise NMS. @param contentSizes unpadded [height, width] of each image. */
  detections(candidates: HostTensors, contentSizes: readonly (readonly [number, number])[]): Detection[][];
}
