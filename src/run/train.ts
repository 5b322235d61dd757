/**
 * The training loop, from first to last step.
 *
 * Arms (the student and its controls) take turns: each trains to the next evaluation, is evaluated and saved, then the next arm
 * does the same. So their curves grow side by side, and a stop at any moment leaves arms that can be compared.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DistillError } from '../errors.ts';
import { formatKey } from '../experiment/keyPath.ts';
import { FILES } from '../experiment/record.ts';
import { teacherPath } from '../experiment/teachers.ts';
import { type Arm, type StepRecord } from './arm.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { evaluate, evaluateAlone, type EvaluationResult } from './evaluation.ts';
import { type PreparedRun } from './prepare.ts';

/** A total this many times the first one is no longer training. */
const EXPLODED = 1e4;
/** Asking the disk for a stop request more often than this would cost more than it helps. */
const STOP_POLL_MILLISECONDS = 200;

export async function train(run: PreparedRun): Promise<'finished' | 'stopped'> {
  try {
    return await trainArms(run);
  } catch (error) {
    if (error instanceof Interrupted) return 'stopped';
    throw error;
  }
}

/** Thrown out of an evaluation that there is no more time for: the grace of a scheduler is short. */
class Interrupted extends Error {}

async function trainArms(run: PreparedRun): Promise<'finished' | 'stopped'> {
  const { arms, steps, evaluateEvery, events } = run;
  await evaluateTeachers(run);
  for (let boundary = evaluateEvery; boundary - evaluateEvery < steps; boundary += evaluateEvery) {
    const end = Math.min(boundary, steps);
    for (const arm of arms) {
      if (arm.step > end || (arm.step === end && !arm.evaluationDue)) continue;
      events.write({ type: 'phase', phase: 'training', arm: arm.name });
      if ((await trainTo(run, arm, end)) === 'stopped') return 'stopped';
      const best = await evaluateOrSave(run, arm);
      await save(run, arm, best);
    }
  }
  return 'finished';
}

async function trainTo(run: PreparedRun, arm: Arm, end: number): Promise<'reached' | 'stopped'> {
  const { events, experiment: { train: { batch } }, checkpointEvery } = run;
  let first: number | undefined;
  let polled = performance.now();
  while (arm.step < end) {
    const record = await arm.trainStep();
    first ??= record.losses.total;
    checkLosses(arm, record, first ?? 0);
    events.write({
      type: 'step', arm: arm.name, step: arm.step, losses: record.losses, learningRate: record.learningRate,
      gradientNorm: record.gradientNorm, imagesPerSecond: batch / record.seconds,
    });
    await recordPictures(run, arm);
    if (arm.step % checkpointEvery === 0 && arm.step < end) await save(run, arm, false);
    // The step runs in native code on this thread: signals and the data thread's messages are heard in between.
    await nextTurn();
    if (performance.now() - polled < STOP_POLL_MILLISECONDS) continue;
    polled = performance.now();
    if (stopRequested(run)) {
      arm.evaluationDue = arm.step === end;
      await save(run, arm, false);
      return 'stopped';
    }
  }
  return 'reached';
}

/** A loss that is no number, or has exploded, ends the run before an event or a checkpoint can keep it. */
function checkLosses(arm: Arm, { losses, gradientNorm }: StepRecord, first: number): void {
  const bad = Object.entries({ ...losses, 'gradient norm': gradientNorm }).filter(([name, value]) => !Number.isFinite(value) && name !== 'total');
  const total = losses.total ?? Number.NaN;
  if (bad.length === 0 && Number.isFinite(total) && Math.abs(total) <= EXPLODED * Math.max(1, Math.abs(first))) return;
  const largest = Object.entries(losses).filter(([name]) => name !== 'total').sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))[0];
  const [part, value] = bad[0] ?? largest ?? ['total', total];
  throw new DistillError('DL601', `Training blew up at step ${arm.step} of the ${arm.name} arm: ${part} is ${value}.`, {
    key: part.startsWith('detection') || !part.includes('.') ? ['train', 'learningRate'] : ['distill'],
    expected: 'finite losses', got: Object.entries(losses).map(([name, loss]) => `${name} ${loss.toPrecision(3)}`).join(', '),
    advice: 'Lower train.learningRate or the weight of that part, or set train.clip. The last checkpoint is from before this and is kept.',
  });
}

