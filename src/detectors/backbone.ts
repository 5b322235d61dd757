/**
 * Residual networks (He et al. 2016), PyTorch style: the stride sits in the 3×3 convolution.
 * Names are MMDetection's, which are torchvision's with a prefix: `backbone.layer1.0.conv1.weight`, `backbone.layer1.0.downsample.0.weight`.
 */
import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { type NormLayer } from '../engine/layers/batchNorm.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { kaimingNormal } from '../engine/layers/init.ts';
import { maxPool3x3 } from '../engine/layers/pooling.ts';
import { type Parameters } from '../engine/parameters.ts';
import { type ForwardMode } from './detector.ts';
import { createNorm, normPrefix, type NormSettings } from './norms.ts';

export interface BackboneForm {
  readonly stem: { readonly kernel: 3 | 7; readonly channels: number; readonly pool: boolean };
  readonly block: 'basic' | 'bottleneck';
  /** Width of each stage's 3×3 convolutions; a bottleneck puts out four times as much. */
  readonly widths: readonly [number, number, number, number];
  readonly blocks: readonly [number, number, number, number];
  /** Wanted groups where group norm is used. */
  readonly groups: number;
}

function resnet(block: BackboneForm['block'], blocks: BackboneForm['blocks']): BackboneForm {
  return { stem: { kernel: 7, channels: 64, pool: true }, block, widths: [64, 128, 256, 512], blocks, groups: 32 };
}

function compact(widths: BackboneForm['widths'], blocks: BackboneForm['blocks']): BackboneForm {
  return { stem: { kernel: 3, channels: widths[0], pool: false }, block: 'basic', widths, blocks, groups: 8 };
}

/** `small` and `tiny`: for small images, trained from scratch; a 3×3 stem and every stage halves the map. */
export const BACKBONE_FORMS = {
  resnet18: resnet('basic', [2, 2, 2, 2]),
  resnet34: resnet('basic', [3, 4, 6, 3]),
  resnet50: resnet('bottleneck', [3, 4, 6, 3]),
  resnet101: resnet('bottleneck', [3, 4, 23, 3]),
  small: compact([32, 64, 96, 128], [2, 2, 2, 2]),
  tiny: compact([16, 32, 48, 64], [1, 1, 1, 1]),
} as const satisfies Record<string, BackboneForm>;

export type BackboneName = keyof typeof BACKBONE_FORMS;

/** Channels of C2…C5. */
export function stageChannels(form: BackboneForm): number[] {
  return form.widths.map((width) => width * (form.block === 'bottleneck' ? 4 : 1));
}

type ModeLayer = (x: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D;

/** @param stages how many of C2…C5 are made and returned */
export function createBackbone(parameters: Parameters, form: BackboneForm, norm: NormSettings, stages: number): (images: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D[] {
  const root = 'backbone';
  const builder = new Builder(parameters, { ...norm, groups: form.groups });
  const stem = builder.convNorm(root, 'conv1', `${normPrefix(norm.kind)}1`, { in: 3, out: form.stem.channels, kernel: form.stem.kernel, stride: 2 });
  let channels = form.stem.channels;
  const layers = form.widths.slice(0, stages).map((width, stage) => {
    const blocks = Array.from({ length: form.blocks[stage] ?? 0 }, (_, index) => {
      const stride = index > 0 || (stage === 0 && form.stem.pool) ? 1 : 2;
      const name = `${root}.layer${stage + 1}.${index}`;
      const block = form.block === 'basic' ? builder.basic(name, channels, width, stride) : builder.bottleneck(name, channels, width, stride);
      channels = form.block === 'basic' ? width : width * 4;
      return block;
    });
    return blocks;
  });
  return (images, mode) => {
    let x = relu(stem(images, mode));
    if (form.stem.pool) x = maxPool3x3(x);
    return layers.map((blocks) => (x = blocks.reduce((input, block) => block(input, mode), x)));
  };
}

interface ConvNormForm {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
}

class Builder {
  private readonly parameters: Parameters;
  private readonly norm: NormSettings;

  constructor(parameters: Parameters, norm: NormSettings) {
    this.parameters = parameters;
    this.norm = norm;
  }

  convNorm(root: string, convName: string, normName: string, form: ConvNormForm): ModeLayer {
    const conv: Layer = conv2d(this.parameters, `${root}.${convName}`, {
      ...form, bias: this.norm.kind === 'folded', init: kaimingNormal('out'), trainable: this.norm.trainable,
    });
    const norm: NormLayer = createNorm(this.parameters, `${root}.${normName}`, form.out, this.norm);
    return (x, mode) => norm(conv(x), mode);
  }

  basic(name: string, inputs: number, width: number, stride: number): ModeLayer {
    const first = this.part(name, 1, { in: inputs, out: width, kernel: 3, stride });
    const second = this.part(name, 2, { in: width, out: width, kernel: 3 });
    const shortcut = this.shortcut(name, inputs, width, stride);
    return (x, mode) => relu(tf.add(second(relu(first(x, mode)), mode), shortcut(x, mode)));
  }

  bottleneck(name: string, inputs: number, width: number, stride: number): ModeLayer {
    const first = this.part(name, 1, { in: inputs, out: width, kernel: 1 });
    const second = this.part(name, 2, { in: width, out: width, kernel: 3, stride });
    const third = this.part(name, 3, { in: width, out: width * 4, kernel: 1 });
    const shortcut = this.shortcut(name, inputs, width * 4, stride);
    return (x, mode) => relu(tf.add(third(relu(second(relu(first(x, mode)), mode)), mode), shortcut(x, mode)));
  }

  private part(name: string, position: number, form: ConvNormForm): ModeLayer {
    return this.convNorm(name, `conv${position}`, `${normPrefix(this.norm.kind)}${position}`, form);
  }

  private shortcut(name: string, inputs: number, outputs: number, stride: number): ModeLayer {
    if (inputs === outputs && stride === 1) return (x) => x;
    return this.convNorm(`${name}.downsample`, '0', '1', { in: inputs, out: outputs, kernel: 1, stride });
  }
}
