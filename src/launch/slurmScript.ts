/** The batch script of an array of runs. Pure. */
import { type LaunchConfig } from '../experiment/sweepSchema.ts';
import { type Job } from './launcher.ts';
import { NODE_PREPARES, quoted, TOO_SHORT } from './onNode.ts';

export interface ScriptOptions {
  readonly config: LaunchConfig['slurm'];
  readonly atOnce?: number | undefined;
  readonly name: string;
}

/** Jobs in a row that may end without a step having been saved; more often it is their time that is too short. */
const MOST_VAIN = 3;
/** In the run folder: a line for each such job. */
const VAIN = '.vain-jobs';

/**
 * One task a run. The script hands signals on to the child, which saves: SIGTERM (preemption, scancel, requeue), and SIGUSR1,
 * which Slurm sends some time before the end of the job's time; after that one it puts itself back into the queue. Both may come
 * at any moment: before the child has begun, or before Node listens, which ends it with 143 instead of 3.
 */
export function slurmScript(jobs: readonly Job[], { config, atOnce, name }: ScriptOptions): string {
  const [first] = jobs;
  const { cpus, memory, gpus, minutes, grace = 60 } = first?.resources ?? {};
  const [node = 'node', cli = ''] = first?.argv ?? [];
  const option = (key: string, value: string | number | undefined): readonly string[] => (value === undefined ? [] : [`#SBATCH --${key}=${value}`]);
  return [
    '#!/bin/bash',
    ...option('job-name', name.replaceAll(/[^\w.-]/g, '-').slice(0, 60)),
    // A single job is none of an array: some clusters take no arrays.
    ...(jobs.length === 1 ? [] : option('array', `0-${jobs.length - 1}${atOnce === undefined ? '' : `%${atOnce}`}`)),
    // What the child says goes to the run's own log.
    ...option('output', '/dev/null'), ...option('chdir', '/'),
    '#SBATCH --requeue', ...option('open-mode', 'append'), ...option('signal', `B:USR1@${grace}`),
    ...option('time', minutes), ...option('cpus-per-task', cpus), ...option('mem', memory === undefined ? undefined : `${Math.ceil(memory * 1024)}M`), ...option('gpus', gpus === 0 ? undefined : gpus),
    ...option('partition', config.partition), ...option('account', config.account), ...option('qos', config.qos), ...option('reservation', config.reservation), ...option('constraint', config.constraint === undefined ? undefined : quoted(config.constraint)),
    'heard=; child=',
    'end() { heard=$1; interrupted=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null; }',
    'trap \'end stop\' TERM INT',
    'trap \'[ "$heard" = stop ] || { end time; echo "$(date -u +%Y-%m-%dT%H:%M:%S.000Z) the time of its job is nearly over: it saves, and goes on in another"; }\' USR1',
    `folders=(${jobs.map(({ folder }) => quoted(folder)).join(' ')})`,
    `node=${quoted(node)}; cli=${quoted(cli)}`,
    'folder=${folders[${SLURM_ARRAY_TASK_ID:-0}]}',
    'job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}; job=${job:-$SLURM_JOB_ID}',
    ...NODE_PREPARES,
    'steps() { cat checkpoints/*/last/state.json 2>/dev/null | grep -o \'"step":[0-9]*\'; }',
    'before=$(steps); code=143',
    'if [ -z "$heard" ]; then',
    '  "$node" "$cli" run-child "$folder" &',
    '  child=$!',
    // One that came while it was being started.
    '  [ -z "$heard" ] || kill -TERM "$child" 2>/dev/null',
    // A signal ends `wait` before the child has ended, with a code that is not the child's.
    '  while interrupted=; wait "$child"; code=$?; [ -n "$interrupted" ]; do :; done',
    'fi',
    'if [ "$heard" = time ] && { [ "$code" = 3 ] || [ "$code" = 143 ]; } && [ ! -e stop ]; then',
    `  if [ "$(steps)" = "$before" ]; then echo >>${VAIN}; else rm -f ${VAIN}; fi`,
    `  if [ -e ${VAIN} ] && [ "$(wc -l <${VAIN})" -ge ${MOST_VAIN} ]; then rm -f ${VAIN}; exit ${TOO_SHORT}; fi`,
    '  scontrol requeue "$job"',
    'fi',
    'exit "$code"',
    '',
  ].join('\n');
}
