/** What a sweep is told by. Pure: the translator is handed in, so that it is tested without VS Code. */
import { byteSize } from '../byteSize.ts';
import { type Estimate } from '../sweep/estimate.ts';
import { type Plan } from '../sweep/plan.ts';
// Types alone: the room is loaded when sweeps are read.
import { type Place, type PlaceState, type SweepState, type SweepStatus } from '../sweep/status.ts';
import { duration, plain } from './runsView/texts.ts';
import { formatAp, stateWord, type Translate } from './words.ts';

export function sweepStateWord(t: Translate, state: SweepState): string {
  if (state === 'pausing') return t('pausing');
  return state === 'paused' ? t('paused') : stateWord(t, state);
}

export function placeStateWord(t: Translate, state: PlaceState): string {
  if (state === 'waiting') return t('waiting');
  return state === 'skipped' ? t('ended early') : stateWord(t, state);
}

/** `7 of 12 done`, with what went wrong. */
export function progressWords(t: Translate, { done, failed, places }: Pick<SweepStatus, 'done' | 'failed' | 'places'>): string {
  const all = t('{0} of {1} done', done, places.length);
  return failed === 0 ? all : `${all} · ${t('{0} failed', failed)}`;
}

/** The combination, or what it is where nothing but seeds differs. */
export function labelOf(t: Translate, { role, label }: { readonly role: 'student' | 'control'; readonly label: string }): string {
  if (label === '') return role === 'control' ? t('control') : t('distilled');
  return plain(label);
}

/** For its row: `running · 7 of 12 done · best AP 43.1`. */
export function sweepDescription(t: Translate, sweep: SweepStatus): string {
  const isPlain = sweep.state === 'finished' || sweep.state === 'running';
  const best = sweep.best === undefined ? [] : [t('best AP {0}', formatAp(sweep.best.AP))];
  return [...(isPlain ? [] : [sweepStateWord(t, sweep.state)]), progressWords(t, sweep), ...best].join(' · ');
}

/** One sentence for the notification at its end. */
export function sweepEndSentence(t: Translate, sweep: SweepStatus): string {
  const progress = progressWords(t, sweep);
  if (sweep.state === 'killed') return t('The queue of {0} has ended without a word: {1}. Resume goes on with it.', sweep.name, progress);
  const { best } = sweep;
  const start = t('{0} {1}: {2}', sweep.name, sweepStateWord(t, sweep.state), progress);
  return best === undefined ? `${start}.` : `${start}. ${t('Best AP {0}: {1}.', formatAp(best.AP), labelOf(t, { role: 'student', label: best.label }))}`;
}

/** What the user sees before anything starts. */
export function startQuestion(t: Translate, plan: Pick<Plan, 'name' | 'runs' | 'repeated'>, { seconds, bytes, judgedBy }: Estimate, place: { readonly launcher: string; readonly atOnce: number | undefined }): { readonly message: string; readonly detail: string } {
  const controls = plan.runs.filter(({ role }) => role === 'control').length;
  const seeds = new Set(plan.runs.map(({ seed }) => seed)).size;
  const labels = new Set(plan.runs.map(({ label }) => label)).size;
  const what = controls > 0 ? [t('{0} distilled', plan.runs.length - controls), t('{0} controls', controls)] : labels > 1 ? [t('{0} combinations', labels)] : [];
  const where = place.launcher === 'local'
    ? t('Runs at once: {0} on this machine', place.atOnce ?? 1)
    : place.atOnce === undefined ? t('Runs at once: as many as {0} gives', place.launcher) : t('Runs at once: {0} on {1}', place.atOnce, place.launcher);
  return {
    message: t('Start {0} runs of {1}?', plan.runs.length, plain(plan.name)),
    detail: [
      [...what, seeds === 1 ? t('1 seed') : t('{0} seeds', seeds)].join(', '),
      ...(plan.repeated === 0 ? [] : [t('{0} that would repeat another are left out', plan.repeated)]),
      t('Time: {0}', seconds === undefined ? t('unknown') : t('about {0}', duration(t, 1000 * seconds))),
      t('Disk: {0}', bytes === undefined ? t('unknown') : t('about {0}', byteSize(bytes))),
      where,
      ...(place.launcher === 'kubernetes' ? [t('The Kubernetes launcher is experimental: it was never run on a real cluster.')] : []),
      judgedBy === 0 ? t('No earlier run of this file tells how long one takes.') : judgedBy === 1 ? t('Judged by 1 earlier run of this file.') : t('Judged by {0} earlier runs of this file.', judgedBy),
    ].join('\n'),
  };
}

/** Where a waiting run stands: `next`, `3rd in line` would need a grammar for each language, so its number. */
export function waitingWords(t: Translate, place: Place, position: number): string {
  const step = place.run?.lastStep?.step;
  const reason = place.reason === undefined ? undefined : plain(place.reason);
  return [t('waiting'), position === 1 ? t('next') : t('number {0}', position), ...(step === undefined ? [] : [t('at step {0}', step)]), ...(reason === undefined ? [] : [reason])].join(' · ');
}
