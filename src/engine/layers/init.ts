/** Initial values of weights, as PyTorch's initialisers. Shapes are ours: convolutions HWIO, so fans are read from the end. */
import { type Initializer } from '../parameters.ts';
import { type Random } from '../random.ts';
import { sizeOf } from '../hostTensor.ts';

export function constant(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

export const zeros = constant(0);

export function normal(deviation: number, mean = 0): Initializer {
  return (shape, random) => fillNormal(new Float32Array(sizeOf(shape)), random, mean, deviation);
}

export function uniform(bound: number): Initializer {
  return (shape, random) => new Float32Array(sizeOf(shape)).map(() => random.uniform(-bound, bound));
}

/** He et al. 2015, normal: deviation √(2 / fan). MMDetection and torchvision use `out` for ResNets. */
export function kaimingNormal(mode: 'in' | 'out' = 'out'): Initializer {
  return (shape, random) => normal(Math.sqrt(2 / (mode === 'in' ? fanIn(shape) : fanOut(shape))))(shape, random);
}

/** He et al. 2015, uniform with the slope `a` of a leaky rectifier: bound √(6 / ((1 + a²) fan in)). */
export function kaimingUniform(a = 0): Initializer {
  return (shape, random) => uniform(Math.sqrt(6 / ((1 + a * a) * fanIn(shape))))(shape, random);
}

/** Glorot & Bengio 2010: bound √(6 / (fan in + fan out)). */
export const xavierUniform: Initializer = (shape, random) => uniform(Math.sqrt(6 / (fanIn(shape) + fanOut(shape))))(shape, random);

/** What `torch.nn.Conv2d` and `torch.nn.Linear` do by themselves: Kaiming uniform with a = √5, that is ±1/√fan in. */
export const pytorchDefault: Initializer = kaimingUniform(Math.sqrt(5));

/** The bias that goes with `pytorchDefault`. @param inputs fan in of the weight: kernel height · width · input channels */
export function pytorchBias(inputs: number): Initializer {
  return uniform(1 / Math.sqrt(inputs));
}

export function fanIn(shape: readonly number[]): number {
  return sizeOf(shape.slice(0, -1));
}

export function fanOut(shape: readonly number[]): number {
  return sizeOf(shape) / (shape.at(-2) ?? 1);
}

/** Box–Muller with both numbers of the pair: networks have tens of millions of weights. */
function fillNormal(values: Float32Array, random: Random, mean: number, deviation: number): Float32Array {
  for (let index = 0; index < values.length; index += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    values[index] = mean + radius * Math.cos(angle);
    if (index + 1 < values.length) values[index + 1] = mean + radius * Math.sin(angle);
  }
  return values;
}
