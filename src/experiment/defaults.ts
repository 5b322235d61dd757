/** What a detector's left-out options amount to, as far as checks across keys need it. No tensors, no detectors' code. */
import { type DetectorConfig } from './schema.ts';

export interface DetectorOutline {
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
}

export function isSmallBackbone(backbone: DetectorConfig['backbone']): boolean {
  return backbone === 'small' || backbone === 'tiny';
}

export function outlineOf(config: DetectorConfig): DetectorOutline {
  const small = isSmallBackbone(config.backbone);
  const levels = config.neck.levels ?? (small ? 3 : 5);
  return {
    small,
    levels,
    strides: Array.from({ length: levels }, (_, level) => 8 * 2 ** level),
    neckChannels: config.neck.channels ?? (small ? 48 : 256),
    headConvs: config.head.convs ?? (small ? 2 : 4),
    headNorm: config.head.norm ?? (small ? 'group' : 'none'),
    anchorsPerCell: (config.anchors.octaves ?? 3) * (config.anchors.ratios?.length ?? (small ? 1 : 3)),
  };
}

/** The size of the network's input must divide by this: the coarsest stage of the backbone that the neck adds up; coarser levels round up. */
export function sizeDivisor(config: DetectorConfig): number {
  return Math.min(32, outlineOf(config).strides.at(-1) ?? 32);
}
