/** A detector that only looks: batch norm folded into the convolutions before it, nothing learns. */
import { type DetectorConfig } from '../experiment/schema.ts';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { foldBatchNorm } from '../engine/layers/batchNorm.ts';
import { Random } from '../engine/random.ts';
import { buildDetector } from './build.ts';
import { type Detector } from './detector.ts';
import { normAfter } from './names.ts';
import { detectionSettings, resolveDetector, type GivenDetection } from './settings.ts';
import { loadEntries, nameEntries, scaleOutputs, type LoadReport, type StateDict } from './stateDict.ts';

export interface TeacherOptions {
  readonly classes: readonly string[];
  readonly evaluation?: GivenDetection;
}

export interface Teacher {
  readonly detector: Detector;
  readonly report: LoadReport;
}

/**
 * Same outputs as the trained detector in inference, to rounding; group norm stays as it is.
 * @throws DistillError DL520, DL521, DL522: a teacher's weights must be complete
 */
export function createTeacher(config: DetectorConfig, options: TeacherOptions, state: StateDict): Teacher {
  const resolved = resolveDetector(config);
  const norm = resolved.norm === 'group' ? 'group' : 'folded';
  const detector = buildDetector(resolved, {
    classes: options.classes, random: Random.of(0), norm, trainable: false, initialise: false, detection: detectionSettings(config, options.evaluation),
  });
  const named = nameEntries(state, detector.traits);
  const entries = norm === 'folded' ? foldNorms(named.entries) : named.entries;
  return { detector, report: loadEntries(detector, { ...named, entries }, { strict: true }) };
}

/** y = γ (w ∗ x − μ) / √(σ² + ε) + β as (w · factor) ∗ x + shift, where a convolution has a batch norm after it. */
function foldNorms(entries: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  const folded = new Map(entries);
  for (const [name, weight] of entries) {
    const convolution = name.replace(/\.weight$/, '');
    const norm = name.endsWith('.weight') ? normAfter(convolution) : undefined;
    if (norm === undefined) continue;
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => entries.get(`${norm}.${part}`)?.data);
    // An incomplete norm leaves the bias out, so that the strict load names what is missing.
    if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined) continue;
    const { factor, shift } = foldBatchNorm(gamma, beta, mean, variance);
    folded.set(name, scaleOutputs(weight, factor));
    folded.set(`${convolution}.bias`, float32([shift.length], Float32Array.from(shift)));
  }
  return folded;
}
