/** The launcher that an experiment, or its user, asks for. */
import { type LaunchConfig, type LauncherName } from '../experiment/sweepSchema.ts';
import { DistillError } from '../errors.ts';
import { type Launcher } from './launcher.ts';

export interface LauncherChoice {
  /** `launch` of the experiment over the user's own. */
  readonly config: LaunchConfig;
  /** Stronger than `config.on`. */
  readonly on?: LauncherName | undefined;
  readonly atOnce?: number | undefined;
  /** Short and unique; part of what jobs are called. */
  readonly name: string;
}

/** @throws DistillError DL750 for a launcher that there is not. */
export async function launcherFor({ config, on = config.on ?? 'local', atOnce = config.atOnce }: LauncherChoice): Promise<Launcher> {
  if (on !== 'local') throw new DistillError('DL750', `Runs cannot be started by ${on} yet.`, { expected: 'local' });
  const { LocalLauncher, visibleGpus } = await import('./localLauncher.ts');
  return new LocalLauncher({ atOnce, gpus: await visibleGpus() });
}
