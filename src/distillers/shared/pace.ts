/** Weights that change during a run, as inputs of a step. */
import { float32, type HostTensor } from '../../engine/hostTensor.ts';
import { type BatchTruth } from '../distiller.ts';

type Progress = Pick<BatchTruth, 'step' | 'steps'>;

/** min(1, step / warmup); 1 where the step is not known. */
export function warmupFactor({ step }: Progress, warmup: number): HostTensor {
  return scalar(step === undefined || warmup === 0 ? 1 : Math.min(1, step / warmup));
}

/** 0 for the first `delay` steps, then 1; 1 where the step is not known. */
export function delayFactor({ step }: Progress, delay: number): HostTensor {
  return scalar(step === undefined || step >= delay ? 1 : 0);
}

export type Decay = 'none' | 'linear' | 'cosine';

/** From 1 at the start of the run to 0 at its end; 1 where the step is not known. */
export function decayFactor({ step, steps }: Progress, decay: Decay): HostTensor {
  if (decay === 'none' || step === undefined || steps === undefined) return scalar(1);
  const done = Math.min(1, step / Math.max(1, steps));
  return scalar(decay === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2);
}

function scalar(value: number): HostTensor {
  return float32([], Float32Array.of(value));
}
