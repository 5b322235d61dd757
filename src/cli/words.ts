/** Figures and states in the words that all our surfaces use. */
import path from 'node:path';
import { type Arm, type EventOf, type RunState } from '../experiment/record.ts';
import { type RunSummary } from '../store/index.ts';

export const ARM_WORDS: Readonly<Record<Arm, string>> = { student: 'student', control: 'control', controlInherit: 'control, inheriting' };

const PHASE_WORDS: Readonly<Record<EventOf<'phase'>['phase'], string>> = {
  engine: 'starting the engine', data: 'reading the data', teacher: 'measuring the teacher', capturing: 'capturing the step',
  training: 'training', evaluating: 'evaluating', saving: 'saving',
};

export function phaseWords({ phase, arm, detail }: EventOf<'phase'>): string {
  return [PHASE_WORDS[phase], ...(arm === undefined ? [] : [ARM_WORDS[arm]]), ...(detail === undefined ? [] : [detail])].join(' · ');
}

/** As one would type it from here; whole where that would climb. */
export function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative === '' || relative.startsWith('..') ? file : relative;
}

export function percent(fraction: number | undefined): string {
  return fraction === undefined || fraction < 0 ? '–' : (100 * fraction).toFixed(1);
}

export function signedPercent(fraction: number): string {
  const size = Math.abs(100 * fraction).toFixed(1);
  return `${size === '0.0' ? '±' : fraction < 0 ? '−' : '+'}${size}`;
}

/** Three significant digits. */
export function loss(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

export function timeLeft(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min left` : `${(minutes / 60).toFixed(1)} h left`;
}

export function age(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} days ago`;
}

/** Losses by family: `detection 0.81 · fgd 1.52`; a family is what stands before the dot. */
export function lossWords(losses: Readonly<Record<string, number>>): string {
  const families = new Map<string, number>();
  for (const [name, value] of Object.entries(losses)) {
    if (name === 'total') continue;
    const family = name.split('.', 1)[0] ?? name;
    families.set(family, (families.get(family) ?? 0) + value);
  }
  return [...families].map(([family, value]) => `${family} ${loss(value)}`).join(' · ');
}

const STATE_WORDS: Readonly<Record<RunState, string>> = {
  preparing: 'preparing', running: 'running', stopping: 'stopping', stopped: 'stopped', finished: 'finished', failed: 'failed', killed: 'killed', lost: 'lost',
};

/** The one line that a terminal redraws, cut to its width. */
export function progressLine(run: RunSummary, columns: number): string {
  const { state, phase, lastStep, totalSteps, progress, secondsLeft, reason } = run;
  const fraction = progress.total === 0 ? 0 : progress.done / progress.total;
  const parts: string[] = [];
  if (lastStep === undefined || (phase !== undefined && phase.phase !== 'training')) parts.push(phase === undefined ? STATE_WORDS[state] : phaseWords(phase));
  else parts.push(state === 'running' ? ARM_WORDS[lastStep.arm] : STATE_WORDS[state]);
  if (lastStep !== undefined) {
    parts.push(`step ${lastStep.step}/${totalSteps}`, `loss ${loss(lastStep.losses.total ?? 0)}`, `(${lossWords(lastStep.losses)})`, `${lastStep.imagesPerSecond.toFixed(0)} images/s`);
  }
  if (secondsLeft !== undefined) parts.push(timeLeft(secondsLeft));
  if (reason !== undefined) parts.push(reason);
  return `${bar(fraction, 20)} ${String(Math.round(100 * fraction)).padStart(3)} %  ${parts.join('  ')}`.slice(0, Math.max(20, columns - 1));
}

function bar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
}
