/**
 * New values of variables, as a step declares them: either computed (`Assignment`) or as TensorFlow's fused optimizer
 * kernels, which pass over the weights once. A direct program computes the same by composed ops.
 */
import * as tf from '@tensorflow/tfjs';

export type Assignment = readonly [variable: tf.Variable, value: tf.Tensor];

export interface UpdateKernel {
  /** TensorFlow op on resource variables, e.g. `ResourceApplyMomentum`. */
  readonly op: string;
  /** The op's leading inputs. */
  readonly resources: readonly tf.Variable[];
  /** The op's other inputs, in its order. */
  readonly inputs: readonly tf.Tensor[];
}

export interface FusedUpdate {
  /** Run one after the other. */
  readonly kernels: readonly UpdateKernel[];
  /** The same by ordinary ops. */
  compose(): readonly Assignment[];
}

export type Update = Assignment | FusedUpdate;

export function isFused(update: Update): update is FusedUpdate {
  return 'kernels' in update;
}

/** accumulator ← momentum · accumulator + gradient; variable ← variable − rate · accumulator (PyTorch's SGD without dampening). */
export function momentumUpdate(variable: tf.Variable, accumulator: tf.Variable, gradient: tf.Tensor, rate: tf.Scalar, momentum: tf.Scalar): FusedUpdate {
  return {
    kernels: [{ op: 'ResourceApplyMomentum', resources: [variable, accumulator], inputs: [rate, gradient, momentum] }],
    compose: () => {
      const moved = tf.add(tf.mul(accumulator, momentum), gradient);
      return [[accumulator, moved], [variable, tf.sub(variable, tf.mul(rate, moved))]];
    },
  };
}

export interface AdamInputs {
  readonly rate: tf.Scalar;
  readonly beta1: tf.Scalar;
  readonly beta2: tf.Scalar;
  /** beta1^t and beta2^t at this step t ≥ 1. */
  readonly beta1Power: tf.Scalar;
  readonly beta2Power: tf.Scalar;
  /** Added to √v before the correction of v: PyTorch's ε · √(1 − β₂ᵗ). */
  readonly epsilon: tf.Scalar;
  /** Decoupled weight decay times the rate; undefined for a weight that does not decay. */
  readonly decay?: tf.Scalar | undefined;
}

/**
 * AdamW as PyTorch has it (Loshchilov & Hutter 2019, algorithm 2):
 * variable ← (1 − decay) · variable − rate · √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε).
 */
export function adamUpdate(variable: tf.Variable, first: tf.Variable, second: tf.Variable, gradient: tf.Tensor, inputs: AdamInputs): FusedUpdate {
  const { rate, beta1, beta2, beta1Power, beta2Power, epsilon, decay } = inputs;
  const adam: UpdateKernel = { op: 'ResourceApplyAdam', resources: [variable, first, second], inputs: [beta1Power, beta2Power, rate, beta1, beta2, epsilon, gradient] };
  // variable ← variable − decay · variable, before Adam moves it.
  const shrink: UpdateKernel[] = decay === undefined ? [] : [{ op: 'ResourceApplyGradientDescent', resources: [variable], inputs: [decay, variable] }];
  return {
    kernels: [...shrink, adam],
    compose: () => {
      const mean = tf.add(first, tf.mul(tf.sub(gradient, first), tf.sub(1, beta1)));
      const square = tf.add(second, tf.mul(tf.sub(tf.square(gradient), second), tf.sub(1, beta2)));
      const corrected = tf.div(tf.mul(rate, tf.sqrt(tf.sub(1, beta2Power))), tf.sub(1, beta1Power));
      const kept = decay === undefined ? variable : tf.sub(variable, tf.mul(variable, decay));
      return [[first, mean], [second, square], [variable, tf.sub(kept, tf.div(tf.mul(mean, corrected), tf.add(tf.sqrt(square), epsilon)))]];
    },
  };
}
