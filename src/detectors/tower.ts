/**
 * A head's tower: 3×3 convolutions, each with an optional group norm and a rectifier, shared by all levels.
 * Names are MMDetection's: `bbox_head.cls_convs.i.conv`, `bbox_head.cls_convs.i.gn`.
 */
import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { groupNorm, groupsFor } from '../engine/layers/groupNorm.ts';
import { normal } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';

export interface TowerSettings {
  readonly channels: number;
  readonly convs: number;
  readonly norm: 'none' | 'group';
  /** Whether the convolutions have biases even where a norm follows; without a norm they always have. */
  readonly bias?: boolean;
  readonly trainable: boolean;
}

export interface TowerRun {
  /** After the last activation. */
  readonly out: tf.Tensor4D;
  /** Each block before its activation; those that were skipped are left out. */
  readonly blocks: readonly tf.Tensor4D[];
}

/**
 * From block `from` on: its input is the features where `from` is 0, else what goes into the activation of the block before.
 * @param mask of the cells that count: all others are 0 after each activation
 */
export type Tower = (input: tf.Tensor4D, from?: number, mask?: tf.Tensor4D) => TowerRun;

const DEVIATION = 0.01;

export function createTower(parameters: Parameters, name: string, { channels, convs, norm, bias = false, trainable }: TowerSettings): Tower {
  const layers = Array.from({ length: convs }, (_, index): Layer => {
    const conv = conv2d(parameters, `${name}.${index}.conv`, { in: channels, out: channels, kernel: 3, bias: bias || norm === 'none', init: normal(DEVIATION), trainable });
    if (norm === 'none') return conv;
    const groups = groupNorm(parameters, `${name}.${index}.gn`, { channels, groups: headGroups(channels), trainable });
    return (x) => groups(conv(x));
  });
  return (input, from = 0, mask) => {
    const blocks: tf.Tensor4D[] = [];
    let out = from > 0 ? relu(input) : input;
    for (const layer of layers.slice(from)) {
      const block = layer(out);
      blocks.push(block);
      out = mask === undefined ? relu(block) : tf.mul(relu(block), mask);
    }
    return { out, blocks };
  };
}

/** 32 groups as in the literature where they divide the channels, else groups of about six. */
function headGroups(channels: number): number {
  return channels % 32 === 0 ? 32 : groupsFor(channels, 8);
}
