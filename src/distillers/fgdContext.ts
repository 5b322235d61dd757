/** FGD's global-context block (GC block of Cao et al. 2019, as FGD sets it up): relations between distant places. */
import * as tf from '@tensorflow/tfjs';
import { conv2d } from '../engine/layers/conv.ts';
import { constant, kaimingNormal, pytorchBias, zeros } from '../engine/layers/init.ts';
import { withGradient } from '../engine/ops/gradient.ts';
import { standardize } from '../engine/ops/standardize.ts';
import { type Parameters } from '../engine/parameters.ts';

export interface ContextBlock {
  /** Softmax over places of the block's own mask, [N, H·W]: where it takes its context from. @param x [N, H, W, C] */
  attention(x: tf.Tensor4D): tf.Tensor2D;
  /** What the block adds to every place of x, [N, 1, 1, C]. It starts at 0: the last convolution does. */
  addition(x: tf.Tensor4D): tf.Tensor4D;
}

/**
 * Makes `<prefix>.conv_mask_<side>` and `<prefix>.channel_add_conv_<side>.0`, `.1` (layer norm), `.3`, the names of the reference.
 * @param side `s` of the student, `t` of the teacher; both are trained.
 */
export function contextBlock(parameters: Parameters, prefix: string, side: 's' | 't', channels: number): ContextBlock {
  const inner = Math.floor(channels / 2);
  const add = `${prefix}.channel_add_conv_${side}`;
  const mask = maskConvolution(parameters, `${prefix}.conv_mask_${side}`, channels);
  const squeeze = conv2d(parameters, `${add}.0`, { in: channels, out: inner, kernel: 1, biasInit: pytorchBias(channels) });
  const scale = parameters.create(`${add}.1.weight`, [inner], constant(1));
  const shift = parameters.create(`${add}.1.bias`, [inner], zeros);
  const expand = conv2d(parameters, `${add}.3`, { in: inner, out: channels, kernel: 1, init: zeros });

  const attention = (x: tf.Tensor4D): tf.Tensor2D => tf.softmax(mask(x));
  return {
    attention,
    addition: (x) => {
      const [batch, rows, columns] = x.shape;
      const weights = tf.reshape(attention(x), [batch, 1, rows * columns]);
      const context = tf.matMul(weights, tf.reshape(x, [batch, rows * columns, channels]));
      const hidden = tf.reshape(squeeze(tf.reshape(context, [batch, 1, 1, channels])), [batch, inner]);
      const normed = tf.add(tf.mul(standardize(hidden as tf.Tensor2D), scale), shift);
      return expand(tf.reshape(tf.relu(normed), [batch, 1, 1, inner]));
    },
  };
}

/**
 * The mask before its softmax, [N, H·W]. The softmax does not see the bias, so its gradient is 0; said outright,
 * for summed up it is noise that an adaptive optimizer would turn into steps.
 */
function maskConvolution(parameters: Parameters, name: string, channels: number): (x: tf.Tensor4D) => tf.Tensor2D {
  const convolve = conv2d(parameters, name, { in: channels, out: 1, kernel: 1, init: kaimingNormal('in'), bias: false });
  const bias = parameters.create(`${name}.bias`, [1], zeros, { decay: false });
  return (x) => {
    const logits = tf.reshape<tf.Rank.R2>(convolve(x), [x.shape[0], x.shape[1] * x.shape[2]]);
    return withGradient([logits, bias], () => ({ value: tf.add<tf.Tensor2D>(logits, bias) }), (gradient) => [gradient, tf.zeros([1])]);
  };
}
