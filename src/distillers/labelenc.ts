/**
 * LabelEnc: A New Intermediate Supervision Method for Object Detection (Hao et al., ECCV 2020).
 * Letters as in `docs/methods/labelenc.md`: f the student's features, e the label features, A the adapter, GN norm of a whole map.
 */
import * as tf from '@tensorflow/tfjs';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { meanSquare, weightedSquares } from '../engine/ops/squares.ts';
import { standardizeMap } from '../engine/ops/standardize.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { labelencCard } from '../experiment/methods/labelenc.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { convAdapter } from './shared/convAdapter.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type MethodFile, type Picture } from './distiller.ts';
import { labelMaps } from './labelencMap.ts';
import { labelEncodingFunction, PUBLISHED_FORM } from './labelencNetwork.ts';
import { asPlaces, at, fed, mapLevels } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';
import { leadingComponent } from './shared/pictureComponent.ts';

export type LabelencConfig = Extract<MethodConfig, { method: 'labelenc' }>;

// Taps: the output of every pyramid level, and boxes and classes of the objects as a map.

const PREFIX = 'distill.labelenc';

/** What the published widths are for. */
const PUBLISHED_CHANNELS = 256;

// Adapters: the label encoder with its pyramid, learning or frozen, and A, one set of weights for all levels.

interface Adapters {
  readonly encode: (maps: tf.Tensor4D) => tf.Tensor4D[];
  readonly adapt: Layer;
}

function createAdapters(parameters: Parameters, config: LabelencConfig, { student }: DistillerContext): Adapters {
  const channels = student.featureChannels;
  const scaled = (width: number): number => Math.max(1, Math.round((width * channels) / PUBLISHED_CHANNELS));
  const { stem, stages, middle } = config.widths ?? { stem: scaled(PUBLISHED_FORM.stem), stages: PUBLISHED_FORM.stages.map(scaled), middle: PUBLISHED_FORM.middle.map(scaled) };
  const encode = labelEncodingFunction(parameters, PREFIX, {
    classes: student.classes.length, channels, levels: student.levels.length, stem, stages, middle,
    stemStride: config.labelMapScale === 1 ? 2 : 1, p6From: config.p6From, trainable: config.stage === 'encoder',
  });
  return { encode, adapt: convAdapter(parameters, `${PREFIX}.adapt`, channels) };
}

/** The finished encoder of another run takes the place of what was drawn. */
function loadEncoder(parameters: Parameters, path: string, { files }: DistillerContext): void {
  const stored = files?.get(path);
  for (const { name, variable } of parameters.all().filter(({ trainable }) => !trainable)) {
    const value = stored?.get(name);
    if (value?.dtype !== 'float32' || value.shape.join() !== variable.shape.join()) {
      throw new DistillError('DL591', `The label encoder in ${path} does not fit: ${name}.`, {
        expected: `[${variable.shape.join(', ')}]`, got: value === undefined ? 'nothing' : `[${value.shape.join(', ')}]`,
        advice: 'Name the adapters.safetensors of a run with `stage: encoder` that had the same classes, neck and `widths`.',
      });
    }
    const tensor = tf.tensor(value.data, [...value.shape]);
    variable.assign(tensor);
    tensor.dispose();
  }
}

// Loss: λ mean (GN(A(f)) − GN(e))², each level by its number of cells; with the encoder learning also the detection loss on e.

/** GN(A(f)) − GN(e) of each level. */
function differences(features: readonly tf.Tensor4D[], encoded: readonly tf.Tensor4D[], adapt: Layer): tf.Tensor4D[] {
  return features.map((feature, level) => tf.sub(standardizeMap(adapt(feature)), detached(() => standardizeMap(at(encoded, level)))));
}

function distance(compared: readonly tf.Tensor4D[], inputs: Inputs): tf.Scalar {
  const images = fed(inputs, 'images') as tf.Tensor1D;
  const values = compared.reduce((sum, { size, shape }) => sum + size / shape[0], 0);
  const sums = compared.map((difference) => {
    const [batch, , , channels] = difference.shape;
    return tf.sum<tf.Scalar>(weightedSquares(asPlaces(difference), tf.tile(tf.reshape(images, [batch, 1]), [1, channels])));
  });
  return tf.mul(tf.addN(sums), 1 / values);
}

