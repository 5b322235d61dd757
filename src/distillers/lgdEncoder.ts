/**
 * LGD's label encoder, in the manner of PointNet (Qi et al. 2017): each row is turned by a matrix made of itself, and learns of the
 * other rows of its image through their maximum. All norms are without affine parts.
 */
import * as tf from '@tensorflow/tfjs';
import { linear, standardizeLast, type RowLayer } from '../engine/layers/linear.ts';
import { xavierUniform, zeros } from '../engine/layers/init.ts';
import { withGradient } from '../engine/ops/gradient.ts';
import { type Parameters } from '../engine/parameters.ts';

/** Of the three layers on rows, then the two fully connected ones of the spatial transformers. */
export type EncoderWidths = readonly [number, number, number, number, number];

export const PUBLISHED_WIDTHS: EncoderWidths = [64, 128, 1024, 512, 256];

/** Linear, layer norm, rectifier. */
export function normedLinear(parameters: Parameters, name: string, from: number, to: number): RowLayer {
  const layer = linear(parameters, name, { in: from, out: to });
  return (x) => tf.relu(standardizeLast(layer(x)));
}

/** Each row times a matrix that is made of it: x [N, R, k] → [N, R, k]. No identity is added. */
function transformer(parameters: Parameters, name: string, size: number, [a, b, c, d, e]: EncoderWidths): (x: tf.Tensor3D) => tf.Tensor3D {
  const layers = [
    normedLinear(parameters, `${name}.conv1`, size, a), normedLinear(parameters, `${name}.conv2`, a, b), normedLinear(parameters, `${name}.conv3`, b, c),
    normedLinear(parameters, `${name}.fc1`, c, d), normedLinear(parameters, `${name}.fc2`, d, e), linear(parameters, `${name}.fc3`, { in: e, out: size * size }),
  ];
  return (x) => {
    const [images, rows] = x.shape;
    const matrices = tf.reshape<tf.Rank.R3>(layers.reduce<tf.Tensor>((y, layer) => layer(y), x), [images * rows, size, size]);
    return tf.reshape(tf.matMul(tf.reshape<tf.Rank.R3>(x, [images * rows, 1, size]), matrices), [images, rows, size]);
  };
}

/** @param filled [N, R], 1 where there is a row @returns from rows [N, R, inputs] to embeddings [N, R, outputs] */
export function labelEncoder(
  parameters: Parameters, name: string, widths: EncoderWidths, inputs: number, outputs: number,
): (rows: tf.Tensor3D, filled: tf.Tensor2D) => tf.Tensor3D {
  const [a, b, c] = widths;
  const turnRow = transformer(parameters, `${name}.stn_desc`, inputs, widths);
  const turnFeature = transformer(parameters, `${name}.stn_feat`, a, widths);
  const first = normedLinear(parameters, `${name}.conv1`, inputs, a);
  const second = normedLinear(parameters, `${name}.conv2`, a, b);
  const third = normedLinear(parameters, `${name}.conv3`, b, c);
  const fuse = normedLinear(parameters, `${name}.conv4`, a + c, outputs);
  return (rows, filled) => {
    const local = turnFeature(first(turnRow(rows)) as tf.Tensor3D);
    const whole = filledMaximum(third(second(local)) as tf.Tensor3D, filled);
    const spread = tf.tile(tf.expandDims(whole, 1), [1, rows.shape[1], 1]);
    return fuse(tf.concat([local, spread], 2)) as tf.Tensor3D;
  };
}

/** Far below every value. */
const NEVER = 1e30;

/** Maximum over the rows that are there; the gradient goes to the first row that reaches it. @param x [N, R, C] @returns [N, C] */
export function filledMaximum(x: tf.Tensor3D, filled: tf.Tensor2D): tf.Tensor2D {
  return withGradient([x], () => {
    const open = tf.sub(x, tf.mul(tf.expandDims(tf.sub(1, filled), 2), NEVER));
    const value = tf.max<tf.Tensor2D>(open, 1);
    const reaches = tf.cast(tf.equal(open, tf.expandDims(value, 1)), 'float32');
    const first = tf.mul(reaches, tf.cast(tf.equal(tf.cumsum(reaches, 1), 1), 'float32'));
    return { value, saved: [first] };
  }, (gradient, [first]) => [tf.mul(first as tf.Tensor3D, tf.expandDims(gradient, 1))]);
}

/**
 * Multi-head attention (Vaswani et al. 2017) as `torch.nn.MultiheadAttention`, keys and values from the same rows, within each image.
 * Makes `<name>.in_proj` (queries, keys, values side by side) and `<name>.out_proj`.
 */
export function attention(parameters: Parameters, name: string, channels: number, heads: number): (queries: tf.Tensor3D, keys: tf.Tensor3D, filled: tf.Tensor2D) => tf.Tensor3D {
  const project = linear(parameters, `${name}.in_proj`, { in: channels, out: 3 * channels, init: xavierUniform, biasInit: zeros });
  const combine = linear(parameters, `${name}.out_proj`, { in: channels, out: channels, biasInit: zeros });
  const depth = channels / heads;
  return (queries, keys, filled) => {
    const [images, rows] = queries.shape;
    /** [N, heads, R, depth]. */
    const third = (projected: tf.Tensor, index: number): tf.Tensor4D =>
      tf.transpose(tf.reshape<tf.Rank.R4>(tf.slice(projected, [0, 0, index * channels], [images, rows, channels]), [images, rows, heads, depth]), [0, 2, 1, 3]);
    const [ofQueries, ofKeys] = [project(queries), project(keys)];
    const scores = tf.mul(tf.matMul(third(ofQueries, 0), third(ofKeys, 1), false, true), 1 / Math.sqrt(depth));
    const closed = tf.reshape(tf.mul(tf.sub(filled, 1), NEVER), [images, 1, 1, rows]);
    const taken = tf.matMul(tf.softmax(tf.add(scores, closed)), third(ofKeys, 2));
    return combine(tf.reshape(tf.transpose(taken, [0, 2, 1, 3]), [images, rows, channels])) as tf.Tensor3D;
  };
}
