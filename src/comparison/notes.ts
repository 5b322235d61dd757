/** What a reader must know before believing the figures: in sentences, the gravest first. */
import { clip, formatCount } from '../../webview/format.ts';
import { t } from '../../webview/words.ts';
import { type ComparedRun, type Entry, isRecord, lastScored } from './run.ts';
import { canonical } from './seeds.ts';

export interface Note {
  readonly text: string;
  /** The comparison itself is in doubt. */
  readonly grave: boolean;
}

const LIVE: ReadonlySet<ComparedRun['state']> = new Set(['preparing', 'running', 'stopping']);
const NAMES_SHOWN = 3;

export function notesOf(entries: readonly Entry[]): readonly Note[] {
  const runs = entries.flatMap((entry) => entry.runs);
  const measured = runs.filter((run) => lastScored(run) !== undefined);
  const grave = (text: string | undefined): Note[] => (text === undefined ? [] : [{ text, grave: true }]);
  const plain = (text: string | undefined): Note[] => (text === undefined ? [] : [{ text, grave: false }]);
  return [
    ...grave(differentData(measured)),
    ...grave(named(runs.filter(({ state }) => state === 'deleted'), (names) => t('No longer there, shown as last read: {0}.', names))),
    ...plain(runs.length === 1 ? t('One run is shown: choose another to compare it with.') : undefined),
    ...plain(named(runs.filter((run) => lastScored(run) === undefined), (names) => t('Not evaluated yet: {0}.', names))),
    ...plain(differentSteps(entries)),
    ...plain(leftOut(entries)),
    ...plain(named(runs.filter(({ state }) => LIVE.has(state)), (names) => t('Still going, so the figures will change: {0}.', names))),
    ...plain(repeats(entries)),
    ...plain(named(runs.filter((run) => run.methods.length > 0 && run.arms.length === 1 && run.gain === undefined && (run.sweep === undefined || run.sweep.controls.length === 0)), (names) => t('Without a control, so there is no gain to tell: {0}.', names))),
  ];
}

function named(runs: readonly ComparedRun[], say: (names: string) => string): string | undefined {
  if (runs.length === 0) return undefined;
  const names = [...new Set(runs.map(({ name }) => clip(name, 40)))];
  const rest = names.length - NAMES_SHOWN;
  return say(rest > 0 ? t('{0} and {1} more', names.slice(0, NAMES_SHOWN).join(', '), rest) : names.join(', '));
}

/** What AP is measured on: where these differ, so does the ruler. */
function dataOf({ experiment, classes }: ComparedRun): string | undefined {
  const data = isRecord(experiment) && isRecord(experiment.data) ? experiment.data : undefined;
  if (data === undefined) return undefined;
  const { format, root, val, config, seed, size } = data;
  // Drawn scenes of another size or seed are other scenes.
  const own = format === 'scenes' ? { val, seed, size } : { root, val, config };
  const evaluate = isRecord(experiment) && isRecord(experiment.evaluate) ? experiment.evaluate.metric : undefined;
  return canonical({ format, ...own, evaluate, classes: classes.length > 0 ? classes : data.classes });
}

function differentData(runs: readonly ComparedRun[]): string | undefined {
  const kinds = new Set(runs.map(dataOf).filter((data) => data !== undefined));
  return kinds.size < 2 ? undefined : t('These runs were evaluated on {0} different sets of images, classes or metrics: their AP cannot be compared.', kinds.size);
}

function differentSteps(entries: readonly Entry[]): string | undefined {
  const steps = entries.flatMap(({ runs }) => {
    const reached = runs.flatMap((run) => lastScored(run)?.step ?? []);
    return reached.length === 0 ? [] : [Math.max(...reached)];
  });
  const [least, most] = [Math.min(...steps), Math.max(...steps)];
  return steps.length < 2 || least === most ? undefined : t('The last evaluations are of different steps, from {0} to {1}.', formatCount(least), formatCount(most));
}

function leftOut(entries: readonly Entry[]): string | undefined {
  const behind = entries.reduce((sum, { runs }) => {
    const steps = runs.flatMap((run) => lastScored(run)?.step ?? []);
    return sum + steps.filter((step) => step < Math.max(...steps)).length;
  }, 0);
  if (behind === 0) return undefined;
  return behind === 1 ? t('One seed has not come as far as the others and is not in the mean.') : t('{0} seeds have not come as far as the others and are not in the mean.', behind);
}

function repeats(entries: readonly Entry[]): string | undefined {
  const count = entries.reduce((sum, entry) => sum + entry.repeats, 0);
  if (count === 0) return undefined;
  return count === 1 ? t('One run repeats a seed and is left out.') : t('{0} runs repeat a seed and are left out.', count);
}
