/** What a detector's left-out options amount to, by detector and backbone. No tensors, no detectors' code. */
import { type DetectorConfig } from './schema.ts';

export interface DetectorDefaults {
  /** Width of every level of the neck. */
  readonly channels: number;
  /** Number of levels, from P3 on. */
  readonly levels: number;
  /** Convolutions in each of the head's towers. */
  readonly convs: number;
  readonly headNorm: 'none' | 'group';
  /** Side of the smallest anchor in strides. */
  readonly base: number;
  readonly octaves: number;
  readonly ratios: readonly number[];
  readonly p6From: 'c5' | 'p5';
}

/** What RetinaNet's paper and both model zoos use. */
const LARGE: DetectorDefaults = { channels: 256, levels: 5, convs: 4, headNorm: 'none', base: 4, octaves: 3, ratios: [0.5, 1, 2], p6From: 'c5' };
/** For small images and networks trained from scratch: one square anchor shape, group norm in the towers. */
const SMALL: DetectorDefaults = { channels: 48, levels: 3, convs: 2, headNorm: 'group', base: 1.8, octaves: 3, ratios: [1], p6From: 'c5' };
/** FCOS, ATSS and GFL: one point or square anchor a cell. */
const SINGLE = { headNorm: 'group', octaves: 1, ratios: [1], p6From: 'p5' } as const;

export function detectorDefaults({ detector, backbone }: Pick<DetectorConfig, 'detector' | 'backbone'>): DetectorDefaults {
  const small = isSmallBackbone(backbone);
  const common = small ? SMALL : LARGE;
  return detector === 'retinanet' ? common : { ...common, ...SINGLE, base: small ? 2 : 8 };
}

export interface FcosDefaults {
  readonly centerSampling: number;
  readonly range: number;
  readonly distances: 'pixels' | 'strides';
  readonly centernessOn: 'classification' | 'regression';
  readonly boxLoss: 'iou' | 'giou';
}

/** The first paper's, as MMDetection's plain configuration has them; else its later improvements, which torchvision builds in. */
export function fcosDefaults({ backbone, preset }: Pick<DetectorConfig, 'backbone' | 'preset'>): FcosDefaults {
  const small = isSmallBackbone(backbone);
  const range = small ? 2.5 : 8;
  return preset === 'mmdetection' && !small
    ? { centerSampling: 0, range, distances: 'pixels', centernessOn: 'classification', boxLoss: 'iou' }
    : { centerSampling: 1.5, range, distances: 'strides', centernessOn: 'regression', boxLoss: 'giou' };
}

/** IoU above which the weaker box of a class goes. */
export function defaultNms({ detector, preset }: Pick<DetectorConfig, 'detector' | 'preset'>): number {
  return detector === 'retinanet' || (detector === 'fcos' && preset === 'mmdetection') ? 0.5 : 0.6;
}

export interface DetectorOutline {
  readonly detector: DetectorConfig['detector'];
  readonly small: boolean;
  /** Number of pyramid levels, from P3 on. */
  readonly levels: number;
  /** Input pixels per cell, finest first. */
  readonly strides: readonly number[];
  /** Width of every level. */
  readonly neckChannels: number;
  readonly headConvs: number;
  readonly headNorm: 'none' | 'group';
  readonly anchorsPerCell: number;
  /** What RetinaNet multiplies into anchors a cell; the others have one. */
  readonly anchors: { readonly octaves: number; readonly ratios: readonly number[] };
  /** Whether its head predicts each side of a box as a distribution. */
  readonly distribution: boolean;
  /** Bins of such a distribution. */
  readonly bins: number;
}

export function isSmallBackbone(backbone: DetectorConfig['backbone']): boolean {
  return backbone === 'small' || backbone === 'tiny';
}

export function outlineOf(config: DetectorConfig): DetectorOutline {
  const defaults = detectorDefaults(config);
  const levels = config.neck.levels ?? defaults.levels;
  const { octaves = defaults.octaves, ratios = defaults.ratios } = config.anchors;
  return {
    detector: config.detector,
    distribution: config.detector === 'gfl',
    bins: config.gfl.bins,
    small: isSmallBackbone(config.backbone),
    levels,
    strides: Array.from({ length: levels }, (_, level) => 8 * 2 ** level),
    neckChannels: config.neck.channels ?? defaults.channels,
    headConvs: config.head.convs ?? defaults.convs,
    headNorm: config.head.norm ?? defaults.headNorm,
    anchorsPerCell: config.detector !== 'retinanet' ? 1 : octaves * ratios.length,
    anchors: { octaves, ratios },
  };
}

/** The size of the network's input must divide by this: the coarsest stage of the backbone that the neck adds up; coarser levels round up. */
export function sizeDivisor(config: DetectorConfig): number {
  return Math.min(32, outlineOf(config).strides.at(-1) ?? 32);
}
