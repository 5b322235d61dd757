/**
 * LGD: Label-Guided Self-Distillation for Object Detection (Zhang et al., AAAI 2022).
 * Letters as in `docs/methods/lgd.md`: S the student's features, I the instructive features that a dynamic teacher makes of labels and
 * S, A the adapter, IN instance norm.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { normaliseGroups } from '../engine/layers/groupNorm.ts';
import { detached, scaledGradient } from '../engine/ops/gradient.ts';
import { meanSquare, sumOfSquares } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { lgdCard } from '../experiment/methods/lgd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { convAdapter } from './shared/convAdapter.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { PUBLISHED_WIDTHS, type EncoderWidths } from './lgdEncoder.ts';
import { rowCount, rowInputs, type RowLayout } from './lgdRows.ts';
import { dynamicTeacher, type DynamicTeacher } from './lgdTeacher.ts';
import { at, fed, mapLevels } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';
import { bestBoxes } from './shared/pictureBoxes.ts';

export type LgdConfig = Extract<MethodConfig, { method: 'lgd' }>;

// Taps: the output of every pyramid level, and boxes and classes of the objects.

/** What the published widths are for. */
const PUBLISHED_CHANNELS = 256;

function widthsFor({ widths }: LgdConfig, channels: number): EncoderWidths {
  const [a, b, c, d, e] = widths ?? PUBLISHED_WIDTHS.map((width) => Math.max(1, Math.round((width * channels) / PUBLISHED_CHANNELS)));
  return [a, b, c, d, e] as EncoderWidths;
}

// Adapters: the dynamic teacher, and A, three convolutions of the student's features; one set of weights for all levels.

interface Adapters {
  readonly instruct: DynamicTeacher;
  readonly adapt: Layer;
}

function createAdapters(parameters: Parameters, config: LgdConfig, { student }: DistillerContext): Adapters {
  const channels = student.featureChannels;
  const instruct = dynamicTeacher(parameters, 'distill.lgd', {
    channels, classes: student.classes.length, heads: config.heads, widths: widthsFor(config, channels), context: config.context,
  });
  return { instruct, adapt: convAdapter(parameters, 'distill.lgd.adapter', channels) };
}

// Loss: λ mean (IN(A(S)) − IN(I))², and the detection loss on I, by the student's own head and targets.

/** Each channel of each image to mean 0 and variance 1 over the level's cells; a map of one cell gives 0. */
function instanceNorm(x: tf.Tensor4D): tf.Tensor4D {
  const channels = x.shape[3];
  return normaliseGroups(x, tf.ones([channels]), tf.zeros([channels]), channels);
}

/** IN(A(S)) − IN(I) of each level. */
function differences(features: readonly tf.Tensor4D[], instructive: readonly tf.Tensor4D[], { adapt }: Adapters): tf.Tensor4D[] {
  return features.map((feature, level) => tf.sub(instanceNorm(adapt(feature)), detached(() => instanceNorm(at(instructive, level)))));
}

/** Parts of the run, as 0 or 1 at this step. */
function scheduleInputs({ step, steps }: BatchTruth, { backboneFrom, imitateFrom, imitateUntil }: LgdConfig): Record<string, HostTensor> {
  const done = step === undefined || steps === undefined ? undefined : step / steps;
  const flag = (on: boolean): HostTensor => float32([], Float32Array.of(on ? 1 : 0));
  return { imitates: flag(done === undefined || (done >= imitateFrom && done < imitateUntil)), backbone: flag(done === undefined || done >= backboneFrom) };
}

// Pictures: cells inside objects, instructive features, where the student differs from them, and what the head sees in them.

function create(config: LgdConfig, context: DistillerContext): Distiller {
  const { student: traits, inputSize, networks } = context;
  const levels = mapLevels(traits, inputSize);
  const names = levels.map(({ name }) => name);
  const layout: RowLayout = { levels, classes: traits.classes.length, maxObjects: config.maxObjects, context: config.context };
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, config, context);
  const instruct = ({ features }: DetectorOutputs, inputs: Inputs): tf.Tensor4D[] => {
    const appearance = config.detachAppearance ? features.map((feature) => detached(() => tf.clone(feature))) : features;
    return adapters.instruct(appearance, names, inputs);
  };
  return {
    id: 'lgd',
    parameters,
    inputs: (batch) => ({ ...rowInputs(batch.truth, layout, batch.inputSize), ...scheduleInputs(batch, config) }),
    loss: (_, student, inputs, { targets }) => {
      const instructive = instruct(student, inputs);
      const imitates = fed(inputs, 'imitates') as tf.Scalar;
      const compared = differences(student.features.map((feature) => scaledGradient(feature, imitates)), instructive, adapters);
      const values = compared.reduce((sum, { size }) => sum + size, 0);
      const detection = networks === undefined ? {} : networks.student.loss(networks.student.head.run(instructive), targets);
      return {
        distillation: tf.mul<tf.Scalar>(tf.addN(compared.map(sumOfSquares)), config.weight / values),
        ...Object.fromEntries(Object.entries(detection).map(([part, value]) => [`oracle${part.charAt(0).toUpperCase()}${part.slice(1)}`, value])),
      };
    },
    gradientScales: (inputs) => ['backbone.', 'neck.'].map((prefix) => ({ prefix, factor: fed(inputs, 'backbone') as tf.Scalar })),
    pictures: (_, student, inputs) => {
      const instructive = instruct(student, inputs);
      const compared = differences(student.features, instructive, adapters);
      const byLevel = levels.flatMap((level, index): Picture[] => {
        const inside = tf.slice(fed(inputs, `inside.${level.name}`), [0, 0, 0], [-1, rowCount(layout) - (config.context ? 1 : 0), -1]);
        return [
          { kind: 'inside', role: 'shared', level: level.name, values: tf.reshape(tf.max(inside, 1), [-1, level.rows, level.columns]) },
          { kind: 'instructive', role: 'shared', level: level.name, values: tf.mean(at(instructive, index), 3) },
          { kind: 'difference', role: 'difference', level: level.name, values: meanSquare(at(compared, index)) },
        ];
      });
      const seen = networks === undefined ? tf.zeros([at(instructive, 0).shape[0], 1, 5]) : bestBoxes(networks.student.head.run(instructive), traits, inputSize);
      return [...byLevel, { kind: 'oracle', role: 'shared', level: 'all', values: seen }];
    },
  };
}

export const lgd: Method<LgdConfig> = {
  ...lgdCard,
  pictures: {
    inside: { title: 'Inside objects', form: 'map', caption: 'Cells that belong to an object at this level: from there the student\'s features are gathered, and there what is made of them is painted.' },
    instructive: { title: 'Instructive features', form: 'map', caption: 'Mean over channels of the features that the dynamic teacher makes of labels and the student\'s own features.' },
    difference: { title: 'What is still to learn', form: 'map', caption: 'Squared difference between the student\'s adapted features and the instructive ones, both normalised, averaged over channels.' },
    oracle: { title: 'Oracle head', form: 'boxes', caption: 'What the student\'s own head finds in the instructive features. It knows the labels: good boxes here show that the dynamic teacher works, not the student.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(lgdCard)),
  create,
};
