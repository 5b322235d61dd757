import * as tf from '@tensorflow/tfjs';

/**
 * `on` in the place of each label, `off` elsewhere; a label outside 0 … depth − 1 marks nothing.
 * Unlike `tf.oneHot` it takes a depth of 1: a data set may have one class.
 * @param labels int32 [...] @returns float32 [..., depth]
 */
export function oneHot(labels: tf.Tensor, depth: number, on = 1, off = 0): tf.Tensor {
  if (depth > 1) return tf.oneHot(labels, depth, on, off, 'float32');
  const marks = tf.cast(tf.equal(labels, tf.scalar(0, 'int32')), 'float32');
  return tf.expandDims(tf.add(tf.mul(marks, on - off), off), -1);
}
