/** Options that several methods have. */
import { z } from 'zod';

export const weight = z.number().min(0);
export const temperature = z.number().positive();
export const warmup = z.int().min(0).describe('Steps over which the weight grows from 0.').meta({ unit: 'steps' });
export const scale = z.enum(['paper', 'normalized']).default('paper')
  .describe('`paper`: the loss as published. `normalized`: features divided by the teacher\'s deviation at each level, sums rescaled to the size of the paper\'s networks; for small networks.');

/** Whether published weights for two-stage detectors apply (`faster_rcnn`, `Mask R-CNN`, …). */
export function hasTwoStages(detector: string): boolean {
  return detector.toLowerCase().replaceAll(/[^a-z0-9]/g, '').includes('rcnn');
}
