/** A detector's configuration with every default filled in, by backbone and preset. */
import { detectorDefaults, isSmallBackbone } from '../experiment/defaults.ts';
import { type DetectorConfig } from '../experiment/schema.ts';
import { type DetectionSettings } from './candidates.ts';

/** `DetectorConfig` without holes: what goes into `resolved.json`. */
export interface ResolvedDetector extends Omit<DetectorConfig, 'norm' | 'neck' | 'head' | 'anchors'> {
  readonly norm: 'batch' | 'group' | 'frozen';
  readonly neck: { readonly channels: number; readonly levels: number; readonly p6From: 'c5' | 'p5' };
  readonly head: { readonly convs: number; readonly norm: 'none' | 'group' };
  readonly anchors: { readonly base: number; readonly octaves: number; readonly ratios: number[]; readonly rounded: boolean };
}

export function resolveDetector(config: DetectorConfig): ResolvedDetector {
  const residual = !isSmallBackbone(config.backbone);
  const defaults = detectorDefaults(config.backbone);
  const { neck, head, anchors } = config;
  return {
    ...config,
    norm: config.norm ?? (residual && config.weights !== undefined ? 'frozen' : 'batch'),
    neck: { channels: neck.channels ?? defaults.channels, levels: neck.levels ?? defaults.levels, p6From: neck.p6From ?? 'c5' },
    head: { convs: head.convs ?? defaults.convs, norm: head.norm ?? defaults.headNorm },
    anchors: {
      base: anchors.base ?? defaults.base,
      octaves: anchors.octaves ?? defaults.octaves,
      ratios: anchors.ratios ?? [...defaults.ratios],
      rounded: anchors.rounded ?? config.preset === 'torchvision',
    },
  };
}

/** Thresholds of detections; those left out are the preset's. */
export function detectionSettings(config: DetectorConfig, given: Partial<DetectionSettings> = {}): DetectionSettings {
  return {
    scoreThreshold: given.scoreThreshold ?? 0.05,
    nms: given.nms ?? 0.5,
    maxDetections: given.maxDetections ?? (config.preset === 'torchvision' ? 300 : 100),
  };
}
