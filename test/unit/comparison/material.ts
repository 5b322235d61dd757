/** Runs with known figures. */
import { type ComparedRun } from '../../../src/comparison/run.ts';
import { experimentSchema } from '../../../src/experiment/schema.ts';
import { type Metrics } from '../../../src/experiment/record.ts';

export const metricsOf = (AP: number): Metrics => ({ AP, AP50: AP + 0.2, AP75: AP - 0.05, APs: -1, APm: AP, APl: AP, AR1: AP, AR10: AP, AR100: AP, ARs: -1, ARm: AP, ARl: AP });

export interface RunOptions {
  readonly id?: string;
  readonly name?: string;
  readonly seed?: number;
  readonly AP?: number;
  readonly gain?: number;
  readonly step?: number;
  readonly perClass?: Readonly<Record<string, number>>;
  /** Merged over the experiment, section by section. */
  readonly change?: Readonly<Record<string, unknown>>;
  readonly more?: Partial<ComparedRun>;
}

export function experimentOf({ name = 'scenes-fgd', seed = 0, change = {} }: RunOptions = {}): unknown {
  const { train, ...others } = change as { readonly train?: Readonly<Record<string, unknown>> };
  return experimentSchema.parse({
    name, data: { format: 'scenes', size: [128, 128] }, teacher: { detector: 'retinanet', backbone: 'small', weights: 't.safetensors' }, student: { detector: 'retinanet', backbone: 'tiny' },
    distill: [{ method: 'fgd' }], control: true, ...others, train: { steps: 1000, seed, ...train },
  });
}

export function runOf(options: RunOptions = {}): ComparedRun {
  const { id = 'a', name = 'scenes-fgd', AP, gain, step = 1000, perClass = {}, more = {} } = options;
  const metrics = AP === undefined ? undefined : metricsOf(AP);
  return {
    id, name, state: 'finished', created: 0, methods: ['FGD'], arms: ['control', 'student'], classes: Object.keys(perClass), totalSteps: 1000,
    evaluations: metrics === undefined ? {} : { student: [{ step: step / 2, metrics: metricsOf(0.1) }, { step, metrics }] },
    perClass: Object.fromEntries(Object.entries(perClass).map(([key, value]) => [key, metricsOf(value)])),
    gain: gain === undefined ? undefined : { value: gain, against: 'control', step },
    secondsPerStep: 0.04, peakMemory: 512 * 2 ** 20, experiment: experimentOf(options), ...more,
  };
}
