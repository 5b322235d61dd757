/** The adapter of the early imitation methods: a 3×3 convolution that starts near 0, trained with the student and thrown away. */
import { conv2d, type Layer } from '../../engine/layers/conv.ts';
import { normal, pytorchBias } from '../../engine/layers/init.ts';
import { type Initializer, type Parameters } from '../../engine/parameters.ts';

/** What these methods' code takes for a truncated normal: N(0, 1) wrapped at ±2, times 1e-4. */
const nearZero: Initializer = (shape, random) => normal(1)(shape, random).map((value) => (value % 2) * 1e-4);

/** @param name `distill.<method>.<level>.<part>` */
export function hintAdapter(parameters: Parameters, name: string, from: number, to: number): Layer {
  return conv2d(parameters, name, { in: from, out: to, kernel: 3, init: nearZero, biasInit: pytorchBias(9 * from) });
}
