/** A real Slurm of one node, in a folder of its own: munged, slurmctld and slurmd as root, without systemd or cgroups. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './commandLine.ts';

export const hasSlurm = process.platform === 'linux' && process.getuid?.() === 0 && ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/sbin/munged', '/usr/bin/sbatch'].every((file) => existsSync(file));

export interface Slurm {
  /** For clients: where the configuration is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Name of its only node. */
  readonly node: string;
  ask(program: string, ...args: readonly string[]): string;
  stop(): Promise<void>;
}

export async function startSlurm(): Promise<Slurm> {
  const folder = mkdtempSync(path.join(tmpdir(), 'distill-slurm-'));
  const host = hostname().split('.')[0] ?? 'localhost';
  chmodSync(folder, 0o755);
  const munge = path.join(folder, 'munge');
  for (const each of ['state', 'spool', 'munge']) mkdirSync(path.join(folder, each));
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'munge'], { encoding: 'utf8' })));
  writeFileSync(path.join(munge, 'key'), execFileSync('head', ['-c', '128', '/dev/urandom']), { mode: 0o400 });
  chownSync(path.join(munge, 'key'), uid ?? 0, gid ?? 0);
  chownSync(munge, uid ?? 0, gid ?? 0);
  const socket = path.join(munge, 'socket');
  const [controller, daemon] = [20_000 + (process.pid % 20_000), 40_000 + (process.pid % 20_000)];
  const config = path.join(folder, 'slurm.conf');
  writeFileSync(config, `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${socket}
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MailProg=/bin/true
KillWait=30
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${Math.max(2, availableParallelism())} RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`);
  const environment = { SLURM_CONF: config };
  const log = openSync(path.join(folder, 'daemons.log'), 'a');
  const daemons: ChildProcess[] = [];
  const start = (program: string, args: readonly string[], user?: number): void => {
    daemons.push(spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...environment }, ...(user === undefined ? {} : { uid: user, gid: gid ?? 0 }) }));
  };
  const ask = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = async (): Promise<void> => {
    for (const child of daemons.reverse()) child.kill('SIGTERM');
    await until('Slurm to end', () => daemons.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null) || undefined, 60).catch(() => { for (const child of daemons) child.kill('SIGKILL'); });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    start('/usr/sbin/munged', ['--foreground', `--socket=${socket}`, `--key-file=${munge}/key`, `--log-file=${munge}/log`, `--pid-file=${munge}/pid`, `--seed-file=${munge}/seed`, '--force'], uid);
    await until('munged', () => existsSync(socket) || undefined, 60);
    start('/usr/sbin/slurmctld', ['-D']);
    start('/usr/sbin/slurmd', ['-D']);
    await until('a node that is idle', () => {
      try { return ask('sinfo', '--noheader', '--format=%T').includes('idle') || undefined; } catch { return undefined; }
    }, 120);
  } catch (error) {
    await stop();
    throw error;
  }
  return { environment, node: host, ask, stop };
}
