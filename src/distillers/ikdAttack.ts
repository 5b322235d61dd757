/**
 * IKD's adversarial images: DI²-FGSM (Xie et al., CVPR 2019) against the teacher's class loss. Steps of equal length along the sign of
 * an accumulated gradient, held near the clean image and within its range.
 */
import * as tf from '@tensorflow/tfjs';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type Random } from '../engine/random.ts';

export interface AttackForm {
  /** Parts of the image's range. */
  readonly epsilon: number;
  readonly step: number;
  readonly momentum: number;
}

export interface AttackState {
  readonly images: tf.Tensor4D;
  readonly momentum: tf.Tensor4D;
}

export function attackStart(clean: tf.Tensor4D): AttackState {
  return { images: clean, momentum: tf.zerosLike(clean) };
}

/** An image whose gradient is 0 everywhere stays as it is. */
const TINY = 1e-12;

/** @param gradient of what is to fall (minus the teacher's class loss), by `state.images`; all [N, H, W, 3] */
export function attackStep(clean: tf.Tensor4D, state: AttackState, gradient: tf.Tensor4D, { epsilon, step, momentum: decay }: AttackForm): AttackState {
  const [least, most] = [tf.min(clean, [1, 2], true), tf.max(clean, [1, 2], true)];
  /** R: the largest range of a channel, [N, 1, 1, 1]. */
  const range = tf.max(tf.sub(most, least), 3, true);
  const size = tf.maximum(tf.sum(tf.abs(gradient), [1, 2, 3], true), TINY);
  const momentum = tf.add<tf.Tensor4D>(tf.div(gradient, size), tf.mul(state.momentum, decay));
  const moved = tf.sub(state.images, tf.mul(tf.sign(momentum), tf.mul(range, step)));
  const limit = tf.mul(range, epsilon);
  const away = tf.minimum(tf.maximum(tf.sub(moved, clean), tf.neg(limit)), limit);
  return { images: tf.minimum(tf.maximum(tf.add<tf.Tensor4D>(clean, away), least), most), momentum };
}

/**
 * Input diversity as matrices, one pair a step: each new pixel's share of the old ones when the image is shrunk (bilinear, half-pixel
 * centres) and put somewhere into zeros of the old size; the identity where the step shows the image as it is.
 * @returns `rows` [steps, H, H], `columns` [steps, W, W]
 */
export function diversityInputs([height, width]: readonly [number, number], steps: number, chance: number, shrink: number, random: Random): HostTensors {
  const rows = new Float32Array(steps * height * height);
  const columns = new Float32Array(steps * width * width);
  for (let step = 0; step < steps; step += 1) {
    const part = random.uniform(shrink, 1);
    const [alongY, alongX] = [random.uniform(), random.uniform()];
    const shrinks = random.chance(chance);
    fillShrunk(rows.subarray(step * height * height, (step + 1) * height * height), height, shrinks ? part : 1, alongY);
    fillShrunk(columns.subarray(step * width * width, (step + 1) * width * width), width, shrinks ? part : 1, alongX);
  }
  return { rows: float32([steps, height, height], rows), columns: float32([steps, width, width], columns) };
}

function fillShrunk(matrix: Float32Array, size: number, part: number, along: number): void {
  const shrunk = Math.max(1, Math.floor(size * part));
  const before = Math.floor(along * (size - shrunk + 1));
  for (let cell = 0; cell < shrunk; cell += 1) {
    const source = Math.max(((cell + 0.5) * size) / shrunk - 0.5, 0);
    const first = Math.min(Math.floor(source), size - 1);
    const share = source - first;
    const row = (before + cell) * size;
    matrix[row + first] = 1 - share;
    const second = Math.min(first + 1, size - 1);
    matrix[row + second] = (matrix[row + second] ?? 0) + share;
  }
}

/** @param images [N, H, W, 3] @param rows [1, H, H] @param columns [1, W, W] */
export function diversified(images: tf.Tensor4D, rows: tf.Tensor3D, columns: tf.Tensor3D): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape;
  const along = tf.matMul(rows, tf.reshape<tf.Rank.R3>(images, [batch, height, width * channels]));
  const across = tf.matMul(columns, tf.reshape<tf.Rank.R3>(along, [batch * height, width, channels]));
  return tf.reshape(across, images.shape);
}
