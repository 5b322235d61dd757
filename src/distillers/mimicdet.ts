/**
 * MimicDet: Bridging the Gap Between One-Stage and Two-Stage Object Detection (Lu et al., ECCV 2020): its imitation term, with a
 * two-stage head attached to a dense student while it trains. Letters as in `docs/methods/mimicdet.md`: T features of the attached
 * head, S those of the student's towers. No official code exists; what the paper's own network has besides is not built.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { linear, type RowLayer } from '../engine/layers/linear.ts';
import { detached } from '../engine/ops/gradient.ts';
import { pooledRegions } from '../engine/ops/roiAlign.ts';
import { unitRows } from '../engine/ops/unitRows.ts';
import { Parameters } from '../engine/parameters.ts';
import { mimicdetCard } from '../experiment/methods/mimicdet.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { boxHeadLosses, boxOutputs, hasTowers, regionLayers, towerRows, type BoxOutputs, type RegionFeatures } from './shared/boxHead.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { fed } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';
import { proposalCandidates } from './shared/proposals.ts';
import { sampleRegionInputs, type Region } from './shared/regionSamples.ts';

export type MimicdetConfig = Extract<MethodConfig, { method: 'mimicdet' }>;

// Taps: the pyramid at sampled regions, and the last block of both towers at the cells that these came from.

/** The level that a region is pooled from. @param level its anchor's @param levels that are pooled from */
export function pooledLevel(level: number, levels: number, staggered: boolean): number {
  return Math.min(Math.max(staggered ? level - 1 : level, 0), levels - 1);
}

// Adapters: the attached head, a branch for classes and one for boxes, and a linear map of either tower.

interface Branch {
  readonly features: (regions: tf.Tensor4D) => RegionFeatures;
  readonly adapt: RowLayer;
}

interface Adapters {
  readonly classification: Branch;
  readonly regression: Branch;
  readonly outputs: BoxOutputs;
}

function createAdapters(parameters: Parameters, { hidden, output }: MimicdetConfig, { student }: DistillerContext): Adapters {
  const branch = (name: string): Branch => ({
    features: regionLayers(parameters, `distill.mimicdet.${name}`, output * output * student.featureChannels, hidden),
    adapt: linear(parameters, `distill.mimicdet.${name}.adapt`, { in: student.towers?.channels ?? 1, out: hidden }),
  });
  return { classification: branch('classification'), regression: branch('regression'), outputs: boxOutputs(parameters, 'distill.mimicdet', hidden, student.classes.length) };
}

// Loss: the attached head's own losses + mean over regions of 1 − cos of classes + mean over positives of 1 − cos of boxes.

/** Cosine of each row of S and T, [R]; 0 where either is 0. */
export function cosines(student: tf.Tensor2D, attached: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.mul(unitRows(student), unitRows(attached)), 1);
}

/** Σ rows · (1 − cos). @param rows [R], 1 / n for rows that count */
export function imitationLoss(student: tf.Tensor2D, attached: tf.Tensor2D, rows: tf.Tensor1D): tf.Scalar {
  return tf.sum(tf.mul(tf.sub(1, cosines(student, attached)), rows));
}

interface Pair {
  readonly student: tf.Tensor2D;
  readonly attached: tf.Tensor2D;
}

function pairs(student: DetectorOutputs, adapters: Adapters, pooled: number, inputs: Inputs): { readonly classification: Pair; readonly regression: Pair } {
  const regions = pooledRegions('rois', student.features.slice(0, pooled), inputs);
  const pair = (branch: 'classification' | 'regression'): Pair => ({
    student: adapters[branch].adapt(towerRows(student.towers[branch], inputs)) as tf.Tensor2D, attached: adapters[branch].features(regions).second,
  });
  return { classification: pair('classification'), regression: pair('regression') };
}

function losses(student: DetectorOutputs, adapters: Adapters, config: MimicdetConfig, { student: traits }: DistillerContext, pooled: number, inputs: Inputs): Record<string, tf.Scalar> {
  const { classification, regression } = pairs(student, adapters, pooled, inputs);
  const own = boxHeadLosses(
    adapters.outputs.classes(classification.attached) as tf.Tensor2D, adapters.outputs.deltas(regression.attached) as tf.Tensor2D, traits.classes.length, 'smoothL1', inputs,
  );
  const mimic = (pair: Pair, rows: string): tf.Scalar =>
    tf.mul(imitationLoss(pair.student, config.detach ? detached(() => tf.clone(pair.attached)) : pair.attached, fed(inputs, rows) as tf.Tensor1D), config.weight);
  return {
    classes: tf.mul(own.classes, config.head), boxes: tf.mul(own.boxes, config.head),
    mimicClasses: mimic(classification, 'kept'), mimicBoxes: mimic(regression, 'positives'),
  };
}

// Pictures: how alike both heads see each region, by branch.

function pictures(student: DetectorOutputs, adapters: Adapters, pooled: number, inputs: Inputs): Picture[] {
  const both = pairs(student, adapters, pooled, inputs);
  const boxes = fed(inputs, 'boxes');
  const [batch = 1, regions = 1] = boxes.shape;
  const picture = (kind: string, pair: Pair, rows: string): Picture => {
    const shown = tf.cast(tf.greater(tf.reshape(fed(inputs, rows), [batch, regions, 1]), 0), 'float32');
    return { kind, role: 'student', level: 'all', values: tf.mul(tf.concat([boxes, tf.reshape(cosines(pair.student, pair.attached), [batch, regions, 1])], 2), shown) };
  };
  return [picture('classSimilarity', both.classification, 'kept'), picture('boxSimilarity', both.regression, 'positives')];
}

function create(config: MimicdetConfig, context: DistillerContext): Distiller {
  const { student: traits, inputSize } = context;
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, config, context);
  const pooled = Math.max(1, traits.levels.length - (config.staggered ? 1 : 0));
  const layout = {
    ...config, traits, pooled, withTruth: false,
    levelOf: (_: Region, level: number | undefined, levels: number) => pooledLevel(level ?? 0, levels, config.staggered),
  };
  return {
    id: 'mimicdet',
    parameters,
    observe: { run: (_, student) => proposalCandidates(student, traits, inputSize, config.candidates) },
    inputs: (batch, observed) => sampleRegionInputs(batch, observed, layout),
    loss: (_, student, inputs) => losses(student, adapters, config, context, pooled, inputs),
    pictures: (_, student, inputs) => pictures(student, adapters, pooled, inputs),
  };
}

export const mimicdet: Method<MimicdetConfig> = {
  ...mimicdetCard,
  pictures: {
    classSimilarity: { title: 'Similarity of classes', form: 'boxes', caption: 'Boxes of the student that the attached head looked at, and how alike the class tower\'s and the head\'s features of them are: cosine, 1 where they point the same way.' },
    boxSimilarity: { title: 'Similarity of boxes', form: 'boxes', caption: 'The same for the box tower, at boxes with an object.' },
  },
  problems: (teacher, student) => collect(teacher, student, [...sharing(mimicdetCard), hasTowers]),
  create,
};
