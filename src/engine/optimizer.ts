/**
 * SGD with momentum and AdamW, with PyTorch's conventions, as part of a step: gradients in, updates out.
 * What changes from step to step (learning rate, Adam's bias corrections) is an input, so that a captured step can be replayed.
 */
import * as tf from '@tensorflow/tfjs';
import { float32, type HostTensors } from './hostTensor.ts';
import { squaredNorm } from './ops/squaredNorm.ts';
import { type Parameter } from './parameters.ts';
import { adamUpdate, momentumUpdate, type Update } from './updates.ts';

export interface OptimizerConfig {
  readonly optimizer: 'sgd' | 'adamw';
  readonly momentum: number;
  readonly betas: readonly [number, number];
  readonly weightDecay: number;
  /** False: only weights of convolutions and linear layers decay, not norms and biases. */
  readonly decayNorms: boolean;
  /** Largest norm of the whole gradient; 0 is off. */
  readonly clip: number;
}

/** PyTorch's ε for AdamW. */
const EPSILON = 1e-8;

export interface OptimizerStep {
  readonly updates: readonly Update[];
  /** Norm of the whole gradient before clipping. */
  readonly gradientNorm: tf.Scalar;
}

export class Optimizer {
  private readonly config: OptimizerConfig;
  private readonly parameters: readonly Parameter[];
  private readonly slotsOf = new Map<Parameter, readonly tf.Variable[]>();

  constructor(config: OptimizerConfig, parameters: readonly Parameter[]) {
    this.config = config;
    this.parameters = parameters;
    const count = config.optimizer === 'sgd' ? 1 : 2;
    for (const parameter of parameters) {
      this.slotsOf.set(parameter, Array.from({ length: count }, () => tf.tidy(() => tf.variable(tf.zeros(parameter.variable.shape), false))));
    }
  }

  /** Name → state variable (`momentum.<weight>`, `first.<weight>`, `second.<weight>`), for checkpoints. */
  state(): ReadonlyMap<string, tf.Variable> {
    const kinds = this.config.optimizer === 'sgd' ? ['momentum'] : ['first', 'second'];
    return new Map([...this.slotsOf].flatMap(([parameter, slots]) => slots.map((slot, index) => [`${kinds[index]}.${parameter.name}`, slot] as const)));
  }

  dispose(): void {
    for (const slot of this.state().values()) slot.dispose();
  }

  /** What `apply` needs at this step, counted from 0. */
  inputs(step: number, learningRate: number): HostTensors {
    const [beta1, beta2] = this.config.betas;
    const scalar = (value: number): HostTensors[string] => float32([], Float32Array.of(value));
    const rate = { 'optimizer.rate': scalar(learningRate) };
    if (this.config.optimizer === 'sgd') return rate;
    return {
      ...rate,
      'optimizer.beta1Power': scalar(beta1 ** (step + 1)),
      'optimizer.beta2Power': scalar(beta2 ** (step + 1)),
      'optimizer.epsilon': scalar(EPSILON * Math.sqrt(1 - beta2 ** (step + 1))),
      'optimizer.decay': scalar(learningRate * this.config.weightDecay),
    };
  }

  /**
   * @param gradients by the variables' names, as `tf.variableGrads` gives them
   * @param moves for weights that wait: 0 leaves the weight as it is, decay and momentum too; 1 or undefined moves it as the others
   */
  apply(gradients: Readonly<Record<string, tf.Tensor>>, inputs: Readonly<Record<string, tf.Tensor>>, moves?: (parameter: Parameter) => tf.Scalar | undefined): OptimizerStep {
    const gradientOf = (parameter: Parameter): tf.Tensor => {
      const gradient = gradients[parameter.variable.name];
      if (gradient === undefined) throw new Error(`no gradient reaches ${parameter.name}`);
      return gradient;
    };
    const norms = this.parameters.map((parameter) => squaredNorm(gradientOf(parameter)));
    const gradientNorm = tf.sqrt(tf.addN(norms));
    // torch.nn.utils.clip_grad_norm_: the factor is clip / (norm + 1e-6), at most 1.
    const factor = this.config.clip > 0 ? tf.minimum(tf.div(this.config.clip, tf.add(gradientNorm, 1e-6)), 1) : undefined;
    const updates = this.parameters.map((parameter) => {
      const gradient = gradientOf(parameter);
      return this.update(parameter, factor === undefined ? gradient : tf.mul(gradient, factor), inputs, moves?.(parameter));
    });
    return { updates, gradientNorm };
  }

  private update(parameter: Parameter, gradient: tf.Tensor, inputs: Readonly<Record<string, tf.Tensor>>, moves: tf.Scalar | undefined): Update {
    const slots = this.slotsOf.get(parameter) ?? [];
    const [first, second] = slots as [tf.Variable, tf.Variable];
    const moved = (name: string): tf.Scalar => moves === undefined ? input(inputs, name) : tf.mul(input(inputs, name), moves);
    const rate = moved('optimizer.rate');
    const decays = this.config.weightDecay > 0 && this.decays(parameter);
    const { variable } = parameter;
    if (this.config.optimizer === 'sgd') {
      const decayed = decays ? tf.add(gradient, tf.mul(variable, this.config.weightDecay)) : gradient;
      return momentumUpdate(variable, first, decayed, rate, tf.scalar(this.config.momentum));
    }
    const [beta1, beta2] = this.config.betas;
    return adamUpdate(variable, first, second, gradient, {
      rate, beta1: tf.scalar(beta1), beta2: tf.scalar(beta2),
      beta1Power: input(inputs, 'optimizer.beta1Power'), beta2Power: input(inputs, 'optimizer.beta2Power'), epsilon: input(inputs, 'optimizer.epsilon'),
      decay: decays ? moved('optimizer.decay') : undefined,
    });
  }

  private decays({ decay, variable }: Parameter): boolean {
    return decay && (this.config.decayNorms || variable.rank > 1);
  }
}

function input(inputs: Readonly<Record<string, tf.Tensor>>, name: string): tf.Scalar {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`the step was not given ${name}`);
  return tensor as tf.Scalar;
}
