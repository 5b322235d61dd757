/** Shows a run until it ends: a bar on a terminal, plain lines elsewhere, its events as JSON lines for machines. */
import { explainError } from '../errors.ts';
import { type RunEvent } from '../experiment/record.ts';
import { kill, requestStop } from '../launch/index.ts';
import { isLive, type RunSummary, watchRun } from '../store/index.ts';
import { EXIT, type Output } from './output.ts';
import { ARM_WORDS, loss, lossWords, percent, phaseWords, progressLine, timeLeft } from './words.ts';

/** Without a terminal a step is worth a line only now and then. */
const PLAIN_INTERVAL_MS = 10_000;

export interface FollowOptions {
  readonly folder: string;
  readonly output: Output;
  readonly json: boolean;
  /** Events up to this moment (an earlier attempt's) are not shown again. */
  readonly since?: number | undefined;
}

/** Ctrl-C asks the run to save and stop; a second one kills it. @returns the run as it ended. */
export async function followRun({ folder, output, json, since = 0 }: FollowOptions): Promise<RunSummary> {
  const show = json ? jsonLines(output) : output.terminal ? terminalLines(output) : plainLines(output);
  const releaseSignals = stopOnSignal(folder, output);
  try {
    return await new Promise((resolve) => {
      const watch = watchRun(folder, ({ run, events, more }) => {
        for (const event of events) if (event.time > since) show(event, run);
        if (output.terminal && !json) output.status(progressLine(run, output.columns));
        if (more || isLive(run.state)) return;
        watch.dispose();
        output.status('');
        resolve(run);
      }, { interval: 250 });
    });
  } finally {
    releaseSignals();
  }
}

export function exitCodeOfRun({ state }: Pick<RunSummary, 'state'>): number {
  if (state === 'finished' || state === 'failed' || state === 'stopped') return EXIT[state];
  return EXIT.killed;
}

type Show = (event: RunEvent, run: RunSummary) => void;

function jsonLines(output: Output): Show {
  return (event) => { output.line(JSON.stringify(event)); };
}

function terminalLines(output: Output): Show {
  return (event, run) => {
    // Phases and steps are in the bar.
    if (event.type !== 'step' && event.type !== 'phase') showEvent(event, run, output);
  };
}

function plainLines(output: Output): Show {
  let last = 0;
  return (event, run) => {
    if (event.type !== 'step') {
      showEvent(event, run, output);
      return;
    }
    if (event.time - last < PLAIN_INTERVAL_MS) return;
    last = event.time;
    const left = run.secondsLeft === undefined ? '' : `, ${timeLeft(run.secondsLeft)}`;
    output.line(`${ARM_WORDS[event.arm]}: step ${event.step}/${run.totalSteps}, loss ${loss(event.losses.total ?? 0)} (${lossWords(event.losses)}), ${event.imagesPerSecond.toFixed(0)} images/s${left}`);
  };
}

function showEvent(event: RunEvent, run: RunSummary, output: Output): void {
  switch (event.type) {
    case 'started':
      output.line(event.summary);
      output.line(`${event.engine.backend}, ${event.engine.device}, ${event.engine.precision}${event.engine.captured ? ', captured' : ', op by op'}`);
      break;
    case 'phase':
      if (event.phase !== 'training') output.line(phaseWords(event));
      break;
    case 'evaluation': {
      const subject = event.subject === 'teacher' ? 'teacher' : ARM_WORDS[event.subject];
      const when = event.subject === 'teacher' ? '' : ` at step ${event.step}/${run.totalSteps}`;
      output.line(`${subject}${when}: AP ${percent(event.metrics.AP)}, AP50 ${percent(event.metrics.AP50)}, AP75 ${percent(event.metrics.AP75)}`);
      break;
    }
    case 'warning':
      output.note(`warning: ${event.message}`);
      break;
    case 'step':
    case 'pictures':
    case 'checkpoint':
    case 'ended':
      break;
  }
}

/** @returns takes the handlers off again. */
function stopOnSignal(folder: string, output: Output): () => void {
  let asked = false;
  const onSignal = (): void => {
    const again = asked;
    asked = true;
    if (!again) output.note('stopping: the run saves first (Ctrl-C again ends it now)');
    (again ? kill(folder) : requestStop(folder)).catch((error: unknown) => { output.note(explainError(error)); });
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
