/** The student-side adapter of methods that learn from labels: three 3×3 convolutions with rectifiers between them, one set for all levels. */
import type * as tf from '@tensorflow/tfjs';
import { relu } from '../../engine/layers/activation.ts';
import { conv2d, type Layer } from '../../engine/layers/conv.ts';
import { pytorchBias } from '../../engine/layers/init.ts';
import { type Parameters } from '../../engine/parameters.ts';

/** 3×3 convolution that keeps the width, as `torch.nn.Conv2d` starts it. */
export function convolution(parameters: Parameters, name: string, channels: number): Layer {
  return conv2d(parameters, name, { in: channels, out: channels, kernel: 3, biasInit: pytorchBias(9 * channels) });
}

/** Makes `<name>.0`, `<name>.2`, `<name>.4`. */
export function convAdapter(parameters: Parameters, name: string, channels: number): Layer {
  const layers = [0, 2, 4].map((index) => convolution(parameters, `${name}.${index}`, channels));
  return (x) => layers.reduce<tf.Tensor4D>((y, layer, index) => layer(index === 0 ? y : relu(y)), x);
}
