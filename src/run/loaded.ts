/** What a network took of a weight file, for the log. */
import { type LoadReport } from '../detectors/stateDict.ts';

export function logLoaded(what: string, { loaded, missing, unexpected }: LoadReport, log: (line: string) => void): void {
  log(`${what}: ${loaded.length} tensors loaded${missing.length > 0 ? `, ${missing.length} not in the file (${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''})` : ''}${unexpected.length > 0 ? `, ${unexpected.length} in the file not used` : ''}`);
}
