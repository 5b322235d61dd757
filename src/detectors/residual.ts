/**
 * Residual networks (He et al. 2016); ResNeXt does the 3×3 convolution in groups (Xie et al. 2017). A bottleneck's stride sits in its 3×3 convolution
 * (PyTorch style) or in its first 1×1 (Caffe style).
 * Names are MMDetection's, which are torchvision's with a prefix: `backbone.layer1.0.conv1.weight`, `backbone.layer1.0.downsample.0.weight`.
 */
import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { maxPool3x3 } from '../engine/layers/pooling.ts';
import { type Parameters } from '../engine/parameters.ts';
import { convNorm, type ConvNormForm, type ModeLayer } from './convNorm.ts';
import { normPrefix, type NormSettings } from './norms.ts';

export interface ResidualForm {
  readonly family: 'residual';
  readonly stem: { readonly kernel: 3 | 7; readonly channels: number; readonly pool: boolean };
  readonly block: 'basic' | 'bottleneck';
  /** Width of each stage's 3×3 convolutions, ResNeXt's aside; a bottleneck puts out four times as much. */
  readonly widths: readonly [number, number, number, number];
  readonly blocks: readonly [number, number, number, number];
  /** ResNeXt: number of groups of a bottleneck's 3×3 convolutions, and width of one where the stage's is 64. */
  readonly cardinality?: { readonly groups: number; readonly width: number };
  /** Wanted groups where group norm is used. */
  readonly groups: number;
  /** Which convolution of a bottleneck has the stride. */
  readonly strideIn?: '3x3' | '1x1';
}

const EXPANSION = 4;

/** Channels of C2…C5. */
export function residualChannels(form: ResidualForm): number[] {
  return form.widths.map((width) => width * (form.block === 'bottleneck' ? EXPANSION : 1));
}

export function createResidual(parameters: Parameters, root: string, form: ResidualForm, norm: NormSettings, stages: number): ModeLayer[] {
  const builder = new Builder(parameters, norm, form);
  const stem = builder.convNorm(root, 'conv1', `${normPrefix(norm.kind)}1`, { in: 3, out: form.stem.channels, kernel: form.stem.kernel, stride: 2 });
  let channels = form.stem.channels;
  return form.widths.slice(0, stages).map((width, stage) => {
    const blocks = Array.from({ length: form.blocks[stage] ?? 0 }, (_, index) => {
      const stride = index > 0 || (stage === 0 && form.stem.pool) ? 1 : 2;
      const name = `${root}.layer${stage + 1}.${index}`;
      const block = form.block === 'basic' ? builder.basic(name, channels, width, stride) : builder.bottleneck(name, channels, width, stride);
      channels = form.block === 'basic' ? width : width * EXPANSION;
      return block;
    });
    const begin: ModeLayer = (x, mode) => {
      if (stage > 0) return x;
      const started = relu(stem(x, mode));
      return form.stem.pool ? maxPool3x3(started) : started;
    };
    return (x, mode) => blocks.reduce((input, block) => block(input, mode), begin(x, mode));
  });
}

class Builder {
  private readonly parameters: Parameters;
  private readonly norm: NormSettings;
  private readonly form: Pick<ResidualForm, 'cardinality' | 'strideIn'>;

  constructor(parameters: Parameters, norm: NormSettings, form: Pick<ResidualForm, 'cardinality' | 'strideIn'>) {
    this.parameters = parameters;
    this.norm = norm;
    this.form = form;
  }

  convNorm(root: string, convName: string, normName: string, form: ConvNormForm): ModeLayer {
    return convNorm(this.parameters, `${root}.${convName}`, `${root}.${normName}`, form, this.norm);
  }

  basic(name: string, inputs: number, width: number, stride: number): ModeLayer {
    const first = this.part(name, 1, { in: inputs, out: width, kernel: 3, stride });
    const second = this.part(name, 2, { in: width, out: width, kernel: 3 });
    const shortcut = this.shortcut(name, inputs, width, stride);
    return (x, mode) => relu(tf.add(second(relu(first(x, mode)), mode), shortcut(x, mode)));
  }

  bottleneck(name: string, inputs: number, width: number, stride: number): ModeLayer {
    const { groups, width: groupWidth } = this.form.cardinality ?? { groups: 1, width: 64 };
    const early = this.form.strideIn === '1x1';
    const inner = ((width * groupWidth) / 64) * groups;
    const first = this.part(name, 1, { in: inputs, out: inner, kernel: 1, stride: early ? stride : 1 });
    const second = this.part(name, 2, { in: inner, out: inner, kernel: 3, stride: early ? 1 : stride, groups });
    const third = this.part(name, 3, { in: inner, out: width * EXPANSION, kernel: 1 });
    const shortcut = this.shortcut(name, inputs, width * EXPANSION, stride);
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
