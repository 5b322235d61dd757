/**
 * HEAD: HEtero-Assists Distillation for Heterogeneous Object Detectors (Wang et al., ECCV 2022), in its teacher-free form. A box head of
 * the two-stage kind, the assistant, is attached to a dense student, trained with it and thrown away; the student's class tower learns
 * what the assistant makes of the same regions. Letters as in `docs/methods/head.md`: h the assistant's features, f the tower's.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { linear, type RowLayer } from '../engine/layers/linear.ts';
import { detached } from '../engine/ops/gradient.ts';
import { pooledRegions, scaleLevel } from '../engine/ops/roiAlign.ts';
import { meanSquare } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { headCard } from '../experiment/methods/head.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { boxHeadLosses, boxOutputs, hasTowers, regionLayers, towerRows, type BoxOutputs, type RegionFeatures } from './shared/boxHead.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { fed, mapLevels } from './shared/maps.ts';
import { warmupFactor } from './shared/pace.ts';
import { collect, sharing } from './shared/pairing.ts';
import { proposalCandidates } from './shared/proposals.ts';
import { sampleRegionInputs, type Region } from './shared/regionSamples.ts';

export type HeadConfig = Extract<MethodConfig, { method: 'head' }>;

// Taps: the pyramid's four finest levels at sampled regions; the class tower's last block at the cells that these came from.

/** Levels that a box head is fed from. */
const POOLED = 4;

function towerWidth({ towers }: DetectorTraits): number {
  return towers?.channels ?? 1;
}

// Adapters: the assistant, and a linear map of the tower's features.

interface Adapters {
  readonly features: (regions: tf.Tensor4D) => RegionFeatures;
  readonly outputs: BoxOutputs;
  readonly cross: RowLayer;
}

function createAdapters(parameters: Parameters, { hidden, output }: HeadConfig, { student }: DistillerContext): Adapters {
  return {
    features: regionLayers(parameters, 'distill.head.assistant', output * output * student.featureChannels, hidden),
    outputs: boxOutputs(parameters, 'distill.head.assistant', hidden, student.classes.length),
    cross: linear(parameters, 'distill.head.cross', { in: towerWidth(student), out: hidden }),
  };
}

// Loss: the assistant's own losses + w(t) · mean over regions and channels of (A f − h)².

/**
 * Σ rows · mean over channels of (x − target)²; 0 where no row counts.
 * @param adapted x, [R, C] @param target [R, C], constant @param rows [R], 1 / n for rows that count
 */
export function imitateRows(adapted: tf.Tensor2D, target: tf.Tensor2D, rows: tf.Tensor1D): tf.Scalar {
  return tf.sum(tf.mul(meanSquare(tf.sub(adapted, detached(() => tf.clone(target)))), rows));
}

/** Between heads of one kind: both layers of the assistant to a teacher's, over all regions. @param adapt of the assistant's side */
export function assistantLosses(assistant: RegionFeatures, teacher: RegionFeatures, adapt: { readonly first: RowLayer; readonly second: RowLayer }, rows: tf.Tensor1D): { readonly first: tf.Scalar; readonly second: tf.Scalar } {
  return {
    first: imitateRows(adapt.first(assistant.first) as tf.Tensor2D, teacher.first, rows),
    second: imitateRows(adapt.second(assistant.second) as tf.Tensor2D, teacher.second, rows),
  };
}

/** Between kinds of heads: the dense tower's features at the regions' cells to the second layer, over regions with a cell. */
export function crossLoss(tower: tf.Tensor2D, features: RegionFeatures, cross: RowLayer, kept: tf.Tensor1D): tf.Scalar {
  return imitateRows(cross(tower) as tf.Tensor2D, features.second, kept);
}

function losses(student: DetectorOutputs, adapters: Adapters, config: HeadConfig, classes: number, inputs: Inputs): Record<string, tf.Scalar> {
  const features = adapters.features(pooledRegions('rois', student.features.slice(0, POOLED), inputs));
  const own = boxHeadLosses(adapters.outputs.classes(features.second) as tf.Tensor2D, adapters.outputs.deltas(features.second) as tf.Tensor2D, classes, 'l1', inputs);
  const cross = crossLoss(towerRows(student.towers.classification, inputs), features, adapters.cross, fed(inputs, 'kept') as tf.Tensor1D);
  return {
    classes: tf.mul(own.classes, config.assistant),
    boxes: tf.mul(own.boxes, config.assistant),
    cross: tf.mul(cross, tf.mul(fed(inputs, 'warmup'), config.weight)),
  };
}

// Pictures: how far the tower is from the assistant at each region, and which cells were taught.

function pictures(student: DetectorOutputs, adapters: Adapters, { student: traits, inputSize }: DistillerContext, inputs: Inputs): Picture[] {
  const { second } = adapters.features(pooledRegions('rois', student.features.slice(0, POOLED), inputs));
  const apart = meanSquare(tf.sub(adapters.cross(towerRows(student.towers.classification, inputs)), second));
  const boxes = fed(inputs, 'boxes');
  const [batch = 1, regions = 1] = boxes.shape;
  const kept = tf.cast(tf.greater(tf.reshape(fed(inputs, 'kept'), [batch, regions, 1]), 0), 'float32');
  return [
    { kind: 'regions', role: 'student', level: 'all', values: tf.mul(tf.concat([boxes, tf.reshape(apart, [batch, regions, 1])], 2), kept) },
    ...mapLevels(traits, inputSize).map(({ name, rows, columns }): Picture => ({ kind: 'cells', role: 'student', level: name, values: tf.reshape(fed(inputs, `counts.${name}`), [batch, rows, columns]) })),
  ];
}

function create(config: HeadConfig, context: DistillerContext): Distiller {
  const { student: traits, inputSize } = context;
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, config, context);
  const levelOf = scaleLevel(config.finestScale);
  const layout = {
    ...config, traits, pooled: Math.min(POOLED, traits.levels.length), withTruth: true,
    levelOf: ({ box }: Region, _: number | undefined, levels: number) => levelOf(box, levels),
  };
  return {
    id: 'head',
    parameters,
    observe: { run: (_, student) => proposalCandidates(student, traits, inputSize, config.candidates) },
    inputs: (batch, observed) => ({ ...sampleRegionInputs(batch, observed, layout), warmup: warmupFactor(batch, config.warmup) }),
    loss: (_, student, inputs) => losses(student, adapters, config, traits.classes.length, inputs),
    pictures: (_, student, inputs) => pictures(student, adapters, context, inputs),
  };
}

export const head: Method<HeadConfig> = {
  ...headCard,
  pictures: {
    regions: { title: 'Regions', form: 'boxes', caption: 'Boxes of the student that the assistant looked at, and how far the class tower still is from what the assistant made of them.' },
    cells: { title: 'Taught cells', form: 'map', caption: 'Cells of the class tower that learnt from the assistant, by the number of regions that came from them.' },
  },
  problems: (teacher, student) => collect(teacher, student, [...sharing(headCard), hasTowers]),
  create,
};
