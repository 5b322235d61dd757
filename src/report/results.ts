/** The result table and the sentences around it: what was measured, how far the run came, and what is missing. */
import { type Arm, type Metrics } from '../experiment/record.ts';
import { type RunSummary } from '../store/index.ts';
import { formatAp, formatCount, formatDuration, formatGain } from '../../webview/format.ts';
import { type RunModel } from '../../webview/model.ts';
import { table, text } from './html.ts';

const CLASSES_SHOWN = 100;

/** The four rows of a distillation experiment; a plain training run has one. */
function subjects(run: RunSummary): { readonly subject: Arm | 'teacher'; readonly name: string }[] {
  const distilled = run.methods.length > 0;
  return [
    ...(run.metrics.teacher !== undefined || distilled ? [{ subject: 'teacher' as const, name: 'teacher' }] : []),
    ...(run.arms.includes('control') ? [{ subject: 'control' as const, name: 'student without distillation' }] : []),
    ...(run.arms.includes('controlInherit') ? [{ subject: 'controlInherit' as const, name: 'student without distillation, inheriting' }] : []),
    { subject: 'student' as const, name: distilled ? 'student, distilled' : 'student' },
  ];
}

export function resultTable(run: RunSummary, model: RunModel): string {
  const rows = subjects(run).map(({ subject, name }) => {
    const last = run.evaluations[subject]?.at(-1);
    const metrics = last?.metrics;
    const history = subject === 'teacher' ? undefined : model.arms.get(subject);
    const gain = subject === 'student' && run.gain !== undefined ? formatGain(run.gain.value) : '';
    return [
      name, ...(metrics === undefined ? ['not evaluated', '', '', ''] : [formatAp(metrics.AP), formatAp(metrics.AP50), formatAp(metrics.AP75), formatAp(metrics.AR100)]),
      gain, subject === 'teacher' ? '' : last === undefined ? '–' : formatCount(last.step),
      subject === 'teacher' ? '' : formatCount(run.steps[subject] ?? 0), history === undefined || history.length < 2 ? '' : formatDuration(history.elapsed.last),
    ];
  });
  return table('Results on the validation images, in per cent', ['', 'AP', 'AP50', 'AP75', 'AR', 'gain', 'at step', 'steps trained', 'time'], rows)
    .replace('<tr><th scope="row">student, distilled', '<tr class="main"><th scope="row">student, distilled');
}

/** What the figures mean and what is missing from them. */
export function remarks(run: RunSummary): string[] {
  const words = ['Figures are of each last evaluation; AP is the mean over IoU 0.50 to 0.95, AR that with 100 detections an image.'];
  const distilled = run.methods.length > 0;
  if (run.gain !== undefined) {
    const against = run.gain.against === 'controlInherit' ? 'the inheriting control' : 'the control';
    words.push(`The gain is the distilled student's AP less that of ${against}, the better one, both at step ${formatCount(run.gain.step)}; one run, one seed.`);
  } else if (distilled && run.arms.length === 1) words.push('No control was trained (control: false), so this run cannot tell what distillation gained.');
  else if (distilled && run.arms.length > 1) words.push('There is no gain yet: student and controls have not been evaluated at the same step.');
  if (distilled && run.metrics.teacher === undefined) words.push('The teacher was not evaluated.');
  if (run.metrics.student === undefined) words.push('The student was not evaluated.');
  return words;
}

export function verdict(run: RunSummary, written: Date): { readonly sentence: string; readonly bad: boolean } {
  const step = formatCount(run.steps.student ?? 0);
  const of = run.totalSteps > 0 ? ` of ${formatCount(run.totalSteps)}` : '';
  const when = written.toISOString().slice(0, 16).replace('T', ' ');
  const reason = run.error?.message ?? run.reason ?? '';
  switch (run.state) {
    case 'finished': return { sentence: `Finished: ${formatCount(run.totalSteps)} steps of ${run.arms.length === 1 ? 'one training' : `${run.arms.length} trainings`}.`, bad: false };
    case 'stopped': return { sentence: `Stopped at step ${step}${of} of the student: everything below is of an unfinished run.`, bad: true };
    case 'failed': return { sentence: `Failed at step ${step}${of} of the student: ${reason}`, bad: true };
    case 'killed': return { sentence: `Killed at step ${step}${of} of the student. ${reason}`, bad: true };
    case 'lost': return { sentence: `Lost at step ${step}${of} of the student: the run no longer gives a sign of life. ${reason}`, bad: true };
    case 'preparing': case 'running': case 'stopping': return { sentence: `Still ${run.state} when this was written (${when} UTC), at step ${step}${of} of the student.`, bad: true };
  }
}

export function classTable(run: RunSummary): string {
  const shown = subjects(run).filter(({ subject }) => run.perClass[subject] !== undefined);
  const names = [...new Set([...run.classes, ...shown.flatMap(({ subject }) => Object.keys(run.perClass[subject] ?? {}))])];
  if (shown.length === 0 || names.length === 0) return '';
  const AP = (subject: Arm | 'teacher', name: string): string => {
    const all: Readonly<Record<string, Metrics>> = run.perClass[subject] ?? {};
    return formatAp(Object.hasOwn(all, name) ? all[name]?.AP : undefined);
  };
  const rows = names.slice(0, CLASSES_SHOWN).map((name) => [name, ...shown.map(({ subject }) => AP(subject, name))]);
  const rest = names.length - rows.length;
  return `${table('AP by class, in per cent', ['', ...shown.map(({ name }) => name)], rows)}${rest > 0 ? `<p>${text(`${formatCount(rest)} more classes are not shown.`)}</p>` : ''}`;
}
