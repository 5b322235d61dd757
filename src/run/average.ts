/** Exponential moving average of a network's weights, kept in the program beside them. */
import * as tf from '@tensorflow/tfjs';
import { type Detector } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type FunctionSpec, type Program } from '../engine/program.ts';

export class WeightAverage {
  readonly variables: readonly tf.Variable[];
  private readonly decay: number;
  private readonly weights: readonly tf.Variable[];

  constructor(decay: number, weights: readonly tf.Variable[]) {
    this.decay = decay;
    this.weights = weights;
    // Copies of the values: a clone would share its data with the weight.
    this.variables = weights.map((weight) => tf.tidy(() => tf.variable(tf.tensor(weight.dataSync(), weight.shape), false)));
  }

  /** average ← decay · average + (1 − decay) · weight. */
  function(): FunctionSpec {
    return {
      example: this.inputs(0),
      run: ({ decay }) => ({
        outputs: {},
        updates: this.variables.map((average, index) => {
          const weight = this.weights[index] as tf.Variable;
          return [average, tf.add(weight, tf.mul(tf.sub(average, weight), decay as tf.Scalar))] as const;
        }),
      }),
    };
  }

  /** Early on the average follows faster, (1 + t) / (10 + t), so that it does not remember the first random weights. */
  inputs(step: number): HostTensors {
    return { decay: float32([], Float32Array.of(Math.min(this.decay, (1 + step) / (10 + step)))) };
  }

  /** Puts the average in place of the weights. @returns what to write to undo it. */
  exchange(program: Program): (readonly [tf.Variable, Float32Array])[] {
    const trained = program.read(this.weights);
    const averaged = program.read(this.variables);
    program.write(this.weights.map((weight, index) => [weight, averaged[index] as Float32Array] as const));
    return this.weights.map((weight, index) => [weight, trained[index] as Float32Array] as const);
  }

  dispose(): void {
    for (const variable of this.variables) variable.dispose();
  }

  /** Under the network's own names, for checkpoints. */
  named(detector: Detector): ReadonlyMap<string, tf.Variable> {
    return new Map(detector.parameters.all().map(({ name }, index) => [name, this.variables[index] as tf.Variable] as const));
  }
}
