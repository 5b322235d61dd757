/**
 * Exponential moving average without the bias towards its start: s_n = Σ w^(n−i)·y_i / Σ w^(n−i).
 * Grows with its series; only a changed weight or a cut begins anew.
 */
import { Column } from '../columns.ts';

export class Smoother {
  #weight = -1;
  #generation = -1;
  #column = new Column();
  #sum = 0;
  #norm = 0;

  /** @param weight 0 (the values themselves) … 0.999 */
  update(values: ArrayLike<number>, weight: number, generation: number): Column {
    if (weight !== this.#weight || generation !== this.#generation || values.length < this.#column.length) {
      this.#weight = weight;
      this.#generation = generation;
      this.#column = new Column();
      this.#sum = this.#norm = 0;
    }
    for (let i = this.#column.length; i < values.length; i += 1) this.#column.push(this.#next(values[i] ?? NaN));
    return this.#column;
  }

  #next(value: number): number {
    if (!Number.isFinite(value)) return NaN;
    this.#sum = this.#weight * this.#sum + value;
    this.#norm = this.#weight * this.#norm + 1;
    return this.#sum / this.#norm;
  }
}
