/** What the header says, derived from the events: where the run is, how fast, and how long it still takes. */
import { type Arm, type RunState } from '../src/experiment/record.ts';
import { type RunHeader } from './contract.ts';
import { type RunModel } from './model.ts';
import { t } from './words.ts';

export interface Status {
  /** `capturing step`, `evaluating`, … while no step is being trained. */
  readonly activity?: string;
  readonly arm: Arm;
  readonly step: number;
  readonly total: number;
  /** 0…1 over all arms. */
  readonly progress: number;
  readonly imagesPerSecond?: number;
  readonly secondsLeft?: number;
  /** `CPU, TensorFlow · float32`. */
  readonly device?: string;
}

const ACTIVITIES: Readonly<Record<string, string>> = {
  engine: t('preparing engine'), data: t('reading data'), teacher: t('evaluating the teacher'), capturing: t('capturing step'),
  evaluating: t('evaluating'), saving: t('saving'),
};

export const ARM_NAMES: Readonly<Record<Arm | 'teacher', string>> = {
  student: t('student'), control: t('control'), controlInherit: t('control, inheriting'), teacher: t('teacher'),
};

const STATE_WORDS: Readonly<Record<RunState, string>> = {
  preparing: t('preparing'), running: t('running'), stopping: t('stopping'), stopped: t('stopped'),
  finished: t('finished'), failed: t('failed'), killed: t('killed'), lost: t('lost'),
};

export const stateWord = (state: RunState): string => STATE_WORDS[state];

export const isLive = (state: RunState): boolean => state === 'preparing' || state === 'running' || state === 'stopping';

/** A record that is only half read would tell the past as the present: until then what was known of the run before counts. */
export function statusOf(model: RunModel, { state, soFar }: Pick<RunHeader, 'state' | 'soFar'>): Status {
  if (soFar !== undefined) return soFar;
  const { started, currentArm: arm } = model;
  const total = started?.totalSteps ?? 0;
  const history = model.arms.get(arm);
  const speed = history?.imagesPerSecond.last;
  const left = isLive(state) ? secondsLeft(model) : undefined;
  const activity = isLive(state) ? activityOf(model) : undefined;
  return {
    arm, total, step: history?.lastStep ?? 0, progress: progressOf(model),
    ...(activity !== undefined && { activity }),
    ...(speed !== undefined && Number.isFinite(speed) && isLive(state) && { imagesPerSecond: speed }),
    ...(left !== undefined && { secondsLeft: left }),
    ...(started !== undefined && { device: `${started.engine.device} · ${started.engine.precision}` }),
  };
}

function activityOf(model: RunModel): string | undefined {
  const phase = model.phase;
  if (phase === undefined) return model.started === undefined ? t('starting') : undefined;
  // `training` has no word of its own: the step count says it, once there is one.
  if (phase.phase === 'training') return model.arms.size === 0 ? t('first step') : undefined;
  return ACTIVITIES[phase.phase];
}

function progressOf(model: RunModel): number {
  const { started } = model;
  if (started === undefined || started.totalSteps <= 0) return 0;
  if (model.ended?.state === 'finished') return 1;
  const arms = new Set([...started.arms, ...model.arms.keys()]);
  let done = 0;
  for (const arm of arms) done += Math.min(1, (model.arms.get(arm)?.lastStep ?? 0) / started.totalSteps);
  return arms.size === 0 ? 0 : done / arms.size;
}

/** Steps still to go in all arms at the recent pace of each, and the evaluations between them; an arm that has not begun is taken to go at the current one's pace. */
export function secondsLeft(model: RunModel): number | undefined {
  const { started } = model;
  const pace = secondsPerStep(model, model.currentArm);
  if (started === undefined || pace === undefined) return undefined;
  let seconds = 0;
  for (const arm of started.arms) {
    const open = Math.max(0, started.totalSteps - (model.arms.get(arm)?.lastStep ?? 0));
    seconds += open * ((secondsPerStep(model, arm) ?? pace) + evaluationShare(model));
  }
  return seconds;
}

/** Seconds of evaluation that fall to one step: the mean one over the distance of two. */
function evaluationShare(model: RunModel): number {
  const own = [...model.evaluations].filter(([subject]) => subject !== 'teacher').map(([, list]) => list).sort((a, b) => b.length - a.length)[0] ?? [];
  const distance = (own.at(-1)?.step ?? 0) / Math.max(1, own.length);
  const mean = own.reduce((sum, { seconds }) => sum + seconds, 0) / Math.max(1, own.length);
  return distance > 0 && Number.isFinite(mean) ? mean / distance : 0;
}

/** Events that tell the pace. */
const PACE = 64;

/** The median of the latest: a checkpoint or a recording of masks in between does not spoil it. */
export function secondsPerStep(model: RunModel, arm: Arm): number | undefined {
  const history = model.arms.get(arm);
  if (history === undefined || history.length < 2) return undefined;
  const paces: number[] = [];
  for (let i = history.length - 1; i > 0 && paces.length < PACE; i -= 1) {
    const seconds = history.elapsed.at(i) - history.elapsed.at(i - 1);
    if (seconds > 0) paces.push(seconds / (history.steps.at(i) - history.steps.at(i - 1)));
  }
  return paces.sort((a, b) => a - b)[Math.floor(paces.length / 2)];
}
