/** A mixture of two normal distributions over numbers, fitted by expectation maximisation in doubles, as scikit-learn fits it. */
export interface Fit {
  /** The likelier component of each sample. */
  readonly component: Uint8Array;
  /** Log evidence of each sample under the whole mixture. */
  readonly evidence: Float64Array;
}

const STEPS = 100;
/** Change of the mean log evidence below which the fit ends. */
const TOLERANCE = 1e-3;
/** Added to variances. */
const LEAST_VARIANCE = 1e-6;

interface Component {
  readonly weight: number;
  readonly mean: number;
  readonly variance: number;
}

type Pair = readonly [Component, Component];

/** @param samples rising */
export function fitPair(samples: readonly number[]): Fit {
  let pair: Pair = [
    { weight: 0.5, mean: samples[0] ?? 0, variance: 1 },
    { weight: 0.5, mean: samples.at(-1) ?? 0, variance: 1 },
  ];
  let before = Number.NEGATIVE_INFINITY;
  for (let step = 0; step < STEPS; step += 1) {
    const { shares, evidence } = expect(samples, pair);
    pair = maximise(samples, shares);
    const mean = evidence.reduce((sum, value) => sum + value, 0) / samples.length;
    if (Math.abs(mean - before) < TOLERANCE) break;
    before = mean;
  }
  const { second, evidence } = expect(samples, pair);
  return { component: second, evidence };
}

interface Expectation {
  /** What each component has in each sample. */
  readonly shares: readonly [Float64Array, Float64Array];
  /** 1 where the second component is likelier. */
  readonly second: Uint8Array;
  readonly evidence: Float64Array;
}

function expect(samples: readonly number[], [a, b]: Pair): Expectation {
  const result = { shares: [new Float64Array(samples.length), new Float64Array(samples.length)] as const, second: new Uint8Array(samples.length), evidence: new Float64Array(samples.length) };
  for (const [index, value] of samples.entries()) {
    const [first, second] = [logDensity(a, value), logDensity(b, value)];
    const most = Math.max(first, second);
    const evidence = most + Math.log(Math.exp(first - most) + Math.exp(second - most));
    result.evidence[index] = evidence;
    result.shares[0][index] = Math.exp(first - evidence);
    result.shares[1][index] = Math.exp(second - evidence);
    result.second[index] = second > first ? 1 : 0;
  }
  return result;
}

function logDensity({ weight, mean, variance }: Component, value: number): number {
  return Math.log(weight) - 0.5 * (Math.log(2 * Math.PI) + Math.log(variance) + (value - mean) ** 2 / variance);
}

function maximise(samples: readonly number[], shares: readonly [Float64Array, Float64Array]): Pair {
  const fitted = shares.map((own) => {
    const count = own.reduce((sum, share) => sum + share, 0) + 10 * Number.EPSILON;
    const mean = samples.reduce((sum, value, index) => sum + (own[index] ?? 0) * value, 0) / count;
    const square = samples.reduce((sum, value, index) => sum + (own[index] ?? 0) * value * value, 0) / count;
    return { weight: count, mean, variance: square - mean ** 2 + LEAST_VARIANCE };
  });
  const all = fitted.reduce((sum, { weight }) => sum + weight, 0);
  const [a, b] = fitted.map((component) => ({ ...component, weight: component.weight / all }));
  if (a === undefined || b === undefined) throw new Error('a pair has two components');
  return [a, b];
}
