/** How well one set of values follows linearly from another: least squares in doubles, on the host. */

/** Sums over samples of pairs x [C], y [D], from which the best linear map with a bias follows. */
export class PairedMoments {
  private count = 0;
  private readonly widths: readonly [x: number, y: number];
  private readonly sumX: Float64Array;
  private readonly sumY: Float64Array;
  private readonly squaresY: Float64Array;
  /** Lower triangle of Σ x xᵀ, and Σ x yᵀ; rows are x. */
  private readonly gram: Float64Array;
  private readonly cross: Float64Array;

  constructor(x: number, y: number) {
    this.widths = [x, y];
    this.sumX = new Float64Array(x);
    this.sumY = new Float64Array(y);
    this.squaresY = new Float64Array(y);
    this.gram = new Float64Array(x * x);
    this.cross = new Float64Array(x * y);
  }

  add(x: ArrayLike<number>, y: ArrayLike<number>): void {
    const [width, height] = this.widths;
    this.count += 1;
    for (let i = 0; i < width; i += 1) {
      const value = x[i] as number;
      this.sumX[i] = (this.sumX[i] as number) + value;
      for (let j = 0, at = i * width; j <= i; j += 1, at += 1) this.gram[at] = (this.gram[at] as number) + value * (x[j] as number);
      for (let j = 0, at = i * height; j < height; j += 1, at += 1) this.cross[at] = (this.cross[at] as number) + value * (y[j] as number);
    }
    for (let j = 0; j < height; j += 1) {
      const value = y[j] as number;
      this.sumY[j] = (this.sumY[j] as number) + value;
      this.squaresY[j] = (this.squaresY[j] as number) + value * value;
    }
  }

  /**
   * What the best map x → W x + b leaves of y: mean squared error / variance, both summed over the channels of y; 0 … 1.
   * y that does not vary is explained by the bias alone: 0.
   * @param ridge held against W, as a part of the mean variance of a channel of x
   */
  unexplained(ridge: number): number {
    const [width, height] = this.widths;
    const count = Math.max(1, this.count);
    let variance = 0;
    for (let j = 0; j < height; j += 1) variance += (this.squaresY[j] as number) / count - ((this.sumY[j] as number) / count) ** 2;
    if (variance <= 1e-12 * this.squaresY.reduce((sum, square) => sum + square, 0) / count) return 0;
    const covariance = new Float64Array(width * width);
    let trace = 0;
    for (let i = 0; i < width; i += 1) {
      for (let j = 0; j <= i; j += 1) covariance[i * width + j] = (this.gram[i * width + j] as number) / count - (this.sumX[i] as number) * (this.sumX[j] as number) / count ** 2;
      trace += covariance[i * width + i] as number;
    }
    // Without any variance of x every direction is held at nothing.
    const held = ridge * (trace > 0 ? trace / width : 1);
    for (let i = 0; i < width; i += 1) covariance[i * width + i] = (covariance[i * width + i] as number) + held;
    const factor = cholesky(covariance, width);
    let explained = 0;
    const column = new Float64Array(width);
    for (let j = 0; j < height; j += 1) {
      for (let i = 0; i < width; i += 1) column[i] = (this.cross[i * height + j] as number) / count - (this.sumX[i] as number) * (this.sumY[j] as number) / count ** 2;
      const weights = solve(factor, width, column);
      // MSE = var y − 2 wᵀc + wᵀ G w = var y − wᵀc − held |w|², with (G + held) w = c.
      for (let i = 0; i < width; i += 1) explained += (weights[i] as number) * ((column[i] as number) + held * (weights[i] as number));
    }
    return Math.min(1, Math.max(0, (variance - explained) / variance));
  }
}

/** Pivots below this part of the diagonal are rounding: the direction is left out. */
const LEAST_PIVOT = 1e-13;

/** L of A = L Lᵀ, row-major, from A's lower triangle. Directions without variance get 0 on the diagonal. */
export function cholesky(lower: Float64Array, size: number): Float64Array {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = lower[i * size + j] as number;
      for (let k = 0; k < j; k += 1) sum -= (factor[i * size + k] as number) * (factor[j * size + k] as number);
      if (i === j) factor[i * size + i] = sum > LEAST_PIVOT * (lower[i * size + i] as number) ? Math.sqrt(sum) : 0;
      else {
        const pivot = factor[j * size + j] as number;
        factor[i * size + j] = pivot === 0 ? 0 : sum / pivot;
      }
    }
  }
  return factor;
}

/** x of L Lᵀ x = b; 0 in directions left out. */
function solve(factor: Float64Array, size: number, right: Float64Array): Float64Array {
  const values = Float64Array.from(right);
  for (let i = 0; i < size; i += 1) {
    let sum = values[i] as number;
    for (let k = 0; k < i; k += 1) sum -= (factor[i * size + k] as number) * (values[k] as number);
    const pivot = factor[i * size + i] as number;
    values[i] = pivot === 0 ? 0 : sum / pivot;
  }
  for (let i = size - 1; i >= 0; i -= 1) {
    let sum = values[i] as number;
    for (let k = i + 1; k < size; k += 1) sum -= (factor[k * size + i] as number) * (values[k] as number);
    const pivot = factor[i * size + i] as number;
    values[i] = pivot === 0 ? 0 : sum / pivot;
  }
  return values;
}
