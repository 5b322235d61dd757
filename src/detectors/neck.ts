/**
 * Feature pyramid (Lin et al. 2017) under MMDetection's names: `neck.lateral_convs.i.conv`, `neck.fpn_convs.i.conv`.
 * Levels start at P3. P6 and P7 are strided convolutions of C5 or P5.
 */
import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { conv2d } from '../engine/layers/conv.ts';
import { xavierUniform } from '../engine/layers/init.ts';
import { upsampleNearest } from '../engine/layers/pooling.ts';
import { type Parameters } from '../engine/parameters.ts';

export interface NeckSettings {
  /** Channels of C3, C4, C5, as many as are used. */
  readonly inputs: readonly number[];
  readonly channels: number;
  readonly levels: number;
  readonly p6From: 'c5' | 'p5';
  /** torchvision rectifies P6 before P7 is made of it; MMDetection does not. */
  readonly reluBeforeP7: boolean;
  readonly trainable: boolean;
}

/** @returns from C3… to P3…, finest first, before any activation */
export function createNeck(parameters: Parameters, settings: NeckSettings): (maps: readonly tf.Tensor4D[]) => tf.Tensor4D[] {
  const { inputs, channels, levels, p6From, trainable } = settings;
  const common = { out: channels, init: xavierUniform, trainable };
  const lateral = inputs.map((width, index) => conv2d(parameters, `neck.lateral_convs.${index}.conv`, { ...common, in: width, kernel: 1 }));
  const output = inputs.map((_, index) => conv2d(parameters, `neck.fpn_convs.${index}.conv`, { ...common, in: channels, kernel: 3 }));
  const extra = Array.from({ length: levels - inputs.length }, (_, index) => {
    const width = index === 0 && p6From === 'c5' ? (inputs.at(-1) ?? channels) : channels;
    return conv2d(parameters, `neck.fpn_convs.${inputs.length + index}.conv`, { ...common, in: width, kernel: 3, stride: 2 });
  });

  return (maps) => {
    const merged = lateral.map((layer, index) => layer(mapAt(maps, index)));
    for (let index = merged.length - 2; index >= 0; index -= 1) {
      const finer = mapAt(merged, index);
      merged[index] = tf.add(finer, upsampleNearest(mapAt(merged, index + 1), [finer.shape[1], finer.shape[2]]));
    }
    const levelsOut = output.map((layer, index) => layer(mapAt(merged, index)));
    let last = mapAt(p6From === 'c5' ? maps : levelsOut, inputs.length - 1);
    for (const [index, layer] of extra.entries()) {
      last = layer(index > 0 && settings.reluBeforeP7 ? relu(last) : last);
      levelsOut.push(last);
    }
    return levelsOut;
  };
}

function mapAt(maps: readonly tf.Tensor4D[], index: number): tf.Tensor4D {
  const map = maps[index];
  if (map === undefined) throw new RangeError(`the neck wants map ${index}, there are ${maps.length}`);
  return map;
}
