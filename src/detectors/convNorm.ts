/** A convolution and the norm after it, which may be folded into it: what backbones are built of. */
import type * as tf from '@tensorflow/tfjs';
import { type NormLayer } from '../engine/layers/batchNorm.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { kaimingNormal } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';
import { type ForwardMode } from './detector.ts';
import { createNorm, type NormSettings } from './norms.ts';

/** A layer whose norms do one thing in training and another elsewhere. */
export type ModeLayer = (x: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D;

export interface ConvNormForm {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

export function convNorm(parameters: Parameters, convName: string, normName: string, form: ConvNormForm, norm: NormSettings): ModeLayer {
  const conv: Layer = conv2d(parameters, convName, { ...form, bias: norm.kind === 'folded', init: kaimingNormal('out'), trainable: norm.trainable });
  const layer: NormLayer = createNorm(parameters, normName, form.out, norm);
  return (x, mode) => layer(conv(x), mode);
}
