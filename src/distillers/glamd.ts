/**
 * GLAMD: Global and Local Attention Mask Distillation for Object Detectors (Jang et al., ECCV 2022).
 * Letters as in `docs/methods/glamd.md`: S, T features, G and L masks of the whole map and of patches, M their mean.
 * No code was released and the paper was not read whole: forms and constants are a reading.
 */
import * as tf from '@tensorflow/tfjs';
import { type BoxCoding, type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { binaryCrossEntropy } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou } from '../engine/ops/iou.ts';
import { sumOfSquares } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { glamdCard } from '../experiment/methods/glamd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment } from './shared/align.ts';
import { codingOf } from './shared/assigned.ts';
import { attentionOf } from './shared/attention.ts';
import { type Distiller, type DistillerContext, type Method, type Picture } from './distiller.ts';
import { asPlaces, at, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';
import { patchCorners, patchGrid, patchMeans, patchSoftmax, spreadPatches, type PatchGrid } from './shared/patches.ts';

export type GlamdConfig = Extract<MethodConfig, { method: 'glamd' }>;

// Taps: features, class logits and decoded boxes of every level.

interface Tap {
  readonly grid: PatchGrid;
  /** φ(student) and the teacher's, out of reach of gradients, [N, H, W, C]. */
  readonly student: tf.Tensor4D;
  readonly teacher: tf.Tensor4D;
  /** [N, H·W, A·K]. */
  readonly logits: { readonly student: tf.Tensor3D; readonly teacher: tf.Tensor3D };
  /** [N, H·W, A, 4]. */
  readonly boxes: { readonly student: tf.Tensor4D; readonly teacher: tf.Tensor4D };
}

interface Side {
  readonly coding: BoxCoding;
  readonly anchors: number;
}

function sideOf(traits: DetectorTraits): Side {
  return { coding: codingOf(traits), anchors: traits.anchorsPerCell };
}

function tapLevel(teacher: DetectorOutputs, student: DetectorOutputs, index: number, grid: PatchGrid, adapter: Layer, { inputSize, ...traits }: DistillerContext): Tap {
  const boxes = ({ regression }: DetectorOutputs, { coding, anchors }: Side): tf.Tensor4D => {
    const map = at(regression, index);
    return tf.reshape(coding.decode(map, index, inputSize), [map.shape[0], grid.rows * grid.columns, anchors, 4]);
  };
  return {
    grid,
    student: adapter(at(student.features, index)),
    teacher: detached(() => tf.clone(at(teacher.features, index))),
    logits: { student: asPlaces(at(student.logits, index)), teacher: detached(() => asPlaces(at(teacher.logits, index))) },
    boxes: { student: boxes(student, sideOf(traits.student)), teacher: detached(() => boxes(teacher, sideOf(traits.teacher))) },
  };
}

// Adapters: φ, a 1×1 convolution of the student's features at every level, whatever the widths.

function createAdapter(parameters: Parameters, { name }: MapLevel, { teacher, student }: DistillerContext): Layer {
  return alignment(parameters, `distill.glamd.${name}.align`, student.featureChannels, teacher.featureChannels);
}

// Loss: α L_feature + β L_attention + γ (L_cls + L_loc), summed over levels.

interface SpatialMasks {
  /** G and L of both networks added: mean 2 over the map and over every patch, [N, H, W]. */
  readonly global: tf.Tensor3D;
  readonly local: tf.Tensor3D;
}

function spatialMasks({ student, teacher, grid }: Tap, temperature: number): SpatialMasks {
  const [batch, rows, columns] = student.shape;
  const masks = [student, teacher].map((x) => ({
    global: tf.reshape<tf.Rank.R3>(attentionOf(asPlaces(x), temperature).spatial, [batch, rows, columns]),
    local: patchSoftmax(tf.mul<tf.Tensor3D>(tf.mean(tf.abs(x), 3), 1 / temperature), grid),
  }));
  return { global: tf.addN(masks.map(({ global }) => global)), local: tf.addN(masks.map(({ local }) => local)) };
}

/** M_s: the mean of both, [N, H·W]. */
function spatialMask(tap: Tap, temperature: number): tf.Tensor2D {
  const { global, local } = spatialMasks(tap, temperature);
  return tf.reshape(tf.mul(tf.add(global, local), 0.5), [global.shape[0], global.size / global.shape[0]]);
}

/** M_c: the same of channels, one vector for the whole map and one for each patch, [N, H, W, C]. */
function channelMask({ student, teacher, grid }: Tap, temperature: number): tf.Tensor4D {
  return tf.addN([student, teacher].map((x) => {
    const [batch, , , channels] = x.shape;
    const global = tf.reshape(attentionOf(asPlaces(x), temperature).channel, [batch, 1, 1, channels]);
    const local = tf.mul<tf.Tensor4D>(tf.softmax(tf.mul(patchMeans(tf.abs(x), grid), 1 / temperature)), channels);
    return tf.mul<tf.Tensor4D>(tf.add(spreadPatches(local, grid), global), 0.5);
  }));
}

type Part = 'feature' | 'attention' | 'classification' | 'localisation';
const PARTS: readonly Part[] = ['feature', 'attention', 'classification', 'localisation'];

const ALPHA = { sum: 4e-5, cells: 2e-3 } as const;

function weightsOf({ weight, alpha, beta, gamma, reduction }: GlamdConfig): Record<Part, number> {
  return { feature: weight * (alpha ?? ALPHA[reduction]), attention: weight * beta, classification: weight * gamma, localisation: weight * gamma };
}

function levelLoss(tap: Tap, { temperature, reduction }: GlamdConfig): Record<Part, tf.Scalar> {
  const { student, teacher, logits, boxes, grid } = tap;
  const [batch, places, anchors] = boxes.student.shape;
  const difference = tf.sub<tf.Tensor4D>(student, teacher);
  const mask = detached(() => spatialMask(tap, temperature));
  // Σ M_s M_c d² = Σ (d √(M_s M_c))²
  const root = detached(() => tf.sqrt(tf.mul(channelMask(tap, temperature), tf.reshape(mask, [batch, grid.rows, grid.columns, 1]))));
  // Means are linear: those of the difference are the differences of means.
  const means = tf.addN([sumOfSquares(tf.mean(asPlaces(difference), 1)), sumOfSquares(patchMeans(difference, grid)), sumOfSquares(tf.mean(difference, 3))]);
  const entropy = tf.sum(binaryCrossEntropy(logits.student, detached(() => tf.sigmoid(logits.teacher))), 2);
  const apart = tf.sum(tf.sub(1, boxIou(boxes.student, boxes.teacher)), 2);
  const balanced = (perCell: tf.Tensor): tf.Scalar => tf.mul(tf.sum(tf.mul(mask, perCell)), 1 / (batch * places * anchors));
  return {
    feature: tf.mul(sumOfSquares(tf.mul(difference, root)), 1 / (batch * (reduction === 'cells' ? places : 1))),
    attention: tf.mul(means, 1 / batch),
    classification: balanced(entropy),
    localisation: balanced(apart),
  };
}

// Pictures: the mask, its global and its local half side by side, and the patches.

function levelPictures(tap: Tap, { name: level }: MapLevel, { temperature }: GlamdConfig, inputSize: readonly [number, number]): Picture[] {
  const { global, local } = spatialMasks(tap, temperature);
  const map = (kind: string, values: tf.Tensor3D): Picture => ({ kind, role: 'shared', level, values });
  return [map('mask', tf.mul(tf.add(global, local), 0.5)), map('globalMask', global), map('localMask', local), map('patches', patchBoxes(global, tap.grid, inputSize))];
}

/** [N, patches, 5]: corners and the mean of the global mask inside. */
function patchBoxes(global: tf.Tensor3D, grid: PatchGrid, inputSize: readonly [number, number]): tf.Tensor3D {
  const [batch, count] = [global.shape[0], grid.down * grid.across];
  const corners = tf.tile(tf.tensor3d(patchCorners(grid, inputSize), [1, count, 4]), [batch, 1, 1]);
  const values = tf.reshape<tf.Rank.R3>(patchMeans(tf.expandDims(global, 3), grid), [batch, count, 1]);
  return tf.concat([corners, values], 2);
}

function create(config: GlamdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const weights = weightsOf(config);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapter(parameters, level, context));
  const taps = (teacher: DetectorOutputs, student: DetectorOutputs): Tap[] =>
    levels.map(({ rows, columns }, index) => tapLevel(teacher, student, index, patchGrid(rows, columns, config.patch), at(adapters, index), context));
  return {
    id: 'glamd',
    parameters,
    inputs: () => ({}),
    loss: (teacher, student) => {
      const byLevel = taps(teacher, student).map((tap) => levelLoss(tap, config));
      return Object.fromEntries(PARTS.map((part) => [part, tf.mul<tf.Scalar>(tf.addN(byLevel.map((losses) => losses[part])), weights[part])]));
    },
    pictures: (teacher, student) => taps(teacher, student).flatMap((tap, index) => levelPictures(tap, at(levels, index), config, context.inputSize)),
  };
}

export const glamd: Method<GlamdConfig> = {
  ...glamdCard,
  pictures: {
    mask: { title: 'Mask', form: 'map', caption: 'What all parts weigh cells by: the mean of the global and the local mask; its own mean is 2.' },
    globalMask: { title: 'Global mask', form: 'map', caption: 'Attention over the whole map, teacher\'s and student\'s added: one salient object may take nearly all of it.' },
    localMask: { title: 'Local mask', form: 'map', caption: 'Attention inside each patch, teacher\'s and student\'s added: every patch has the same share, so small things show.' },
    patches: { title: 'Patches', form: 'boxes', caption: 'The patches in which local attention is taken, with the mean of the global mask inside each.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(glamdCard)),
  create,
};
