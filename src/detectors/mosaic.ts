/**
 * The coarse levels of a pyramid side by side on one map, a row or column of zeros between them, so that a head goes over them once:
 * on a map of a few cells a convolution spends its time on turning its weights round, and each level's gradient of the weights
 * is a tensor of its own. What the head makes of each level is the same: the zeros stand where the padding did.
 */
import * as tf from '@tensorflow/tfjs';

/** A map joins the mosaic if it has at most this share of the cells of the largest. */
const SMALL = 1 / 16;

interface Place {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

export class Mosaic {
  /** Maps from this index on are in it. */
  readonly from: number;
  private readonly places: readonly Place[];
  private readonly rows: number;
  private readonly columns: number;

  /** The first map on the left, the others below one another to its right. */
  private constructor(from: number, maps: readonly tf.Tensor4D[]) {
    const [first, ...others] = maps.map((map) => ({ rows: map.shape[1], columns: map.shape[2] }));
    const left = first ?? { rows: 0, columns: 0 };
    let row = 0;
    this.from = from;
    this.places = [{ ...left, row: 0, column: 0 }, ...others.map((map) => {
      const place = { ...map, row, column: left.columns + 1 };
      row += map.rows + 1;
      return place;
    })];
    this.rows = Math.max(...this.places.map((place) => place.row + place.rows));
    this.columns = Math.max(...this.places.map((place) => place.column + place.columns));
  }

  /** @param maps finest first. @returns undefined where fewer than two are small. */
  static of(maps: readonly tf.Tensor4D[]): Mosaic | undefined {
    const cells = maps.map(({ shape }) => shape[1] * shape[2]);
    const largest = Math.max(...cells);
    const from = cells.findIndex((_, index) => cells.slice(index).every((count) => count <= largest * SMALL));
    return from < 0 || maps.length - from < 2 ? undefined : new Mosaic(from, maps.slice(from));
  }

  /** @param maps those in it, [N, H, W, C] each. */
  join(maps: readonly tf.Tensor4D[]): tf.Tensor4D {
    const padded = maps.map((map, index) => {
      const { row, column, rows, columns } = this.place(index);
      return tf.pad(map, [[0, 0], [row, this.rows - row - rows], [column, this.columns - column - columns], [0, 0]]);
    });
    return tf.addN(padded);
  }

  /** 1 where a map lies, 0 between, [1, H, W, 1]: what a convolution writes between them must go before the next. */
  mask(): tf.Tensor4D {
    const values = new Float32Array(this.rows * this.columns);
    for (const { row, column, rows, columns } of this.places) {
      for (let y = row; y < row + rows; y += 1) values.fill(1, y * this.columns + column, y * this.columns + column + columns);
    }
    return tf.tensor4d(values, [1, this.rows, this.columns, 1]);
  }

  /** The maps again. */
  split(mosaic: tf.Tensor4D): tf.Tensor4D[] {
    const [batch, , , channels] = mosaic.shape;
    return this.places.map(({ row, column, rows, columns }) => tf.slice4d(mosaic, [0, row, column, 0], [batch, rows, columns, channels]));
  }

  private place(index: number): Place {
    const place = this.places[index];
    if (place === undefined) throw new RangeError(`no map ${index} in the mosaic`);
    return place;
  }
}
