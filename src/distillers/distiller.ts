/**
 * What every method is: taps, adapters, loss, pictures, in this order in every file of this folder.
 * A method is made once a run; its loss is called inside the captured step, so it obeys the rules of capture
 * (no values read, static shapes, everything that varies comes in as an input).
 */
import type * as tf from '@tensorflow/tfjs';
import { type Assignment, type Detector, type DetectorOutputs, type DetectorTraits, type ForwardMode } from '../detectors/detector.ts';
import { type GroundTruth } from '../engine/boxes.ts';
import { type DistillError } from '../errors.ts';
import { type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { type Parameters } from '../engine/parameters.ts';
import { type Random } from '../engine/random.ts';
import { type MethodCard } from '../experiment/methods/card.ts';

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
  /** Steps of the whole run: what decays count. Left out where `step` is. */
  readonly steps?: number;
  /** Draws of this step alone, the same after a resume. Left out (pictures, tests): a method that draws seeds its own. */
  readonly random?: Random;
}

/** Measured once on training images before the run; methods with `scale: normalized` divide by it. */
export interface TeacherStatistics {
  /** Standard deviation of the teacher's features, by level. */
  readonly featureDeviation: readonly number[];
}

/** The networks themselves, for methods that send features through a head or images through a network once more. */
export interface TrainedNetworks {
  readonly student: Pick<Detector, 'forward' | 'head' | 'loss' | 'targets'>;
  /** Frozen. Left out for methods without a teacher. */
  readonly teacher?: Pick<Detector, 'forward' | 'head' | 'loss' | 'targets'>;
}

export interface DistillerContext {
  readonly teacher: DetectorTraits;
  readonly student: DetectorTraits;
  /** Network input [height, width]. */
  readonly inputSize: readonly [number, number];
  readonly batch: number;
  readonly random: Random;
  readonly statistics: TeacherStatistics;
  /** Left out only where tests feed tensors to methods that need none. */
  readonly networks?: TrainedNetworks;
  /** Contents of the files that methods ask for (`Method.files`), by path as written. */
  readonly files?: ReadonlyMap<string, ReadonlyMap<string, HostTensor>>;
}

/** A weight file that a method's options name. */
export interface MethodFile {
  /** Its key among the method's options. */
  readonly option: string;
  /** As written. */
  readonly path: string;
}

/** What else a loss may read in the step. */
export interface StepTensors {
  /** The batch, [N, H, W, 3], normalised. */
  readonly images: tf.Tensor4D;
  /** Inputs of the student's own detection loss. */
  readonly targets: Readonly<Record<string, tf.Tensor>>;
  readonly mode: ForwardMode;
}

/** What was fed to a step, by name without the method's prefix. */
export type Inputs = Readonly<Record<string, tf.Tensor>>;

/** Who a picture shows; `shared` is neither (a mask from ground truth, a product). */
export type PictureRole = 'teacher' | 'student' | 'difference' | 'shared';

export interface Picture {
  /** Key into the method's `pictures` table, e.g. `spatialAttention`. */
  readonly kind: string;
  readonly role: PictureRole;
  /** `P3`, …; `all` for a picture of no level of its own (matrices, boxes). */
  readonly level: string;
  /** Shape by the kind's form. */
  readonly values: tf.Tensor;
}

export type PictureForm = 'map' | 'bars' | 'matrix' | 'boxes';

export interface PictureKind {
  readonly title: string;
  /** What it means, in words, shown under the mask. */
  readonly caption: string;
  /**
   * `map`: over the image, [N, H, W]. `bars`: one value a channel, [N, C]. `matrix`: beside the image, [N, rows, columns].
   * `boxes`: over the image, [N, R, 5] with corners in input pixels and a value; rows without area are not shown.
   */
  readonly form: PictureForm;
  /** Its picture of role `difference` is student − teacher and has its zero in the middle of the colour scale. */
  readonly signed?: boolean;
}

export interface Distiller {
  readonly id: string;
  /** Adapters; thrown away after training. */
  readonly parameters: Parameters;
  /**
   * For methods whose inputs depend on predictions (non-maximum suppression, assignment by a mixture): what the host wants to see.
   * Runs before the step on the same batch, with both networks as the step will see them; nothing of it has a gradient.
   */
  readonly observe?: {
    /** Made from ground truth, fed to `run`. */
    inputs?(batch: BatchTruth): HostTensors;
    run(teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs, step: StepTensors): Record<string, tf.Tensor>;
  };
  /** For methods that change what the student learns from: takes the place of the annotations or of the student's assignment. */
  supervise?(batch: BatchTruth, observed: HostTensors): { readonly truth?: readonly GroundTruth[]; readonly assignments?: readonly Assignment[] };
  /** True where the method's loss takes the place of the student's detection loss. */
  readonly replacesDetection?: boolean;
  /** Made on the host, fed to `loss` and `pictures` under the same names. Fixed shapes. @param observed empty without `observe` */
  inputs(batch: BatchTruth, observed: HostTensors): HostTensors;
  /**
   * Weighted parts by name; their sum is what the method adds to the total. No gradient may reach the teacher's outputs.
   * @param teacher the student's own outputs for a method without a teacher
   */
  loss(teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs, step: StepTensors): Record<string, tf.Scalar>;
  /** Factors for gradients of weights by the start of their names (a backbone that waits for its head), from `inputs`. 0: the weight stays as it is, without decay and momentum too. */
  gradientScales?(inputs: Inputs): readonly { readonly prefix: string; readonly factor: tf.Scalar }[];
  pictures(teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs, step: StepTensors): Picture[];
}

/** A row of the table of methods: the card that everyone may read, and what needs tensors. */
export interface Method<Options> extends MethodCard {
  readonly pictures: Readonly<Record<string, PictureKind>>;
  /** Weight files that the options name; read before `create`, relative to the experiment's folder. */
  files?(options: Options): readonly MethodFile[];
  /** Why this pair cannot be served; empty when it can. Asked before any work starts. @param teacher the student's traits for a method without a teacher */
  problems(teacher: DetectorTraits, student: DetectorTraits, options: Options): readonly DistillError[];
  create(options: Options, context: DistillerContext): Distiller;
}
