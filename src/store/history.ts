/** What a run's events amount to, folded one by one. Plain data, so that an index file can keep it. */
import { type Arm, type EventOf, type Metrics, type RunEvent } from '../experiment/record.ts';

export type Subject = Arm | 'teacher';

export interface Scored {
  readonly step: number;
  readonly metrics: Metrics;
}

export interface History {
  started?: EventOf<'started'>;
  /** Only of the last attempt: a resume clears it. */
  ended?: EventOf<'ended'>;
  phase?: EventOf<'phase'>;
  lastStep?: EventOf<'step'>;
  /** Whether the last attempt has done a step. */
  stepping: boolean;
  steps: Partial<Record<Arm, number>>;
  /** By subject, in the order of steps; a step measured again after a resume replaces the old. */
  evaluations: Partial<Record<Subject, Scored[]>>;
  perClass: Partial<Record<Subject, Record<string, Metrics>>>;
  /** Seconds a step of the latest steps, by arm. */
  pace: Partial<Record<Arm, number[]>>;
  pictures: number;
  checkpoint?: EventOf<'checkpoint'>;
  warnings: number;
  lastWarning?: string;
  firstTime?: number;
  lastTime?: number;
}

/** How many recent steps tell the pace. */
const PACE = 64;

export function emptyHistory(): History {
  return { stepping: false, steps: {}, evaluations: {}, perClass: {}, pace: {}, pictures: 0, warnings: 0 };
}

/** Adds an event; changes `history` in place. */
export function fold(history: History, event: RunEvent): void {
  history.firstTime ??= event.time;
  history.lastTime = event.time;
  switch (event.type) {
    case 'started': foldStarted(history, event); break;
    case 'phase': foldPhase(history, event); break;
    case 'step': foldStep(history, event); break;
    case 'evaluation': foldEvaluation(history, event); break;
    case 'pictures': history.pictures += 1; break;
    case 'checkpoint': history.checkpoint = event; break;
    case 'warning':
      history.warnings += 1;
      history.lastWarning = event.message;
      break;
    case 'ended': history.ended = event; break;
  }
}

/** Starting the engine is the first thing that an attempt tells. */
function foldPhase(history: History, event: EventOf<'phase'>): void {
  history.phase = event;
  if (event.phase !== 'engine') return;
  history.stepping = false;
  delete history.ended;
}

function foldStarted(history: History, event: EventOf<'started'>): void {
  history.started = event;
  history.stepping = false;
  delete history.ended;
  for (const [arm, from] of Object.entries(event.from) as [Arm, number][]) if (from > 0) history.steps[arm] = from;
}

function foldStep(history: History, event: EventOf<'step'>): void {
  const { lastStep } = history;
  const follows = history.stepping && lastStep?.arm === event.arm && event.step > lastStep.step;
  if (follows) {
    const pace = (history.pace[event.arm] ??= []);
    pace.push((event.time - lastStep.time) / 1000 / (event.step - lastStep.step));
    if (pace.length > PACE) pace.shift();
  }
  history.stepping = true;
  history.lastStep = event;
  history.steps[event.arm] = event.step;
}

function foldEvaluation(history: History, { subject, step, metrics, perClass }: EventOf<'evaluation'>): void {
  const earlier = (history.evaluations[subject] ?? []).filter((scored) => scored.step < step);
  history.evaluations[subject] = [...earlier, { step, metrics }];
  history.perClass[subject] = perClass;
}

/** Median of the recent seconds a step, which an evaluation or a checkpoint in between does not spoil. */
export function secondsPerStep(history: History, arm: Arm): number | undefined {
  const sorted = [...(history.pace[arm] ?? [])].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

export interface Gain {
  /** Difference of AP, 0…1. */
  readonly value: number;
  readonly against: 'control' | 'controlInherit';
  /** Both were measured at this step. */
  readonly step: number;
}

/**
 * AP of the distilled student less the better control's, at the last step at which the student and every control
 * that was trained have been measured: comparing different steps would flatter one of them.
 */
export function gainOf(history: History, arms: readonly Arm[]): Gain | undefined {
  const controls = arms.filter((arm) => arm !== 'student');
  const student = history.evaluations.student ?? [];
  if (controls.length === 0) return undefined;
  for (const { step, metrics } of [...student].reverse()) {
    const rivals = controls.map((arm) => ({ arm, metrics: history.evaluations[arm]?.find((scored) => scored.step === step)?.metrics }));
    if (rivals.some((rival) => rival.metrics === undefined)) continue;
    const best = rivals.reduce((a, b) => ((b.metrics?.AP ?? -1) > (a.metrics?.AP ?? -1) ? b : a));
    return { value: metrics.AP - (best.metrics?.AP ?? 0), against: best.arm === 'controlInherit' ? 'controlInherit' : 'control', step };
  }
  return undefined;
}
