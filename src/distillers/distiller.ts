/**
 * What every method is: taps, adapters, loss, pictures, in this order in every file of this folder.
 * A method is made once a run; its loss is called inside the captured step, so it obeys the rules of capture
 * (no values read, static shapes, everything that varies comes in as an input).
 */
import type * as tf from '@tensorflow/tfjs';
import { type Assignment, type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { type GroundTruth } from '../engine/boxes.ts';
import { type DistillError } from '../errors.ts';
import { type HostTensors } from '../engine/hostTensor.ts';
import { type Parameters } from '../engine/parameters.ts';
import { type Random } from '../engine/random.ts';

/** What a batch's ground truth says, from which `inputs` makes masks and candidate lists on the host. */
export interface BatchTruth {
  readonly truth: readonly GroundTruth[];
  /** Network input [height, width]. */
  readonly inputSize: readonly [number, number];
  /** Unpadded [height, width] of each image in the network's input. */
  readonly contentSizes: readonly (readonly [number, number])[];
  /** The student's own label assignment, by image. */
  readonly assignments: readonly Assignment[];
  /** Optimizer steps done before this one: what warm-ups count. Left out (pictures, tests): all warm-ups are over. */
  readonly step?: number;
}

/** Measured once on training images before the run; methods with `scale: normalized` divide by it. */
export interface TeacherStatistics {
  /** Standard deviation of the teacher's features, by level. */
  readonly featureDeviation: readonly number[];
}

export interface DistillerContext {
  readonly teacher: DetectorTraits;
  readonly student: DetectorTraits;
  /** Network input [height, width]. */
  readonly inputSize: readonly [number, number];
  readonly batch: number;
  readonly random: Random;
  readonly statistics: TeacherStatistics;
}

/** Who a picture shows; `shared` is neither (a mask from ground truth, a product). */
export type PictureRole = 'teacher' | 'student' | 'difference' | 'shared';

export interface Picture {
  /** Key into the method's `pictures` table, e.g. `spatialAttention`. */
  readonly kind: string;
  readonly role: PictureRole;
  /** `P3`, … */
  readonly level: string;
  /** [N, H, W] for maps, [N, C] for bars. */
  readonly values: tf.Tensor;
}

export interface PictureKind {
  readonly title: string;
  /** What it means, in words, shown under the mask. */
  readonly caption: string;
  readonly form: 'map' | 'bars';
  /** Its picture of role `difference` is student − teacher and has its zero in the middle of the colour scale. */
  readonly signed?: boolean;
}

export interface Distiller {
  readonly id: string;
  /** Adapters; thrown away after training. */
  readonly parameters: Parameters;
  /** Made on the host from ground truth, fed to `loss` and `pictures` under the same names. Fixed shapes. */
  inputs(batch: BatchTruth): HostTensors;
  /** Weighted parts by name; their sum is what the method adds to the total. No gradient may reach the teacher's outputs. */
  loss(teacher: DetectorOutputs, student: DetectorOutputs, inputs: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Scalar>;
  pictures(teacher: DetectorOutputs, student: DetectorOutputs, inputs: Readonly<Record<string, tf.Tensor>>): Picture[];
}

/** A row of the table of methods. */
export interface Method<Options> {
  /** The word after `method:` in the experiment file. */
  readonly id: string;
  readonly title: string;
  readonly paper: string;
  readonly venue: string;
  readonly family: 'feature' | 'attention' | 'instance' | 'relation' | 'logit' | 'localisation' | 'assignment' | 'self';
  readonly pictures: Readonly<Record<string, PictureKind>>;
  /** Why this pair cannot be served; empty when it can. Asked before any work starts. */
  problems(teacher: DetectorTraits, student: DetectorTraits, options: Options): readonly DistillError[];
  create(options: Options, context: DistillerContext): Distiller;
}
