/** A detector's configuration with every default filled in, by detector, backbone and preset. */
import { defaultNms, detectorDefaults, fcosDefaults, isSmallBackbone, type FcosDefaults } from '../experiment/defaults.ts';
import { type DetectorConfig } from '../experiment/schema.ts';
import { type DetectionSettings } from './candidates.ts';

/** `DetectorConfig` without holes: what goes into `resolved.json`. */
export interface ResolvedDetector extends Omit<DetectorConfig, 'norm' | 'neck' | 'head' | 'anchors' | 'fcos'> {
  readonly norm: 'batch' | 'group' | 'frozen';
  readonly neck: { readonly channels: number; readonly levels: number; readonly p6From: 'c5' | 'p5' };
  readonly head: { readonly convs: number; readonly norm: 'none' | 'group'; readonly bias: boolean };
  readonly anchors: { readonly base: number; readonly octaves: number; readonly ratios: number[]; readonly rounded: boolean };
  readonly fcos: FcosDefaults;
}

export function resolveDetector(config: DetectorConfig): ResolvedDetector {
  const residual = !isSmallBackbone(config.backbone);
  const defaults = detectorDefaults(config);
  const { neck, head, anchors, detector } = config;
  const single = detector !== 'retinanet';
  // torchvision has no ATSS and no GFL.
  const preset = detector === 'atss' || detector === 'gfl' ? 'mmdetection' : config.preset;
  return {
    ...config,
    preset,
    norm: config.norm ?? (residual && config.weights !== undefined ? 'frozen' : 'batch'),
    neck: { channels: neck.channels ?? defaults.channels, levels: neck.levels ?? defaults.levels, p6From: neck.p6From ?? defaults.p6From },
    head: { convs: head.convs ?? defaults.convs, norm: head.norm ?? defaults.headNorm, bias: head.bias ?? (detector === 'fcos' && preset === 'torchvision') },
    anchors: {
      base: anchors.base ?? defaults.base,
      octaves: single ? defaults.octaves : anchors.octaves ?? defaults.octaves,
      ratios: [...(single ? defaults.ratios : anchors.ratios ?? defaults.ratios)],
      rounded: !single && (anchors.rounded ?? preset === 'torchvision'),
    },
    fcos: { ...fcosDefaults({ ...config, preset }), ...given(config.fcos) },
  };
}

/** Without the keys that are there only by name. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** Thresholds as written: any may be left out. */
export type GivenDetection = { readonly [K in keyof DetectionSettings]?: number | undefined };

/** Thresholds of detections; those left out are the preset's. */
export function detectionSettings(config: DetectorConfig, given: GivenDetection = {}): DetectionSettings {
  return {
    scoreThreshold: given.scoreThreshold ?? 0.05,
    nms: given.nms ?? defaultNms(config),
    maxDetections: given.maxDetections ?? (config.preset === 'torchvision' && config.detector === 'retinanet' ? 300 : 100),
  };
}
