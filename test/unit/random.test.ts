import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/random.ts';

describe('Random', () => {
  it('goes on from a saved state as if it had not been interrupted', () => {
    const random = Random.of(7, 3);
    random.uniform();
    const restored = Random.restore(random.save());
    expect(Array.from({ length: 50 }, () => restored.normal())).toEqual(Array.from({ length: 50 }, () => random.normal()));
  });

  it('gives other numbers for other keys and the same for the same', () => {
    expect(Random.of(1, 2).nextUint32()).not.toBe(Random.of(2, 1).nextUint32());
    expect(Random.of(0).nextUint32()).not.toBe(Random.of(0, 0).nextUint32());
    expect(Random.of(1, 2).nextUint32()).toBe(Random.of(1, 2).nextUint32());
  });

  it('fills an array with what it would draw one by one, and goes on behind it', () => {
    const [random, other] = [Random.of(5), Random.of(5)];
    const filled = new Uint32Array(1000);
    random.fill(filled);
    expect([...filled]).toEqual(Array.from({ length: 1000 }, () => other.nextUint32()));
    expect(random.save()).toEqual(other.save());
  });

  it('is uniform: mean and variance of 100,000 draws lie within five standard errors', () => {
    const random = Random.of(42);
    const draws = Array.from({ length: 100_000 }, () => random.uniform());
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / draws.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
  });
});
