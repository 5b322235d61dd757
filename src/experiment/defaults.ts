/** What a detector's left-out options amount to, by backbone. No tensors, no detectors' code. */
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
}

/** What RetinaNet's paper and both model zoos use. */
const LARGE: DetectorDefaults = { channels: 256, levels: 5, convs: 4, headNorm: 'none', base: 4, octaves: 3, ratios: [0.5, 1, 2] };
/** For small images and networks trained from scratch: one square anchor shape, group norm in the towers. */
const SMALL: DetectorDefaults = { channels: 48, levels: 3, convs: 2, headNorm: 'group', base: 1.8, octaves: 3, ratios: [1] };

export function detectorDefaults(backbone: DetectorConfig['backbone']): DetectorDefaults {
  return isSmallBackbone(backbone) ? SMALL : LARGE;
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
  /** Whether its head predicts each side of a box as a distribution. */
  readonly distribution: boolean;
}

export function isSmallBackbone(backbone: DetectorConfig['backbone']): boolean {
  return backbone === 'small' || backbone === 'tiny';
}

export function outlineOf(config: DetectorConfig): DetectorOutline {
  const defaults = detectorDefaults(config.backbone);
  const levels = config.neck.levels ?? defaults.levels;
  return {
    detector: config.detector,
    distribution: false,
    small: isSmallBackbone(config.backbone),
    levels,
    strides: Array.from({ length: levels }, (_, level) => 8 * 2 ** level),
    neckChannels: config.neck.channels ?? defaults.channels,
    headConvs: config.head.convs ?? defaults.convs,
    headNorm: config.head.norm ?? defaults.headNorm,
    anchorsPerCell: (config.anchors.octaves ?? defaults.octaves) * (config.anchors.ratios ?? defaults.ratios).length,
  };
}

/** The size of the network's input must divide by this: the coarsest stage of the backbone that the neck adds up; coarser levels round up. */
export function sizeDivisor(config: DetectorConfig): number {
  return Math.min(32, outlineOf(config).strides.at(-1) ?? 32);
}
