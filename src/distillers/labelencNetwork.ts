/**
 * LabelEnc's label encoding function: bottlenecks without any norm over the label map, and a pyramid of the detector's kind.
 * Names of weights are the reference's.
 */
import * as tf from '@tensorflow/tfjs';
import { createNeck } from '../detectors/neck.ts';
import { relu } from '../engine/layers/activation.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { kaimingUniform, pytorchBias } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';
import { ScopedParameters } from '../engine/scopedParameters.ts';

export interface EncoderForm {
  readonly classes: number;
  /** Of the pyramid. */
  readonly channels: number;
  readonly levels: number;
  readonly stem: number;
  readonly stages: readonly number[];
  readonly middle: readonly number[];
  /** Of the first convolution: 1 where the label map has half the input's sides. */
  readonly stemStride: 1 | 2;
  readonly p6From: 'c5' | 'p5';
  readonly trainable: boolean;
}

/** Blocks of the four stages, strides 4 to 32. */
const BLOCKS = [1, 2, 2, 1];

export const PUBLISHED_FORM = { stem: 128, stages: [256, 512, 1024, 2048], middle: [64, 128, 256, 512] } as const;

/** @returns from label maps [N, H, W, K] to features P3… */
export function labelEncodingFunction(parameters: Parameters, name: string, form: EncoderForm): (maps: tf.Tensor4D) => tf.Tensor4D[] {
  const { trainable, levels } = form;
  const lateral = Math.min(levels, 3);
  const stem = conv2d(parameters, `${name}.lef.stage1`, { in: form.classes, out: form.stem, kernel: 7, stride: form.stemStride, biasInit: pytorchBias(49 * form.classes), trainable });
  let width = form.stem;
  const stages = BLOCKS.slice(0, lateral + 1).map((count, index) => {
    const [middle, out] = [form.middle[index] ?? 1, form.stages[index] ?? 1];
    const blocks = Array.from({ length: count }, (_, block) => {
      const root = `${name}.lef.stage${index + 2}${count > 1 ? `.${block}` : ''}`;
      const layer = bottleneck(parameters, root, width, middle, out, block === 0 ? 2 : 1, trainable);
      width = out;
      return layer;
    });
    return (x: tf.Tensor4D): tf.Tensor4D => blocks.reduce((y, block) => block(y), x);
  });
  const neck = createNeck(new ScopedParameters(parameters, `${name}.fpn`), {
    inputs: form.stages.slice(1, lateral + 1), channels: form.channels, levels, p6From: form.p6From, reluBeforeP7: true, trainable,
  });
  return (maps) => {
    let x = stem(maps);
    const outputs = stages.map((stage) => (x = stage(x)));
    return neck(outputs.slice(1));
  };
}

/** 1×1, 3×3 with the stride, 1×1, and the input beside them (by a 1×1 convolution where width or size changes). */
function bottleneck(parameters: Parameters, name: string, from: number, middle: number, to: number, stride: 1 | 2, trainable: boolean): Layer {
  const convolve = (part: string, inputs: number, outputs: number, kernel: 1 | 3, steps: 1 | 2): Layer =>
    conv2d(parameters, `${name}.${part}`, { in: inputs, out: outputs, kernel, stride: steps, init: kaimingUniform(1), biasInit: pytorchBias(kernel ** 2 * inputs), trainable });
  const shortcut: Layer = from === to && stride === 1 ? (x) => x
    : conv2d(parameters, `${name}.downsample.0`, { in: from, out: to, kernel: 1, stride, bias: false, init: kaimingUniform(1), trainable });
  const [first, second, third] = [convolve('con1', from, middle, 1, 1), convolve('con2', middle, middle, 3, stride), convolve('con3', middle, to, 1, 1)];
  return (x) => relu(tf.add(third(relu(second(relu(first(x))))), shortcut(x)));
}
