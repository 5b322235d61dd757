/** Maps cut into square patches from the upper left; the last ones of a row or column are smaller where the side does not divide the map. */
import * as tf from '@tensorflow/tfjs';
import { separable, taking, type Taking } from '../../engine/ops/separable.ts';

export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
  /** In cells. */
  readonly side: number;
  /** Patches along height and width. */
  readonly down: number;
  readonly across: number;
}

export function patchGrid(rows: number, columns: number, side: number): PatchGrid {
  return { rows, columns, side, down: Math.ceil(rows / side), across: Math.ceil(columns / side) };
}

/** Mean over each patch's own cells, [N, down, across, C]; differentiable. @param x [N, H, W, C] */
export function patchMeans(x: tf.Tensor4D, { rows, columns, side }: PatchGrid): tf.Tensor4D {
  const averaging = (cells: number): Taking => taking(Math.ceil(cells / side), cells, (patch) => {
    const count = cellsOf(patch, cells, side);
    return Array.from({ length: count }, (_, index) => [patch * side + index, 1 / count]);
  });
  return separable(x, averaging(rows), averaging(columns));
}

/** Each cell gets the value of its patch, [N, H, W, C]. @param x [N, down, across, C] */
export function spreadPatches(x: tf.Tensor4D, { rows, columns, side, down, across }: PatchGrid): tf.Tensor4D {
  const spreading = (cells: number, patches: number): Taking => taking(cells, patches, (cell) => [[Math.floor(cell / side), 1]]);
  return separable(x, spreading(rows, down), spreading(columns, across));
}

/** Low enough to leave nothing in a softmax. */
const OUTSIDE = -1e9;

/** Softmax over the cells of each patch, times their number: mean 1 in every patch. @param x [N, H, W] */
export function patchSoftmax(x: tf.Tensor3D, grid: PatchGrid): tf.Tensor3D {
  const { rows, columns, side, down, across } = grid;
  const batch = x.shape[0];
  const padded = tf.pad(x, [[0, 0], [0, down * side - rows], [0, across * side - columns]], OUTSIDE);
  const byPatch = tf.transpose(tf.reshape(padded, [batch, down, side, across, side]), [0, 1, 3, 2, 4]);
  const shares = tf.softmax(tf.reshape<tf.Rank.R3>(byPatch, [batch, down * across, side * side]));
  const scaled = tf.reshape(tf.mul(shares, cellCounts(grid)), [batch, down, across, side, side]);
  const map = tf.reshape<tf.Rank.R3>(tf.transpose(scaled, [0, 1, 3, 2, 4]), [batch, down * side, across * side]);
  return tf.slice(map, [0, 0, 0], [batch, rows, columns]);
}

/** [1, down · across, 1]. */
function cellCounts({ rows, columns, side, down, across }: PatchGrid): tf.Tensor3D {
  const counts = Array.from({ length: down * across }, (_, index) => cellsOf(Math.floor(index / across), rows, side) * cellsOf(index % across, columns, side));
  return tf.tensor3d(Float32Array.from(counts), [1, counts.length, 1]);
}

/** Cells of a patch along one side of the map. */
function cellsOf(patch: number, cells: number, side: number): number {
  return Math.min(side, cells - patch * side);
}

/** Corners of the patches in input pixels, [down · across, 4]. @param size network input [height, width] */
export function patchCorners({ rows, columns, side, down, across }: PatchGrid, [height, width]: readonly [number, number]): Float32Array {
  const corners = Array.from({ length: down * across }, (_, index) => {
    const [row, column] = [Math.floor(index / across) * side, (index % across) * side];
    return [column / columns * width, row / rows * height, Math.min(column + side, columns) / columns * width, Math.min(row + side, rows) / rows * height];
  });
  return Float32Array.from(corners.flat());
}
