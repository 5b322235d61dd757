/** The child process of a run: reads its folder, trains, and leaves an `ended` event whatever happens. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DistillError, explainError } from '../errors.ts';
import { startEngine } from '../engine/backend.ts';
import { lengtheningNote } from '../experiment/length.ts';
import { METHOD_CARDS } from '../experiment/methods/index.ts';
import { FILES, type Arm } from '../experiment/record.ts';
import { locate } from '../experiment/positions.ts';
import { parseResolved, type Resolved } from '../experiment/resolved.ts';
import { type Experiment } from '../experiment/schema.ts';
import { lessonId, lessonsOf, teachersOf } from '../experiment/teachers.ts';
import { otherChild } from './alone.ts';
import { findCheckpoint } from './checkpoint.ts';
import { EventWriter, type NewEvent } from './eventWriter.ts';
import { startHeartbeat } from './heartbeat.ts';
import { armNames, precisionOf, prepareRun, type PreparedRun } from './prepare.ts';
import { summaryOf } from './summary.ts';
import { train } from './train.ts';

/** @param stop see `hearStopSignals`. @returns the exit code: 0 finished, 1 failed, 3 stopped, 4 another child works here. */
export async function runChild(folder: string, stop: AbortSignal): Promise<number> {
  const other = await otherChild(folder);
  if (other !== undefined) {
    log(`process ${other.pid} on ${other.host} works on this run already`);
    return 4;
  }
  const events = new EventWriter(folder);
  const stopHeartbeat = startHeartbeat(folder);
  let resolved: Resolved | undefined;
  try {
    const file = join(folder, FILES.resolved);
    resolved = parseResolved(readFileSync(file, 'utf8'), file);
    const from = stepsToGoOnFrom(folder, resolved);
    events.open();
    events.cutAfter(from);
    stop.throwIfAborted();
    events.write({ type: 'phase', phase: 'engine' });
    const { backend, device, convolutions } = resolved.experiment.engine;
    const engine = await startEngine({ backend, device, convolutions });
    log(`engine: ${engine.backend}, ${engine.device}${engine.notice === undefined ? '' : ` (${engine.notice})`}`);
    const run = await prepareRun({ folder, resolved, engine, events, signal: stop, log });
    const note = lengtheningOf(run, from);
    events.write(startedEvent(run, from));
    if (note !== undefined) events.write({ type: 'warning', message: note });
    if (engine.notice !== undefined) events.write({ type: 'warning', message: engine.notice });
    const state = await train(run);
    for (const arm of run.arms) await arm.dispose();
    const teacherCache = run.cache?.summary();
    events.end({ type: 'ended', state, ...(teacherCache === undefined ? {} : { teacherCache }) });
    log(state);
    return state === 'finished' ? 0 : 3;
  } catch (error) {
    if (stop.aborted && error === stop.reason) {
      // Asked to end while it was preparing: nothing was lost, nothing has failed.
      events.end({ type: 'ended', state: 'stopped' });
      log('stopped');
      return 3;
    }
    const placed = resolved === undefined ? error : locate(error, resolved.source);
    events.end({ type: 'ended', state: 'failed', error: failureOf(placed, resolved) });
    log(explainError(placed));
    return 1;
  } finally {
    await stopHeartbeat();
  }
}

function stepsToGoOnFrom(folder: string, { experiment }: Resolved): Partial<Record<Arm, number>> {
  return Object.fromEntries(armNames(experiment).map((arm) => [arm, findCheckpoint(folder, arm, 'last')?.state.step ?? 0]));
}

/** In the record, for whoever looks at the curve: it was trained for one length first and for another then. */
function lengtheningOf({ experiment, events, steps, log: tell }: PreparedRun, arms: Partial<Record<Arm, number>>): string | undefined {
  const before = events.formerLength();
  const from = Math.min(...Object.values(arms));
  if (before === undefined || before === steps || from === 0) return undefined;
  tell(`lengthened from ${before} to ${steps} steps`);
  return lengtheningNote(experiment, { from, before, steps });
}

function startedEvent(run: PreparedRun, from: Partial<Record<Arm, number>>): NewEvent {
  const { experiment, engine, steps, stepsPerEpoch, arms, training } = run;
  return {
    type: 'started', pid: process.pid, host: hostname(), name: experiment.name, totalSteps: steps, stepsPerEpoch, from,
    engine: { backend: engine.backend, device: engine.device, precision: precisionOf(experiment, engine), captured: arms[0]?.program.captured ?? false, ...(engine.notice === undefined ? {} : { notice: engine.notice }) },
    summary: summaryOf(experiment, training.images.length), arms: arms.map(({ name }) => name), methods: experiment.distill.map(({ method }) => method), classes: [...training.classes],
    methodTitles: methodTitles(experiment),
  };
}

/** With several teachers at once the methods' copies have titles of their own. */
function methodTitles(experiment: Experiment): Record<string, string> {
  const copies = experiment.teaching === 'progressive' ? [] : teachersOf(experiment).slice(1);
  return Object.fromEntries([
    ...experiment.distill.map(({ method }) => [method, METHOD_CARDS[method].title]),
    ...copies.flatMap((teacher, index) => lessonsOf(experiment, teacher).map(([, { method }]) => [lessonId(method, index + 1), `${METHOD_CARDS[method].title}, teacher ${index + 2}`])),
  ]) as Record<string, string>;
}

function failureOf(error: unknown, resolved: Resolved | undefined): NonNullable<Extract<NewEvent, { type: 'ended' }>['error']> {
  const explanation = explainError(error);
  if (!(error instanceof DistillError)) return { code: 'DL600', message: error instanceof Error ? error.message : String(error), explanation };
  const { where } = error.details;
  const line = where?.line !== undefined && where.file === resolved?.source.file ? { line: where.line } : {};
  return { code: error.code, message: error.message, explanation, ...line };
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`);
}
