/**
 * Mimic: Mimicking Very Efficient Network for Object Detection (Li et al., CVPR 2017).
 * Letters as in `docs/methods/mimic.md`: u, v regions of the teacher's and the adapted student's features, r the adapter.
 * No official code exists.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { pooledRegions, regionInputs } from '../engine/ops/roiAlign.ts';
import { sumOfSquares } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { mimicCard } from '../experiment/methods/mimic.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment, alignmentIfNeeded } from './shared/align.ts';
import { candidateBoxes } from './shared/detections.ts';
import { inverseDeviations } from './shared/deviations.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { boxInputs, regionLayout, regionsOf } from './mimicRegions.ts';
import { collect, decodableBoxes, sharing } from './shared/pairing.ts';

export type MimicConfig = Extract<MethodConfig, { method: 'mimic' }>;

// Taps: every level of the pyramid, at the regions that belong to it.

interface Tap {
  readonly level: MapLevel;
  readonly adapter: Layer;
  /** What the teacher's map is multiplied by. */
  readonly factor: number;
}

interface MapPair {
  /** r(S), [N, H, W, C]. */
  readonly student: tf.Tensor4D;
  readonly teacher: tf.Tensor4D;
}

function mapsOf(teacher: DetectorOutputs, student: DetectorOutputs, taps: readonly Tap[]): MapPair[] {
  return taps.map(({ adapter, factor }, index) => ({
    student: adapter(at(student.features, index)), teacher: detached(() => tf.mul(at(teacher.features, index), factor)),
  }));
}

// Adapters: r, a 1×1 convolution of the student's features for each level.

function createTaps(parameters: Parameters, config: MimicConfig, context: DistillerContext): Tap[] {
  const levels = mapLevels(context.student, context.inputSize);
  const factors = config.scale === 'normalized' ? inverseDeviations(levels, context) : levels.map(() => 1);
  const create = config.adapter === 'always' ? alignment : alignmentIfNeeded;
  return levels.map((level, index) => ({
    level, factor: at(factors, index), adapter: create(parameters, `distill.mimic.${level.name}.align`, context.student.featureChannels, context.teacher.featureChannels),
  }));
}

// Loss: λ / (2 R) Σ over regions of ‖u − v‖² / m. Sampling is linear: the difference of the maps is sampled once.

/** u − v of each region, [N·R, G, G, C]; 0 in slots without one. */
function regionDifference(maps: readonly MapPair[], inputs: Inputs): tf.Tensor4D {
  return pooledRegions('regions', maps.map(({ student, teacher }) => tf.sub(student, teacher)), inputs);
}

function imitation(maps: readonly MapPair[], inputs: Inputs): tf.Scalar {
  const difference = regionDifference(maps, inputs);
  const values = difference.size / difference.shape[0];
  const regions = tf.maximum(tf.sum(fed(inputs, 'regions.filled')), 1);
  return tf.mul(tf.div(sumOfSquares(difference), regions), 0.5 / values);
}

// Pictures: the regions by their error, how often a place is in one, and the features themselves.

/** How many regions a cell's middle lies in, [N, H, W]. */
function coverage({ rows, columns }: MapLevel, stride: number, boxes: tf.Tensor): tf.Tensor {
  const [x1, y1, x2, y2] = tf.split(boxes, 4, 2);
  const within = (from: tf.Tensor | undefined, to: tf.Tensor | undefined, cells: number): tf.Tensor3D => {
    const middles = tf.tensor3d(Float32Array.from({ length: cells }, (_, cell) => (cell + 0.5) * stride), [1, 1, cells]);
    return tf.cast(tf.logicalAnd(tf.lessEqual(from as tf.Tensor, middles), tf.less(middles, to as tf.Tensor)), 'float32') as tf.Tensor3D;
  };
  return tf.matMul(within(y1, y2, rows), within(x1, x2, columns), true);
}

function allPictures(maps: readonly MapPair[], taps: readonly Tap[], stride: number, inputs: Inputs): Picture[] {
  const boxes = fed(inputs, 'boxes');
  const [batch = 1, slots = 1] = boxes.shape;
  const errors = tf.reshape(tf.mean(tf.square(regionDifference(maps, inputs)), [1, 2, 3]), [batch, slots, 1]);
  const activations = maps.flatMap(({ student, teacher }, index): Picture[] => {
    const level = at(taps, index).level.name;
    const [own, other] = [tf.mean(tf.abs(student), 3), tf.mean(tf.abs(teacher), 3)];
    return [
      { kind: 'activation', role: 'teacher', level, values: other },
      { kind: 'activation', role: 'student', level, values: own },
      { kind: 'activation', role: 'difference', level, values: tf.sub(own, other) },
    ];
  });
  const finest = at(taps, 0).level;
  return [
    { kind: 'regions', role: 'shared', level: 'all', values: tf.concat([boxes, errors], 2) },
    { kind: 'coverage', role: 'shared', level: finest.name, values: coverage(finest, stride, boxes) },
    ...activations,
  ];
}

function create(config: MimicConfig, context: DistillerContext): Distiller {
  const { student, inputSize } = context;
  const parameters = new Parameters(context.random);
  const taps = createTaps(parameters, config, context);
  const layout = regionLayout(context, config);
  return {
    id: 'mimic',
    parameters,
    ...(config.predictions ? { observe: { run: (_, own) => candidateBoxes(own, student, inputSize) } } : {}),
    inputs: (batch, observed) => {
      const boxes = regionsOf(batch, observed, config);
      return { ...regionInputs('regions', boxes, layout), ...boxInputs(boxes, config.proposals) };
    },
    loss: (teacher, own, inputs) => ({ imitation: tf.mul(imitation(mapsOf(teacher, own, taps), inputs), config.weight) }),
    pictures: (teacher, own, inputs) => allPictures(mapsOf(teacher, own, taps), taps, at(student.levels, 0).stride, inputs),
  };
}

export const mimic: Method<MimicConfig> = {
  ...mimicCard,
  pictures: {
    regions: { title: 'Regions', form: 'boxes', caption: 'The regions whose features are imitated, by their error: mean squared difference of the adapted student from the teacher.' },
    coverage: { title: 'Coverage', form: 'map', caption: 'How many regions a place lies in: the loss sees nothing else of the image.' },
    activation: { title: 'Feature size', form: 'map', signed: true, caption: 'Mean absolute activation over channels: of the teacher, and of the student after its adapter.' },
  },
  problems: (teacher, student, { predictions }) =>
    collect(teacher, student, [...sharing(mimicCard), ...(predictions ? [(): ReturnType<typeof decodableBoxes> => decodableBoxes(student, student)] : [])]),
  create,
};
