/** Every backbone: its form, its channels and how it is made. */
import type * as tf from '@tensorflow/tfjs';
import { type Parameters } from '../engine/parameters.ts';
import { type ForwardMode } from './detector.ts';
import { createMobileNet, mobileChannels, type MobileForm } from './mobileNet.ts';
import { type NormSettings } from './norms.ts';
import { createResidual, residualChannels, type ResidualForm } from './residual.ts';

export type BackboneForm = ResidualForm | MobileForm;

function resnet(block: ResidualForm['block'], blocks: ResidualForm['blocks']): ResidualForm {
  return { family: 'residual', stem: { kernel: 7, channels: 64, pool: true }, block, widths: [64, 128, 256, 512], blocks, groups: 32 };
}

function resnext(blocks: ResidualForm['blocks'], groups: number, width: number): ResidualForm {
  return { ...resnet('bottleneck', blocks), cardinality: { groups, width } };
}

function compact(widths: ResidualForm['widths'], blocks: ResidualForm['blocks']): ResidualForm {
  return { family: 'residual', stem: { kernel: 3, channels: widths[0], pool: false }, block: 'basic', widths, blocks, groups: 8 };
}

/** `small` and `tiny`: for small images, trained from scratch; a 3×3 stem and every stage halves the map. */
export const BACKBONE_FORMS = {
  resnet18: resnet('basic', [2, 2, 2, 2]),
  resnet34: resnet('basic', [3, 4, 6, 3]),
  resnet50: resnet('bottleneck', [3, 4, 6, 3]),
  resnet101: resnet('bottleneck', [3, 4, 23, 3]),
  resnext50_32x4d: resnext([3, 4, 6, 3], 32, 4),
  resnext101_32x4d: resnext([3, 4, 23, 3], 32, 4),
  resnext101_64x4d: resnext([3, 4, 23, 3], 64, 4),
  mobilenet_v2: { family: 'mobile', groups: 8 },
  small: compact([32, 64, 96, 128], [2, 2, 2, 2]),
  tiny: compact([16, 32, 48, 64], [1, 1, 1, 1]),
} as const satisfies Record<string, BackboneForm>;

export type BackboneName = keyof typeof BACKBONE_FORMS;

/** @param style where a bottleneck's stride sits */
export function backboneForm(name: BackboneName, style: 'pytorch' | 'caffe'): BackboneForm {
  const form: BackboneForm = BACKBONE_FORMS[name];
  return form.family === 'residual' ? { ...form, strideIn: style === 'caffe' ? '1x1' : '3x3' } : form;
}

/** Channels of C2…C5. */
export function stageChannels(form: BackboneForm): number[] {
  return form.family === 'residual' ? residualChannels(form) : mobileChannels();
}

/** @param stages how many of C2…C5 are made and returned */
export function createBackbone(parameters: Parameters, form: BackboneForm, norm: NormSettings, stages: number): (images: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D[] {
  const settings = { ...norm, groups: form.groups };
  const layers = form.family === 'residual'
    ? createResidual(parameters, 'backbone', form, settings, stages)
    : createMobileNet(parameters, 'backbone', settings, stages);
  return (images, mode) => {
    let x = images;
    return layers.map((layer) => (x = layer(x, mode)));
  };
}
