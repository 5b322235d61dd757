/**
 * The named weights of a network: trainable parameters and buffers (running statistics), in one store.
 *
 * Names are MMDetection's (`backbone.layer1.0.conv1.weight`), values are kept in our layout (convolutions HWIO, linear IO);
 * `layout` says how PyTorch keeps the same tensor, so that `stateDict` and `load` can turn it round.
 */
import * as tf from '@tensorflow/tfjs';
import { type Random } from './random.ts';

/** How PyTorch lays out the same tensor: `convolution` OIHW for our HWIO, `linear` OI for our IO, `plain` the same. */
export type WeightLayout = 'convolution' | 'linear' | 'plain';

export interface Parameter {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly layout: WeightLayout;
  /** False for buffers (batch norm's running statistics) and frozen weights: no gradient, no optimizer state. */
  readonly trainable: boolean;
  /** False where weight decay makes no sense whatever the recipe; `decayNorms` of the recipe is the optimizer's. */
  readonly decay: boolean;
}

export type Initializer = (shape: readonly number[], random: Random) => Float32Array;

export interface ParameterOptions {
  readonly layout?: WeightLayout;
  readonly trainable?: boolean;
  readonly decay?: boolean;
}

export class Parameters {
  private readonly byName = new Map<string, Parameter>();
  private readonly random: Random;

  /** @param random draws the initial values, in the order of creation. */
  constructor(random: Random) {
    this.random = random;
  }

  /** Makes a weight; the same name twice is a programming error. */
  create(name: string, shape: readonly number[], init: Initializer, options: ParameterOptions = {}): tf.Variable {
    if (this.byName.has(name)) throw new Error(`parameter ${name} exists already`);
    const { layout = 'plain', trainable = true, decay = true } = options;
    const value = tf.tensor(init(shape, this.random), [...shape], 'float32');
    const variable = tf.variable(value, trainable);
    value.dispose();
    this.byName.set(name, { name, variable, layout, trainable, decay });
    return variable;
  }

  get(name: string): Parameter | undefined {
    return this.byName.get(name);
  }

  all(): readonly Parameter[] {
    return [...this.byName.values()];
  }

  trainable(): readonly Parameter[] {
    return this.all().filter((parameter) => parameter.trainable);
  }

  /** Number of values, trainable and not. */
  count(): number {
    return this.all().reduce((sum, { variable }) => sum + variable.size, 0);
  }

  dispose(): void {
    for (const { variable } of this.byName.values()) variable.dispose();
    this.byName.clear();
  }
}
