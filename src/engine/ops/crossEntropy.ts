/** Cross entropies and divergences from logits, stable for any logit. Targets get no gradient unless said. */
import * as tf from '@tensorflow/tfjs';

/** −t log σ(x) − (1 − t) log(1 − σ(x)), element by element; differentiable in both. */
export function binaryCrossEntropy<T extends tf.Tensor>(logits: T, targets: tf.Tensor): T {
  return tf.sub<T>(tf.softplus(logits), tf.mul(logits, targets));
}

/**
 * KL(softmax(teacher / T) ‖ softmax(student / T)) over the last dimension, without the factor T².
 * @param student [..., C] logits @param teacher the same, constant @returns [...]
 */
export function softmaxDivergence(student: tf.Tensor, teacher: tf.Tensor, temperature = 1): tf.Tensor {
  const scaled = (logits: tf.Tensor): tf.Tensor => tf.logSoftmax(tf.mul(logits, 1 / temperature));
  const target = scaled(teacher);
  return tf.sum(tf.mul(tf.exp(target), tf.sub(target, scaled(student))), -1);
}

/** KL(Bernoulli(σ(teacher / T)) ‖ Bernoulli(σ(student / T))), element by element, without the factor T². @param teacher constant */
export function binaryDivergence(student: tf.Tensor, teacher: tf.Tensor, temperature = 1): tf.Tensor {
  const [own, other] = [tf.mul(student, 1 / temperature), tf.mul(teacher, 1 / temperature)];
  const target = tf.sigmoid(other);
  return tf.sub(binaryCrossEntropy(own, target), binaryCrossEntropy(other, target));
}
