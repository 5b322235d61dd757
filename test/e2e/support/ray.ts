/** A real Ray of one node in a folder of its own, with ports and processes that no other Ray on the machine shares. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { until } from './commandLine.ts';

/** Where `.ci/run` installs it. */
const HOME = process.env.DISTILL_LAB_RAY ?? path.join(homedir(), '.cache', 'distill-lab', 'ray');
const PROGRAM = path.join(HOME, 'bin', 'ray');

export const hasRay = process.platform === 'linux' && existsSync(PROGRAM);

export interface Ray {
  readonly address: string;
  /** Its processes that are there now. */
  processes(): readonly number[];
  stop(): Promise<void>;
}

export async function startRay(): Promise<Ray> {
  // Short: the path of a socket in it may have 107 characters.
  const folder = mkdtempSync('/tmp/dl-ray-');
  const ports = await freePorts(7);
  const [gcs = 0, dashboard = 0, agent = 0, agentGrpc = 0, metrics = 0, client = 0, runtime = 0] = ports;
  const address = `http://127.0.0.1:${dashboard}`;
  const log = openSync(path.join(folder, 'log.txt'), 'a');
  const head = spawn(PROGRAM, [
    'start', '--head', '--block', '--disable-usage-stats', '--include-dashboard=true', `--temp-dir=${folder}`, '--node-ip-address=127.0.0.1', '--num-cpus=2', '--num-gpus=0', '--object-store-memory=80000000',
    `--port=${gcs}`, '--dashboard-host=127.0.0.1', `--dashboard-port=${dashboard}`, `--dashboard-agent-listen-port=${agent}`, `--dashboard-agent-grpc-port=${agentGrpc}`, `--metrics-export-port=${metrics}`, `--ray-client-server-port=${client}`, `--runtime-env-agent-port=${runtime}`,
  ], { stdio: ['ignore', log, log], detached: true, env: { ...process.env, PATH: `${path.dirname(PROGRAM)}:${process.env.PATH ?? ''}`, RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER: '0', RAY_prestart_worker_first_driver: '0' } });
  const processes = (): readonly number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      return false;
    }
  });
  const stop = async (): Promise<void> => {
    head.kill('SIGTERM');
    await until('Ray to end', () => processes().length === 0 || undefined, 60).catch(() => {
      for (const pid of processes()) process.kill(pid, 'SIGKILL');
    });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until('Ray\'s Jobs interface', async () => {
      if (head.exitCode !== null) throw new Error(`ray start ended: ${readFileSync(path.join(folder, 'log.txt'), 'utf8').slice(-2000)}`);
      return await fetch(`${address}/api/jobs/`).then(({ ok }) => ok || undefined, () => undefined);
    }, 300);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, processes, stop };
}

async function freePorts(number: number): Promise<readonly number[]> {
  const servers = Array.from({ length: number }, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(servers.map((server) => new Promise<number>((resolve) => {
    server.once('listening', () => {
      const found = server.address();
      resolve(typeof found === 'object' && found !== null ? found.port : 0);
    });
  })));
  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); })));
  return ports;
}
