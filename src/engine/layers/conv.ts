/** Convolution with PyTorch's symmetric padding. */
import * as tf from '@tensorflow/tfjs';
import { type Initializer, type Parameters } from '../parameters.ts';
import { addBias } from './activation.ts';
import { groupedConv } from './groupedConv.ts';
import { pytorchDefault, zeros } from './init.ts';

/** A layer: [N, H, W, C] in, [N, H', W', C'] out. */
export type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

export interface ConvOptions {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Cells added on each side; default keeps the size at stride 1. */
  readonly pad?: number;
  /** Parts that channels fall into, each convolved by itself; default 1. */
  readonly groups?: number;
  readonly bias?: boolean;
  readonly init?: Initializer;
  readonly biasInit?: Initializer;
  readonly trainable?: boolean;
}

/** Makes `name.weight` (HWIO, where I is the inputs of one group) and, unless `bias` is false, `name.bias`. */
export function conv2d(parameters: Parameters, name: string, options: ConvOptions): Layer {
  const { kernel, stride = 1, pad = Math.floor(kernel / 2), groups = 1, trainable = true } = options;
  const shape = [kernel, kernel, options.in / groups, options.out];
  const weight = parameters.create(`${name}.weight`, shape, options.init ?? pytorchDefault, { layout: 'convolution', trainable }) as unknown as tf.Tensor4D;
  const bias = options.bias === false ? undefined : parameters.create(`${name}.bias`, [options.out], options.biasInit ?? zeros, { trainable });
  return (x) => {
    const y = kernel === 1 && pad === 0 ? groupedConv(everyNth(x, stride), weight, groups, 1, 'valid') : windowed(x);
    return bias === undefined ? y : addBias(y, bias);
  };

  function windowed(x: tf.Tensor4D): tf.Tensor4D {
    const padding = choosePadding([x.shape[1], x.shape[2]], kernel, stride, pad);
    const input = typeof padding === 'string' ? x : tf.pad(x, padding);
    return groupedConv(input, weight, groups, stride, padding === 'same' ? 'same' : 'valid');
  }
}

/**
 * The cells that a 1×1 convolution with a stride reads. Taken beforehand, because the filter gradient of such a convolution writes
 * beyond its memory in TensorFlow 2.21's CPU kernels (oneDNN, few channels): it ended processes.
 */
function everyNth(x: tf.Tensor4D, stride: number): tf.Tensor4D {
  return stride === 1 ? x : tf.avgPool(x, 1, stride, 'valid');
}

export type Padding = 'same' | 'valid' | [[0, 0], [number, number], [number, number], [0, 0]];

/**
 * PyTorch pads both sides alike, TensorFlow's `same` pads what the last window needs: they differ at stride 2 and even sizes.
 * Where they agree the native padding is used; elsewhere only the cells that some window reads are added.
 */
export function choosePadding(size: readonly [number, number], kernel: number, stride: number, pad: number): Padding {
  const wanted = size.map((cells) => explicitPadding(cells, kernel, stride, pad)) as [[number, number], [number, number]];
  if (wanted.every(([before, after]) => before === 0 && after === 0)) return 'valid';
  const same = size.every((cells, axis) => {
    const [before, after] = samePadding(cells, kernel, stride);
    return before === wanted[axis]?.[0] && after === wanted[axis][1];
  });
  return same ? 'same' : [[0, 0], wanted[0], wanted[1], [0, 0]];
}

function explicitPadding(cells: number, kernel: number, stride: number, pad: number): [number, number] {
  const outputs = Math.floor((cells + 2 * pad - kernel) / stride) + 1;
  if (outputs < 1) throw new RangeError(`a map of ${cells} cells is too small for a ${kernel}×${kernel} window with padding ${pad}`);
  return [pad, Math.max(0, (outputs - 1) * stride + kernel - pad - cells)];
}

function samePadding(cells: number, kernel: number, stride: number): [number, number] {
  const total = Math.max(0, (Math.ceil(cells / stride) - 1) * stride + kernel - cells);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}
