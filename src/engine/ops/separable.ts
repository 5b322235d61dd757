/** Products of maps with a matrix along height and another along width: exact and differentiable interpolation, blur, means of patches. */
import * as tf from '@tensorflow/tfjs';

/** Row-major [to, from]: how much of each old cell every new cell takes. */
export interface Taking {
  readonly to: number;
  readonly from: number;
  readonly shares: Float32Array;
}

/** @param x [N, H, W, C] @returns [N, rows.to, columns.to, C] */
export function separable(x: tf.Tensor4D, rows: Taking, columns: Taking): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const down = tf.matMul(matrix(rows), tf.reshape<tf.Rank.R3>(x, [batch, height, width * channels]));
  const across = tf.matMul(matrix(columns), tf.reshape<tf.Rank.R3>(down, [batch * rows.to, width, channels]));
  return tf.reshape(across, [batch, rows.to, columns.to, channels]);
}

function matrix({ to, from, shares }: Taking): tf.Tensor3D {
  return tf.tensor3d(shares, [1, to, from]);
}

/** @param takes of each new cell: old cells and how much of them; what one old cell gives several times is added up */
export function taking(to: number, from: number, takes: (cell: number) => readonly (readonly [source: number, share: number])[]): Taking {
  const shares = new Float32Array(to * from);
  for (let cell = 0; cell < to; cell += 1) {
    for (const [source, share] of takes(cell)) shares[cell * from + source] = (shares[cell * from + source] ?? 0) + share;
  }
  return { to, from, shares };
}
