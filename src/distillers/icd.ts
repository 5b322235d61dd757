/**
 * ICD: Instance-Conditional Knowledge Distillation for Object Detection (Kang et al., NeurIPS 2021).
 * Letters as in `docs/methods/icd.md`: A attention logits of instances over the teacher's tokens, w masks, V value projections.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { linear, standardizeLast, type RowLayer } from '../engine/layers/linear.ts';
import { pytorchBias } from '../engine/layers/init.ts';
import { absolute } from '../engine/ops/absolute.ts';
import { binaryCrossEntropy } from '../engine/ops/crossEntropy.ts';
import { detached, scaledGradient } from '../engine/ops/gradient.ts';
import { meanSquare } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { Random } from '../engine/random.ts';
import { icdCard } from '../experiment/methods/icd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { createDecoder, joinLevels, type Decoded, type Decoder } from './icdDecoder.ts';
import { instanceInputs, inventInstances, tokenInputs } from './icdInstances.ts';
import { asMap, at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { delayFactor } from './shared/pace.ts';
import { collect, sharing } from './shared/pairing.ts';

export type IcdConfig = Extract<MethodConfig, { method: 'icd' }>;

// Taps: features of every level as tokens, and each image's objects, described, among invented ones.

/** The student's tokens, [N, S, C]; while the gate is 0 the student does not learn through them. */
function studentTokens(maps: readonly tf.Tensor4D[], { detachSteps }: IcdConfig, inputs: Inputs): tf.Tensor3D {
  const tokens = joinLevels(maps);
  return detachSteps === 0 ? tokens : scaledGradient(tokens, fed(inputs, 'gate') as tf.Scalar);
}

// Adapters: instance encoder, decoder and predictor on the teacher's side; a value projection on the student's.

interface Adapters {
  readonly decoder: Decoder;
  /** From the student's width to the teacher's. */
  readonly value: RowLayer;
}

function createAdapters(parameters: Parameters, levels: readonly MapLevel[], { heads }: IcdConfig, { teacher, student }: DistillerContext): Adapters {
  const [from, channels] = [student.featureChannels, teacher.featureChannels];
  return {
    decoder: createDecoder(parameters, levels, { channels, heads, classes: student.classes.length }),
    value: linear(parameters, 'distill.icd.student.value', { in: from, out: channels, biasInit: pytorchBias(from) }),
  };
}

// Loss: λ mean over images, heads and channels of Σ w (V_s − V_t)² / Σ w, and the decoder's own: is it real, where are its sides.

/** w: what the real instances look at, [N, M, S]. */
function masks({ logits }: Decoded, temperature: number, inputs: Inputs): tf.Tensor3D {
  return detached(() => {
    const [batch, , instances] = logits.shape;
    const looks = tf.softmax(temperature === 1 ? logits : tf.mul(logits, 1 / temperature));
    return tf.sum<tf.Tensor3D>(tf.mul(looks, tf.reshape(fed(inputs, 'real'), [batch, 1, instances, 1])), 2);
  });
}

function distillation(decoded: Decoded, student: tf.Tensor3D, { decoder, value }: Adapters, temperature: number, inputs: Inputs): tf.Scalar {
  const [batch, tokens, channels] = decoded.values.shape;
  const normed = (values: tf.Tensor): tf.Tensor => standardizeLast(tf.reshape<tf.Rank>(values, [batch, tokens, decoder.heads, channels / decoder.heads]));
  const difference = meanSquare(tf.sub(normed(value(student)), detached(() => normed(decoded.values))));
  const w = masks(decoded, temperature, inputs);
  const shares = detached(() => tf.transpose(tf.div(w, tf.maximum(tf.sum(w, 2, true), 1e-6)), [0, 2, 1]));
  return tf.mul(tf.sum<tf.Scalar>(tf.mul(difference, shares)), 1 / (batch * decoder.heads));
}

function auxiliary({ answers }: Decoded, inputs: Inputs): { confidence: tf.Scalar; sides: tf.Scalar } {
  const [reality, distances] = tf.split(answers, [1, 4], 2) as [tf.Tensor, tf.Tensor];
  const real = fed(inputs, 'real');
  const errors = binaryCrossEntropy(tf.reshape<tf.Rank>(reality, real.shape), real);
  return {
    confidence: tf.sum(tf.mul(errors, fed(inputs, 'confidenceWeights'))),
    sides: tf.sum(tf.mul(absolute(tf.sub(tf.sigmoid(distances), fed(inputs, 'sides'))), fed(inputs, 'sideWeights'))),
  };
}

// Pictures: where the real instances look, and how real each instance seems.

function picturesOf(decoded: Decoded, levels: readonly MapLevel[], temperature: number, inputs: Inputs): Picture[] {
  const looks = tf.mean<tf.Tensor2D>(masks(decoded, temperature, inputs), 1);
  const maps = tf.split<tf.Tensor2D>(looks, levels.map(({ places }) => places), 1).map((values, index): Picture => (
    { kind: 'attention', role: 'teacher', level: at(levels, index).name, values: asMap(values, at(levels, index)) }
  ));
  const [reality] = tf.split(decoded.answers, [1, 4], 2) as [tf.Tensor3D, tf.Tensor3D];
  const seeming = tf.sigmoid(reality);
  return [...maps, { kind: 'instances', role: 'teacher', level: 'all', values: tf.concat([fed(inputs, 'boxes'), seeming], 2) }];
}

/** For pictures and tests, where no step gives draws. */
const FIXED_SEED = 110;

function create(config: IcdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const strides = context.student.levels.map(({ stride }) => stride);
  const classes = context.student.classes.length;
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, levels, config, context);
  // Its weights learn, the teacher's tokens are out of reach.
  const decode = ({ features }: DetectorOutputs, inputs: Inputs): Decoded => adapters.decoder.run(features.map((map) => detached(() => tf.clone(map))), inputs);
  return {
    id: 'icd',
    parameters,
    inputs: (batch) => ({
      ...instanceInputs(inventInstances(batch.truth, batch.contentSizes, { classes, jitter: config.jitter, slots: config.maxInstances }, batch.random ?? Random.of(FIXED_SEED)), classes, config.maxInstances),
      ...tokenInputs(levels, strides, batch.contentSizes),
      ...(config.detachSteps === 0 ? {} : { gate: delayFactor(batch, config.detachSteps) }),
    }),
    loss: (teacher, student, inputs) => {
      const decoded = decode(teacher, inputs);
      const distilled = distillation(decoded, studentTokens(student.features, config, inputs), adapters, config.temperature, inputs);
      return { distillation: tf.mul(distilled, config.weight), ...auxiliary(decoded, inputs) };
    },
    pictures: (teacher, _, inputs) => picturesOf(decode(teacher, inputs), levels, config.temperature, inputs),
  };
}

export const icd: Method<IcdConfig> = {
  ...icdCard,
  pictures: {
    attention: { title: 'Instance attention', form: 'map', caption: 'Where the teacher holds what is known of the annotated objects: attention of all of them, mean over heads. Over all levels it sums to the number of objects.' },
    instances: { title: 'Real or invented', form: 'boxes', caption: 'The instances that the decoder was asked about, objects of the image and invented ones, with the probability that it takes each to be real.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(icdCard)),
  create,
};
