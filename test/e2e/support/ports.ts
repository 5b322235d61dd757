/** Ports that processes have open, as Linux tells it: TCP sockets that listen, UDP sockets that anybody may send to. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENS = '0A';
const NOBODY = /^0+:0000$/;

/** `tcp 0100007F:1F90` for each, addresses as the system writes them. */
export function openPorts(pids: readonly number[]): string[] {
  return pids.flatMap((pid) => {
    const own = socketsOf(pid);
    return own.size === 0 ? [] : ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((protocol) => lines(`/proc/${pid}/net/${protocol}`).slice(1).flatMap((line) => {
      const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const isOpen = protocol.startsWith('tcp') ? state === LISTENS : NOBODY.test(remote);
      return isOpen && own.has(inode) ? [`${protocol} ${local}`] : [];
    }));
  });
}

/** A run's child leads a session of its own, with whatever it starts. */
export function sessionOf(leader: number): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => {
    if (!Number.isInteger(pid)) return false;
    const stat = lines(`/proc/${pid}/stat`).join('\n');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]) === leader;
  });
}

function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  return new Set(gone(() => readdirSync(folder)).flatMap((name) => gone(() => [readlinkSync(`${folder}/${name}`)])).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}

function lines(file: string): string[] {
  return gone(() => readFileSync(file, 'latin1').split('\n'));
}

/** Processes end while they are looked at. */
function gone(look: () => string[]): string[] {
  try {
    return look();
  } catch {
    return [];
  }
}