async function recordPictures(run: PreparedRun, arm: Arm): Promise<void> {
  const { picturesEvery, folder, events, steps } = run;
  if (arm.pictures === undefined) return;
  const due = arm.step % picturesEvery === 0 || arm.step === steps || arm.step === Math.min(10, steps);
  if (!due) return;
  events.write({ type: 'pictures', arm: arm.name, step: arm.step, folder: await arm.pictures.record(folder, arm.name, arm.step, arm.program) });
}

/** The teachers' AP once a run: the line to reach, and the proof that their weights were loaded. Of several the best is the line. */
async function evaluateTeachers(run: PreparedRun): Promise<void> {
  const { teachers, engine, validation, experiment, events, teacherEvaluated, log } = run;
  if (teachers.length === 0 || teacherEvaluated) return;
  events.write({ type: 'phase', phase: 'evaluating', detail: 'teacher' });
  const results: EvaluationResult[] = [];
  for (const [index, teacher] of teachers.entries()) {
    const result = await evaluateAlone(teacher, engine, validation, experiment, interruptible(run));
    results.push(result);
    const ap = (100 * result.metrics.AP).toFixed(1);
    if (teachers.length > 1) log(`teacher ${index + 1} of ${teachers.length}: AP ${ap}`);
    if (result.metrics.AP < 0.01) events.write({ type: 'warning', code: 'DL504', message: `The teacher's AP on the validation set is ${ap}: it has nothing to teach. Check the weights of ${formatKey(teacherPath(experiment, index))}, data.classes and data.normalize.` });
  }
  const [best] = results.toSorted((a, b) => b.metrics.AP - a.metrics.AP);
  if (best !== undefined) events.write({ type: 'evaluation', subject: 'teacher', step: 0, metrics: best.metrics, perClass: best.perClass, seconds: best.seconds });
}

/** Interrupted, it saves what was trained; the evaluation is made up for on resume. @returns whether it is the best so far. */
async function evaluateOrSave(run: PreparedRun, arm: Arm): Promise<boolean> {
  arm.evaluationDue = true;
  try {
    const best = await evaluateArm(run, arm);
    arm.evaluationDue = false;
    return best;
  } catch (error) {
    if (error instanceof Interrupted) await save(run, arm, false);
    throw error;
  }
}

/** For evaluations, image by image. */
function interruptible(run: PreparedRun): () => void {
  let polled = performance.now();
  return () => {
    if (run.signal.aborted) throw new Interrupted();
    if (performance.now() - polled < STOP_POLL_MILLISECONDS) return;
    polled = performance.now();
    if (stopRequested(run)) throw new Interrupted();
  };
}

/** @returns whether it is the best so far. */
async function evaluateArm(run: PreparedRun, arm: Arm): Promise<boolean> {
  const { validation, experiment, events } = run;
  events.write({ type: 'phase', phase: 'evaluating', arm: arm.name });
  const { metrics, perClass, seconds } = await arm.withAverage(() => evaluate(arm.program, 'infer', arm.student, validation, experiment, interruptible(run)));
  events.write({ type: 'evaluation', subject: arm.name, step: arm.step, metrics, perClass, seconds });
  const best = metrics.AP > arm.bestAP;
  arm.bestAP = Math.max(arm.bestAP, metrics.AP);
  return best;
}

async function save(run: PreparedRun, arm: Arm, best: boolean): Promise<void> {
  const { folder, events } = run;
  const state = { step: arm.step, bestAP: arm.bestAP, evaluationDue: arm.evaluationDue };
  if (best) {
    const values = await arm.withAverage(() => Promise.resolve(arm.values()));
    events.write({ type: 'checkpoint', arm: arm.name, step: arm.step, kind: 'best', folder: await writeCheckpoint(folder, arm.name, 'best', state, { ...values, optimizer: new Map(), average: new Map() }) });
  }
  events.write({ type: 'checkpoint', arm: arm.name, step: arm.step, kind: 'last', folder: await writeCheckpoint(folder, arm.name, 'last', state, arm.values()) });
}

function stopRequested({ folder, signal }: PreparedRun): boolean {
  return signal.aborted || existsSync(join(folder, FILES.stopRequest));
}
