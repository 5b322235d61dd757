/** Every detector, made from an experiment's section. */
import { type DetectorConfig } from '../experiment/schema.ts';
import { type Random } from '../engine/random.ts';
import { buildDetector } from './build.ts';
import { type Detector } from './detector.ts';
import { detectionSettings, resolveDetector, type GivenDetection } from './settings.ts';

export { resolveDetector, type ResolvedDetector } from './settings.ts';
export { createTeacher, type Teacher } from './teacher.ts';

export interface DetectorOptions {
  readonly classes: readonly string[];
  /** Draws the initial weights. */
  readonly random: Random;
  /** Thresholds of `detections`; those left out are the preset's. */
  readonly evaluation?: GivenDetection;
}

/** A detector that learns, with fresh weights. */
export function createDetector(config: DetectorConfig, { classes, random, evaluation }: DetectorOptions): Detector {
  const resolved = resolveDetector(config);
  // torchvision's frozen batch norm keeps scale and offset too; MMDetection's lets them learn.
  const norm = resolved.norm === 'frozen' && resolved.preset === 'torchvision' ? 'constant' : resolved.norm;
  return buildDetector(resolved, { classes, random, norm, trainable: true, detection: detectionSettings(config, evaluation) });
}
