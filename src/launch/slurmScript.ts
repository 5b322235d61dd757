/** The batch script of an array of runs. Pure. */
import { type LaunchConfig } from '../experiment/sweepSchema.ts';
import { type Job } from './launcher.ts';
import { NODE_PREPARES, quoted } from './onNode.ts';

export interface ScriptOptions {
  readonly config: LaunchConfig['slurm'];
  readonly atOnce?: number | undefined;
  readonly name: string;
}

/**
 * One task a run. The script hands signals on to the child, which saves: SIGTERM (preemption, scancel, requeue), and SIGUSR1,
 * which Slurm sends some time before the end of the job's time; after that one it puts itself back into the queue.
 */
export function slurmScript(jobs: readonly Job[], { config, atOnce, name }: ScriptOptions): string {
  const [first] = jobs;
  const { cpus, memory, gpus, minutes, grace = 60 } = first?.resources ?? {};
  const [node = 'node', cli = ''] = first?.argv ?? [];
  const option = (key: string, value: string | number | undefined): readonly string[] => (value === undefined ? [] : [`#SBATCH --${key}=${value}`]);
  return [
    '#!/bin/bash',
    ...option('job-name', name.replaceAll(/[^\w.-]/g, '-').slice(0, 60)),
    ...option('array', `0-${jobs.length - 1}${atOnce === undefined ? '' : `%${atOnce}`}`),
    // What the child says goes to the run's own log; the script says nothing.
    ...option('output', '/dev/null'), ...option('chdir', '/'),
    '#SBATCH --requeue', ...option('open-mode', 'append'), ...option('signal', `B:USR1@${grace}`),
    ...option('time', minutes), ...option('cpus-per-task', cpus), ...option('mem', memory === undefined ? undefined : `${Math.ceil(memory * 1024)}M`), ...option('gpus', gpus === 0 ? undefined : gpus),
    ...option('partition', config.partition), ...option('account', config.account), ...option('qos', config.qos), ...option('reservation', config.reservation), ...option('constraint', config.constraint === undefined ? undefined : quoted(config.constraint)),
    `folders=(${jobs.map(({ folder }) => quoted(folder)).join(' ')})`,
    `node=${quoted(node)}; cli=${quoted(cli)}`,
    'folder=${folders[$SLURM_ARRAY_TASK_ID]}',
    ...NODE_PREPARES,
    'again=0',
    '"$node" "$cli" run-child "$folder" &',
    'child=$!',
    'trap \'kill -TERM "$child" 2>/dev/null\' TERM INT',
    'trap \'again=1; kill -TERM "$child" 2>/dev/null\' USR1',
    // A signal ends `wait` before the child has ended.
    'wait "$child"; code=$?',
    'while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done',
    'if [ "$again" = 1 ] && [ "$code" = 3 ] && [ ! -e stop ]; then scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"; fi',
    'exit "$code"',
    '',
  ].join('\n');
}
