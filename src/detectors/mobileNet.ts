/**
 * MobileNetV2 (Sandler et al. 2018): each block widens with a 1×1 convolution, filters every channel by itself and narrows again
 * without an activation. Names are MMDetection's: `backbone.layer2.0.expand_conv.conv.weight`; `mobileNames.ts` knows the others.
 */
import * as tf from '@tensorflow/tfjs';
import { relu6 } from '../engine/layers/activation.ts';
import { type Parameters } from '../engine/parameters.ts';
import { convNorm, type ConvNormForm, type ModeLayer } from './convNorm.ts';
import { normPrefix, type NormSettings } from './norms.ts';

export interface MobileForm {
  readonly family: 'mobile';
  /** Wanted groups where group norm is used. */
  readonly groups: number;
}

export interface MobileLayer {
  /** How much wider the inside of a block is than its input. */
  readonly expansion: number;
  readonly channels: number;
  readonly blocks: number;
  /** Of the first block. */
  readonly stride: 1 | 2;
  /** Which of C2…C5 it belongs to, from 0. */
  readonly stage: number;
}

const STEM_CHANNELS = 32;

/** `layer1` … `layer7`. The 1×1 convolution to 1,280 channels after them is the classifier's and left out. */
export const MOBILE_LAYERS: readonly MobileLayer[] = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1, stage: 0 },
  { expansion: 6, channels: 24, blocks: 2, stride: 2, stage: 0 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2, stage: 1 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2, stage: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1, stage: 2 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2, stage: 3 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1, stage: 3 },
];

/** Channels of C2…C5: those of each stage's last layer. */
export function mobileChannels(): number[] {
  return [0, 1, 2, 3].map((stage) => MOBILE_LAYERS.findLast((layer) => layer.stage === stage)?.channels ?? 0);
}

export function createMobileNet(parameters: Parameters, root: string, norm: NormSettings, stages: number): ModeLayer[] {
  const module = (name: string, form: ConvNormForm): ModeLayer => convNorm(parameters, `${name}.conv`, `${name}.${normPrefix(norm.kind)}`, form, norm);
  const stem = module(`${root}.conv1`, { in: 3, out: STEM_CHANNELS, kernel: 3, stride: 2 });
  const layers: ModeLayer[][] = Array.from({ length: stages }, () => []);
  layers[0]?.push((x, mode) => relu6(stem(x, mode)));
  let channels = STEM_CHANNELS;
  for (const [index, { expansion, channels: outputs, blocks, stride, stage }] of MOBILE_LAYERS.entries()) {
    for (let block = 0; block < blocks && stage < stages; block += 1) {
      layers[stage]?.push(invertedResidual(module, `${root}.layer${index + 1}.${block}`, { inputs: channels, inner: channels * expansion, outputs, stride: block === 0 ? stride : 1 }));
      channels = outputs;
    }
  }
  return layers.map((stage): ModeLayer => (x, mode) => stage.reduce((input, layer) => layer(input, mode), x));
}

function invertedResidual(module: (name: string, form: ConvNormForm) => ModeLayer, name: string, { inputs, inner, outputs, stride }: Readonly<Record<'inputs' | 'inner' | 'outputs' | 'stride', number>>): ModeLayer {
  const expand = inner === inputs ? undefined : module(`${name}.expand_conv`, { in: inputs, out: inner, kernel: 1 });
  const depthwise = module(`${name}.depthwise_conv`, { in: inner, out: inner, kernel: 3, stride, groups: inner });
  const linear = module(`${name}.linear_conv`, { in: inner, out: outputs, kernel: 1 });
  const shortcut = stride === 1 && inputs === outputs;
  return (x, mode) => {
    const wide = expand === undefined ? x : relu6(expand(x, mode));
    const y = linear(relu6(depthwise(wide, mode)), mode);
    return shortcut ? tf.add(x, y) : y;
  };
}
