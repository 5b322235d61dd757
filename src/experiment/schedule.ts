/** Learning rate by step: linear warm-up, then constant, step or cosine. Steps count from 0. */
export interface ScheduleConfig {
  readonly schedule: 'constant' | 'step' | 'cosine';
  /** Peak rate. */
  readonly learningRate: number;
  /** Steps of linear growth from learningRate / warmup. */
  readonly warmup: number;
  /** Parts of the run (0…1) after which the `step` schedule divides by ten. */
  readonly milestones: readonly number[];
}

export function learningRateAt(step: number, steps: number, { schedule, learningRate, warmup, milestones }: ScheduleConfig): number {
  const warm = warmup > 0 ? Math.min(1, (step + 1) / warmup) : 1;
  return learningRate * warm * decayAt(step, steps, schedule, milestones);
}

function decayAt(step: number, steps: number, schedule: ScheduleConfig['schedule'], milestones: readonly number[]): number {
  switch (schedule) {
    case 'constant': return 1;
    case 'step': return 0.1 ** milestones.filter((part) => step >= Math.round(part * steps)).length;
    case 'cosine': return (1 + Math.cos(Math.PI * (step / steps))) / 2;
  }
}
