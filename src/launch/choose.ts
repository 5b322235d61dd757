/** The launcher that an experiment, or its user, asks for. */
import { type LaunchConfig, type LauncherName } from '../experiment/sweepSchema.ts';
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

export async function launcherFor({ config, on = config.on ?? 'local', atOnce = config.atOnce, name }: LauncherChoice): Promise<Launcher> {
  if (on === 'slurm') {
    const { SlurmLauncher } = await import('./slurm.ts');
    return new SlurmLauncher({ config: config.slurm, atOnce, name });
  }
  if (on === 'ray') {
    const { RayLauncher } = await import('./ray.ts');
    return new RayLauncher({ config: config.ray, atOnce, name });
  }
  if (on === 'kubernetes') {
    const { KubernetesLauncher } = await import('./kubernetes/launcher.ts');
    return new KubernetesLauncher({ config: config.kubernetes, atOnce, name });
  }
  const { LocalLauncher, visibleGpus } = await import('./localLauncher.ts');
  return new LocalLauncher({ atOnce, gpus: await visibleGpus() });
}
