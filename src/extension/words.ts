/** What the status bar and notifications say. Pure: the translator is handed in, so that it is tested without VS Code. */
import { type RunState } from '../experiment/record.ts';

/** `vscode.l10n.t` in the product. */
export type Translate = (message: string, ...values: (string | number)[]) => string;

/** Fills `{0}`, `{1}`, … without translating: for tests. */
export const english: Translate = (message, ...values) => message.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)]));

export interface Progress {
  readonly name: string;
  /** What they are called. */
  readonly methods: readonly string[];
  readonly state: RunState;
  /** 0…1, over all arms. */
  readonly fraction?: number | undefined;
  /** The student's last AP, 0…1. */
  readonly ap?: number | undefined;
  readonly secondsLeft?: number | undefined;
  /** AP of the student less that of the better control, 0…1. */
  readonly gain?: number | undefined;
}

/** `FGD 38 % · AP 41.2 · 3 min left`, with as much of it as is known. */
export function statusLine(t: Translate, progress: Progress): string {
  const { state, fraction, ap, secondsLeft } = progress;
  const parts: string[] = [];
  if (state !== 'running') parts.push(`${label(progress)} ${stateWord(t, state)}`);
  else parts.push(fraction === undefined ? label(progress) : `${label(progress)} ${percent(fraction)}`);
  if (ap !== undefined) parts.push(`AP ${formatAp(ap)}`);
  if (state === 'running' && secondsLeft !== undefined) parts.push(timeLeft(t, secondsLeft));
  return parts.join(' · ');
}

/** The same for a line that is drawn seldom: `FGD finished · AP 43.1 (+5.4 over control)`. */
export function stateLine(t: Translate, { state, ap, gain, ...run }: Progress): string {
  const start = `${label(run)} ${stateWord(t, state)}`;
  return ap === undefined ? start : `${start} · ${withGain(t, ap, gain)}`;
}

/** `AP 43.1`, or `AP 43.1 (+5.4 over control)`. */
export function withGain(t: Translate, ap: number, gain: number | undefined): string {
  if (gain === undefined) return `AP ${formatAp(ap)}`;
  const points = (Math.abs(gain) * 100).toFixed(1);
  return t('AP {0} ({1} over control)', formatAp(ap), `${gain < 0 ? '−' : '+'}${points}`);
}

/** `FGD`, `RM + PFI`, or the run's name when it is a plain training run. */
export function label(run: Pick<Progress, 'name' | 'methods'>): string {
  return run.methods.length === 0 ? run.name : run.methods.join(' + ');
}

/** Whole per cent, rounded down: 100 % is said only at the end. */
export function percent(fraction: number): string {
  return `${Math.floor(Math.min(Math.max(fraction, 0), 1) * 100)} %`;
}

/** Per cent with one decimal; a dash where COCO leaves it undefined. */
export function formatAp(ap: number): string {
  return ap < 0 ? '–' : (ap * 100).toFixed(1);
}

/** @param seconds still to go. */
export function timeLeft(t: Translate, seconds: number): string {
  if (seconds < 50) return t('less than a minute left');
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t('{0} min left', minutes);
  return t('{0} h {1} min left', Math.floor(minutes / 60), minutes % 60);
}

export function stateWord(t: Translate, state: RunState): string {
  const words: Readonly<Record<RunState, string>> = {
    preparing: t('preparing'),
    running: t('running'),
    stopping: t('stopping'),
    stopped: t('stopped'),
    finished: t('finished'),
    failed: t('failed'),
    killed: t('killed'),
    lost: t('lost'),
  };
  return words[state];
}

/** One sentence for the notification at the end of a run. */
export function endSentence(t: Translate, run: Progress & { readonly reason?: string | undefined }): string {
  if (run.state === 'finished') {
    return run.ap === undefined ? t('{0} finished.', run.name) : t('{0} finished: {1}.', run.name, withGain(t, run.ap, run.gain));
  }
  if (run.state === 'stopped') return t('{0} stopped. It can be resumed from its last checkpoint.', run.name);
  const start = t('{0} {1}', run.name, stateWord(t, run.state));
  return run.reason === undefined ? `${start}.` : `${start}: ${run.reason}`;
}
