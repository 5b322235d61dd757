import type * as tf from '@tensorflow/tfjs';
import { Parameters, type Initializer, type ParameterOptions } from './parameters.ts';
import { Random } from './random.ts';

/** Makes weights in another store under a prefix: a network inside a network. Only `create` is meant to be used. */
export class ScopedParameters extends Parameters {
  private readonly parent: Parameters;
  private readonly prefix: string;

  constructor(parent: Parameters, prefix: string) {
    // Values are drawn by the parent.
    super(Random.of(0));
    this.parent = parent;
    this.prefix = prefix;
  }

  override create(name: string, shape: readonly number[], init: Initializer, options?: ParameterOptions): tf.Variable {
    return this.parent.create(`${this.prefix}.${name}`, shape, init, options);
  }
}
