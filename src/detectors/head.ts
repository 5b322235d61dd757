/**
 * RetinaNet's head (Lin et al. 2017, section 4): two towers of 3×3 convolutions shared by all levels.
 * Names are MMDetection's: `bbox_head.cls_convs.i.conv`, `bbox_head.retina_cls`, `bbox_head.retina_reg`.
 */
import type * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { groupNorm, groupsFor } from '../engine/layers/groupNorm.ts';
import { constant, normal } from '../engine/layers/init.ts';
import { type Parameters } from '../engine/parameters.ts';

export interface HeadSettings {
  readonly channels: number;
  readonly convs: number;
  readonly norm: 'none' | 'group';
  readonly classes: number;
  readonly anchorsPerCell: number;
  readonly trainable: boolean;
}

export interface HeadOutputs {
  readonly logits: tf.Tensor4D[];
  readonly regression: tf.Tensor4D[];
}

/** Share of foreground that the untrained classifier believes in: the focal loss diverges early without it. */
const PRIOR = 0.01;
const DEVIATION = 0.01;

export function createHead(parameters: Parameters, settings: HeadSettings): (features: readonly tf.Tensor4D[]) => HeadOutputs {
  const { channels, classes, anchorsPerCell, trainable } = settings;
  const classTower = createTower(parameters, 'bbox_head.cls_convs', settings);
  const boxTower = createTower(parameters, 'bbox_head.reg_convs', settings);
  const output = { in: channels, kernel: 3, init: normal(DEVIATION), trainable };
  const classify = conv2d(parameters, 'bbox_head.retina_cls', { ...output, out: anchorsPerCell * classes, biasInit: constant(-Math.log((1 - PRIOR) / PRIOR)) });
  const regress = conv2d(parameters, 'bbox_head.retina_reg', { ...output, out: anchorsPerCell * 4 });
  return (features) => ({
    logits: features.map((map) => classify(classTower(map))),
    regression: features.map((map) => regress(boxTower(map))),
  });
}

function createTower(parameters: Parameters, name: string, { channels, convs, norm, trainable }: HeadSettings): Layer {
  const layers = Array.from({ length: convs }, (_, index): Layer => {
    const conv = conv2d(parameters, `${name}.${index}.conv`, { in: channels, out: channels, kernel: 3, bias: norm === 'none', init: normal(DEVIATION), trainable });
    if (norm === 'none') return (x) => relu(conv(x));
    const groups = groupNorm(parameters, `${name}.${index}.gn`, { channels, groups: headGroups(channels), trainable });
    return (x) => relu(groups(conv(x)));
  });
  return (x) => layers.reduce((input, layer) => layer(input), x);
}

/** 32 groups as in the literature where they divide the channels, else groups of about six. */
function headGroups(channels: number): number {
  return channels % 32 === 0 ? 32 : groupsFor(channels, 8);
}