function parts({ stage, imitateFrom, imitateUntil }: LabelencConfig): [from: number, until: number] {
  return stage === 'encoder' ? [imitateFrom ?? 1 / 4, imitateUntil ?? 1] : [imitateFrom ?? 0, imitateUntil ?? 8 / 9];
}

/** λ's switch, and what each image counts: 1 / (images that count). */
function weightInputs({ truth, step, steps }: BatchTruth, config: LabelencConfig): Record<string, HostTensor> {
  const [from, until] = parts(config);
  const done = step === undefined || steps === undefined ? undefined : step / steps;
  const counts = truth.map(({ boxes }) => config.emptyImages || boxes.length > 0);
  const share = 1 / Math.max(1, counts.filter(Boolean).length);
  return {
    imitates: float32([], Float32Array.of(done === undefined || (done >= from && done < until) ? 1 : 0)),
    images: float32([truth.length], Float32Array.from(counts, (count) => (count ? share : 0))),
  };
}

// Pictures: the label map, the label features' leading component, and where the student differs from them.

function create(config: LabelencConfig, context: DistillerContext): Distiller {
  const { student: traits, networks } = context;
  const levels = mapLevels(traits, context.inputSize);
  const parameters = new Parameters(context.random);
  const { encode, adapt } = createAdapters(parameters, config, context);
  if (config.stage === 'detector') loadEncoder(parameters, config.encoder ?? '', context);
  const encoded = (inputs: Inputs): tf.Tensor4D[] => encode(fed(inputs, 'labels') as tf.Tensor4D);
  return {
    id: 'labelenc',
    parameters,
    inputs: (batch) => ({
      labels: labelMaps(batch.truth, batch.inputSize, { classes: traits.classes.length, scale: config.labelMapScale }, config.stage === 'encoder' ? batch.random : undefined),
      ...weightInputs(batch, config),
    }),
    loss: (_, student, inputs, { targets }) => {
      const e = encoded(inputs);
      const weight = tf.mul(fed(inputs, 'imitates'), config.weight);
      const read = config.stage === 'detector' || networks === undefined ? {} : networks.student.loss(networks.student.head.run(e), targets);
      return {
        distance: tf.mul(distance(differences(student.features, e, adapt), inputs), weight),
        ...Object.fromEntries(Object.entries(read).map(([part, value]) => [`labels${part.charAt(0).toUpperCase()}${part.slice(1)}`, value])),
      };
    },
    // While λ is 0 the adapter gets no gradient; weight decay alone would shrink it to nothing.
    gradientScales: (inputs) => [{ prefix: `${PREFIX}.adapt.`, factor: fed(inputs, 'imitates') as tf.Scalar }],
    pictures: (_, student, inputs) => {
      const e = encoded(inputs);
      const compared = differences(student.features, e, adapt);
      const labels: Picture = { kind: 'labels', role: 'shared', level: 'all', values: tf.max(fed(inputs, 'labels'), 3) };
      return [labels, ...levels.flatMap(({ name }, level): Picture[] => [
        { kind: 'component', role: 'shared', level: name, values: leadingComponent(at(e, level)) },
        { kind: 'difference', role: 'difference', level: name, values: meanSquare(at(compared, level)) },
      ])];
    },
  };
}

function filesOf({ stage, encoder }: LabelencConfig): readonly MethodFile[] {
  return stage === 'detector' && encoder !== undefined ? [{ option: 'encoder', path: encoder }] : [];
}

const noEncoder = (): DistillError => new DistillError('DL590', 'There is no label encoder to learn from.', {
  expected: '`encoder`: the adapters.safetensors of a run with `stage: encoder`', got: 'nothing', advice: 'Train one with `stage: encoder`, then name its file; or stay with `stage: encoder`, which trains a detector too.',
});

export const labelenc: Method<LabelencConfig> = {
  ...labelencCard,
  pictures: {
    labels: { title: 'Label map', form: 'map', caption: 'What the label encoder is shown, the largest value over classes: each box rises from ½ on its border to 1 in its centre.' },
    component: { title: 'Label features', form: 'map', caption: 'The direction in which the label features of this level vary most over places, as their projection on it; its sign says nothing.' },
    difference: { title: 'What is still to learn', form: 'map', caption: 'Squared difference between the student\'s adapted features and the label features, both normalised, averaged over channels.' },
  },
  files: filesOf,
  problems: (teacher, student, { stage, encoder }) => [...collect(teacher, student, sharing(labelencCard)), ...(stage === 'detector' && encoder === undefined ? [noEncoder()] : [])],
  create,
};
