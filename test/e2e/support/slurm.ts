/**
 * A real Slurm of two nodes, in a folder of its own: munged, slurmctld and two slurmd as root, without systemd or cgroups.
 * The second node has a host name of its own (a UTS namespace), so that its runs are on another machine for whoever looks.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './commandLine.ts';

export const hasSlurm = process.platform === 'linux' && process.getuid?.() === 0 && ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/sbin/munged', '/usr/bin/sbatch'].every((file) => existsSync(file));

export interface Slurm {
  /** For clients: where the configuration is. */
  readonly environment: Readonly<Record<string, string>>;
  readonly nodes: readonly string[];
  /** Host names, node by node; one where this machine lets nobody have two. */
  readonly hosts: readonly string[];
  ask(program: string, ...args: readonly string[]): string;
  /** Another controller over the same jobs, with other limits: lines of slurm.conf. */
  restart(limits: string): Promise<void>;
  stop(): Promise<void>;
}

const NODES = ['node-a', 'node-b'] as const;

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Whether a program may have a host name of its own here. */
function canRename(): boolean {
  return spawnSync('unshare', ['--uts', 'hostname', NODES[1]], { stdio: 'ignore' }).status === 0;
}

export async function startSlurm(): Promise<Slurm> {
  const folder = mkdtempSync(path.join(tmpdir(), 'distill-slurm-'));
  const host = hostname().split('.')[0] ?? 'localhost';
  chmodSync(folder, 0o755);
  const munge = path.join(folder, 'munge');
  for (const each of ['state', 'munge', ...NODES.map((name) => `spool-${name}`)]) mkdirSync(path.join(folder, each));
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'munge'], { encoding: 'utf8' })));
  writeFileSync(path.join(munge, 'key'), execFileSync('head', ['-c', '128', '/dev/urandom']), { mode: 0o400 });
  chownSync(path.join(munge, 'key'), uid ?? 0, gid ?? 0);
  chownSync(munge, uid ?? 0, gid ?? 0);
  const socket = path.join(munge, 'socket');
  const [controller, daemon] = [20_000 + (process.pid % 20_000), 40_000 + (process.pid % 20_000)];
  const config = path.join(folder, 'slurm.conf');
  const hosts = canRename() ? [host, NODES[1]] : [host];
  const cpus = Math.max(1, Math.floor(availableParallelism() / NODES.length));
  const settings = `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${socket}
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool-%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd-%n.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd-%n.log
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MailProg=/bin/true
KillWait=30
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
${NODES.map((name, index) => `NodeName=${name} NodeHostname=${hosts[index] ?? host} NodeAddr=127.0.0.1 Port=${daemon + index} CPUs=${cpus} RealMemory=1000 State=UNKNOWN\n`).join('')}PartitionName=main Nodes=${NODES.join()} Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=${NODES.join()} MaxTime=1 State=UP
`;
  writeFileSync(config, settings);
  const environment = { SLURM_CONF: config };
  const log = openSync(path.join(folder, 'daemons.log'), 'a');
  const daemons: ChildProcess[] = [];
  const start = (program: string, args: readonly string[], user?: number): ChildProcess => {
    const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...environment }, ...(user === undefined ? {} : { uid: user, gid: gid ?? 0 }) });
    daemons.push(child);
    return child;
  };
  const ask = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = async (): Promise<void> => {
    for (const child of daemons.reverse()) child.kill('SIGTERM');
    await until('Slurm to end', () => daemons.every(hasEnded) || undefined, 60).catch(() => { for (const child of daemons) child.kill('SIGKILL'); });
    rmSync(folder, { recursive: true, force: true });
  };
  const idle = (): Promise<unknown> => until('nodes that are idle', () => {
    try { return ask('sinfo', '--noheader', '--Node', '--partition=main', '--format=%T').trim().split('\n').join() === NODES.map(() => 'idle').join() || undefined; } catch { return undefined; }
  }, 120);
  let controllerProcess: ChildProcess | undefined;
  const restart = async (limits: string): Promise<void> => {
    const before = controllerProcess;
    before?.kill('SIGTERM');
    await until('the controller to end', () => before === undefined || hasEnded(before) || undefined, 60);
    writeFileSync(config, `${settings}${limits}\n`);
    controllerProcess = start('/usr/sbin/slurmctld', ['-D']);
    await until('the controller', () => { try { return ask('scontrol', 'ping').includes('UP') || undefined; } catch { return undefined; } }, 120);
  };
  try {
    start('/usr/sbin/munged', ['--foreground', `--socket=${socket}`, `--key-file=${munge}/key`, `--log-file=${munge}/log`, `--pid-file=${munge}/pid`, `--seed-file=${munge}/seed`, '--force'], uid);
    await until('munged', () => existsSync(socket) || undefined, 60);
    controllerProcess = start('/usr/sbin/slurmctld', ['-D']);
    for (const [index, name] of NODES.entries()) {
      const own = hosts[index];
      // The shell goes on as slurmd, so that a signal reaches it.
      if (own === undefined || own === host) start('/usr/sbin/slurmd', ['-D', '-N', name]);
      else start('unshare', ['--uts', 'sh', '-c', 'hostname "$1" && exec /usr/sbin/slurmd -D -N "$2"', 'sh', own, name]);
    }
    await idle();
  } catch (error) {
    await stop();
    throw error;
  }
  return { environment, nodes: NODES, hosts, ask, restart, stop };
}
