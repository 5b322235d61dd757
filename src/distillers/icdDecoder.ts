/** ICD's decoder: instances ask the teacher's pyramid where their knowledge lies, by one layer of cross-attention. */
import * as tf from '@tensorflow/tfjs';
import { groupsFor } from '../engine/layers/groupNorm.ts';
import { xavierUniform, zeros } from '../engine/layers/init.ts';
import { layerNorm, linear, timesMatrix, type RowLayer } from '../engine/layers/linear.ts';
import { type Parameters } from '../engine/parameters.ts';
import { asPlaces, at, fed, type MapLevel } from './shared/maps.ts';
import { DESCRIPTION } from './icdInstances.ts';
import { type Inputs } from './distiller.ts';

export interface Decoded {
  /** A: how well each token answers each instance, before any softmax, [N, M, R, S]. */
  readonly logits: tf.Tensor4D;
  /** Value projection of the teacher's tokens, [N, S, C]. */
  readonly values: tf.Tensor3D;
  /** Logit of being real, then of the distances left, top, right, bottom, [N, R, 5]. */
  readonly answers: tf.Tensor;
}

export interface Decoder {
  readonly heads: number;
  run(teacher: readonly tf.Tensor4D[], inputs: Inputs): Decoded;
}

/** Largest exponent of the tokens' sine embedding. */
const PERIODS = 10_000;
const HIDDEN = 4;
const HEADS = 8;
/** Channels of a head, at least: with one the norm leaves nothing, with two only signs. */
const LEAST_WIDTH = 4;

export function createDecoder(parameters: Parameters, levels: readonly MapLevel[], settings: { readonly channels: number; readonly heads: number | undefined; readonly classes: number }): Decoder {
  const { channels, classes } = settings;
  const heads = groupsFor(channels, settings.heads ?? Math.min(HEADS, Math.max(1, Math.floor(channels / LEAST_WIDTH))));
  const encode = perceptron(parameters, 'distill.icd.encoder', [classes + DESCRIPTION, channels, channels, channels]);
  const predict = perceptron(parameters, 'distill.icd.predictor', [channels, channels, channels, 5]);
  const project = (part: string): RowLayer => linear(parameters, `distill.icd.decoder.${part}`, { in: channels, out: channels, init: xavierUniform, biasInit: zeros });
  const [query, key, value, out] = [project('query'), project('key'), project('value'), project('out')];
  const place = createPlaces(parameters, levels, channels);
  const firstNorm = layerNorm(parameters, 'distill.icd.decoder.norm1', channels);
  const secondNorm = layerNorm(parameters, 'distill.icd.decoder.norm2', channels);
  const feedForward = perceptron(parameters, 'distill.icd.decoder.ffn', [channels, HIDDEN * channels, channels]);
  return {
    heads,
    run: (teacher, inputs) => {
      const tokens = joinLevels(teacher);
      const asked = encode(fed(inputs, 'descriptions'));
      const [batch, instances] = asked.shape as [number, number];
      const keys = byHead(key(tf.add(tokens, place(inputs))), heads);
      const scores = tf.mul(tf.matMul(byHead(query(asked), heads), keys, false, true), 1 / Math.sqrt(channels / heads));
      // Far below any score: padding gets exactly 0 of a softmax.
      const logits = tf.add<tf.Tensor4D>(scores, tf.reshape(tf.mul(fed(inputs, 'padding'), -1e9), [batch, 1, 1, tokens.shape[1]]));
      const values = value(tokens) as tf.Tensor3D;
      const gathered = tf.matMul(tf.softmax(logits), byHead(values, heads));
      const joined = tf.reshape(tf.transpose(gathered, [0, 2, 1, 3]), [batch, instances, channels]);
      const attended = firstNorm(tf.add(asked, out(joined)));
      return { logits, values, answers: predict(secondNorm(tf.add(attended, feedForward(attended)))) };
    },
  };
}

/** Tokens of all levels, finest first, [N, S, C]. */
export function joinLevels(maps: readonly tf.Tensor4D[]): tf.Tensor3D {
  return tf.concat(maps.map(asPlaces), 1);
}

/** [N, L, C] → [N, M, L, C / M]. */
function byHead(rows: tf.Tensor, heads: number): tf.Tensor4D {
  const [batch = 0, length = 0, channels = 0] = rows.shape;
  return tf.transpose(tf.reshape(rows, [batch, length, heads, channels / heads]), [0, 2, 1, 3]);
}

/** Linear layers with rectifiers between them. */
function perceptron(parameters: Parameters, name: string, widths: readonly number[]): RowLayer {
  const layers = widths.slice(1).map((out, index) => linear(parameters, `${name}.${index}`, { in: at(widths, index), out }));
  return (x) => layers.reduce((hidden, layer, index) => layer(index === 0 ? hidden : tf.relu(hidden)), x);
}

/**
 * What a token's place adds to its key: a linear map of the sine embedding of row and column. The embedding's first half knows the row
 * alone, the second the column alone, so that each half is mapped by itself and the sum is spread.
 */
function createPlaces(parameters: Parameters, levels: readonly MapLevel[], channels: number): (inputs: Inputs) => tf.Tensor3D {
  const weight = parameters.create('distill.icd.decoder.place.weight', [channels, channels], xavierUniform, { layout: 'linear' });
  const bias = parameters.create('distill.icd.decoder.place.bias', [channels], zeros);
  const half = Math.floor(channels / 2);
  return (inputs) => {
    const [ofRows, ofColumns] = [tf.slice(weight, [0, 0], [half, channels]), tf.slice(weight, [half, 0], [channels - half, channels])];
    const maps = levels.map(({ name, rows, columns, places }) => {
      const down = timesMatrix(sines(fed(inputs, `rows.${name}`), half), ofRows);
      const across = timesMatrix(sines(fed(inputs, `columns.${name}`), channels - half), ofColumns);
      const [batch] = down.shape as [number];
      return tf.reshape<tf.Rank.R3>(tf.add(tf.reshape(down, [batch, rows, 1, channels]), tf.reshape(across, [batch, 1, columns, channels])), [batch, places, channels]);
    });
    return tf.add(tf.concat(maps, 1), bias);
  };
}

/** Sine and cosine in turn, frequencies falling to 1 / 10000. @param phases [N, L] @returns [N, L, width] */
function sines(phases: tf.Tensor, width: number): tf.Tensor {
  const columns = Array.from({ length: width }, (_, index) => index);
  const frequencies = tf.tensor1d(columns.map((index) => PERIODS ** (-(2 * Math.floor(index / 2)) / width)));
  const isSine = tf.tensor1d(columns.map((index) => (index % 2 === 0 ? 1 : 0)));
  const angles = tf.mul(tf.expandDims(phases, 2), frequencies);
  return tf.add(tf.mul(tf.sin(angles), isSine), tf.mul(tf.cos(angles), tf.sub(1, isSine)));
}
