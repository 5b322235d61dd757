/** Every detector by its name in the experiment. */
import { type DetectorConfig } from '../experiment/schema.ts';
import { atss } from './atss.ts';
import { createDense, type DenseForm, type DenseOptions } from './dense.ts';
import { type Detector } from './detector.ts';
import { fcos } from './fcos.ts';
import { gfl } from './gfl.ts';
import { retinaNet } from './retinanet.ts';
import { type ResolvedDetector } from './settings.ts';

const FORMS: Readonly<Record<DetectorConfig['detector'], (config: ResolvedDetector) => DenseForm>> = { retinanet: retinaNet, fcos, atss, gfl };

export function buildDetector(config: ResolvedDetector, options: DenseOptions): Detector {
  return createDense(config, FORMS[config.detector](config), options);
}
