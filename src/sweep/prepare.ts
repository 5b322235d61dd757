/** From a file to a sweep that can be started: its plan, where its runs go, how long it will take, its folder. */
import path from 'node:path';
import { checkFiles } from '../experiment/files.ts';
import { type Positions } from '../experiment/positions.ts';
import { formatProblem } from '../experiment/problems.ts';
import { type LaunchConfig, type LauncherName } from '../experiment/sweepSchema.ts';
import { launcherFor } from '../launch/choose.ts';
import { type Launcher } from '../launch/launcher.ts';
import { joinedLaunch, withTemplateFrom, type WrittenLaunch, writtenLaunch } from '../launch/userLaunch.ts';
import { type RunSummary } from '../store/index.ts';
import { type Estimate, estimateSweep } from './estimate.ts';
import { createSweepFolder } from './folder.ts';
import { type Plan, type PlanOptions, planSweep } from './plan.ts';

/** The plan, and whether the files that its experiments name are there. */
export function checkedPlan(text: string, file: string, options: PlanOptions = {}): Plan {
  const plan = planSweep(text, file, options);
  const found = [...plan.experiments.values()].flatMap((experiment) => checkFiles(experiment, path.dirname(path.resolve(file)), plan.positions));
  // Each is told once, however many runs need it.
  const problems = [...new Map(found.map((problem) => [formatProblem(problem), problem])).values()];
  const isSound = problems.every(({ severity }) => severity !== 'error');
  const { experiment, ...rest } = plan;
  return { ...rest, problems: [...plan.problems, ...problems], ...(isSound && experiment !== undefined ? { experiment } : {}) };
}

export interface Choice {
  /** Stronger than what the file and the user say. */
  readonly on?: LauncherName | undefined;
  readonly atOnce?: number | undefined;
  /** The user's own, the strongest first. */
  readonly defaults: readonly WrittenLaunch[];
  /** The experiment's file: relative paths in `launch` begin at its folder. */
  readonly file: string;
}

/** `launch` of the file over the user's own. */
export function launchOf({ experiment, positions }: Pick<Plan, 'experiment' | 'positions'>, { on, atOnce, defaults, file }: Choice): LaunchConfig {
  const written = writtenLaunch(experiment?.launch, (key) => isWritten(positions, key));
  const joined = joinedLaunch({ ...(on === undefined ? {} : { on }), ...(atOnce === undefined ? {} : { atOnce }) }, written, ...defaults);
  return withTemplateFrom(joined, path.dirname(path.resolve(file)));
}

/** In the file, or by `--set`, which notes only the key that it names: what lies above that key and in it is written too. */
function isWritten({ entries }: Positions, key: string): boolean {
  if (entries.has(key)) return true;
  const overrides = [...entries].filter(([, { override }]) => override !== undefined).map(([path]) => path);
  return overrides.some((path) => path.startsWith(`${key}.`) || key.startsWith(`${path}.`));
}

export interface Forecast {
  readonly estimate: Estimate;
  readonly launcher: Launcher;
}

/** @param earlier runs to judge by, newest first. */
export async function forecast(plan: Plan, file: string, launch: LaunchConfig, earlier: readonly RunSummary[]): Promise<Forecast> {
  const launcher = await launcherFor({ config: launch, name: 'plan' });
  return { launcher, estimate: await estimateSweep([...plan.experiments.values()], path.resolve(file), earlier, launcher.atOnce ?? Number.POSITIVE_INFINITY) };
}

export interface NewSweep {
  readonly plan: Plan;
  /** As written. */
  readonly text: string;
  readonly file: string;
  readonly runsRoot: string;
  readonly version: string;
  readonly launch: LaunchConfig;
}

/** @returns its folder. @throws DistillError DL701 to DL703. */
export async function makeSweep({ plan, text, file, runsRoot, version, launch }: NewSweep): Promise<string> {
  const runs = plan.runs.map((run) => ({ ...run, controls: [...run.controls], overrides: [...run.overrides] }));
  return createSweepFolder(runsRoot, { name: plan.name, file: path.resolve(file), created: Date.now(), version, halving: plan.experiment?.sweep?.halving, runs, launch }, text);
}
