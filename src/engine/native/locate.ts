/** Finds native TensorFlow on this machine, without loading it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Flavour, type InstalledEngine, addonFile, engineFolder, installedEngines, napiVersion } from './folder.ts';
import { packageFolder } from './places.ts';

export interface FoundEngine {
  readonly addon: string;
  readonly source: 'engine folder' | 'npm';
  /** Known for engines in the engine folder; the others tell once they are loaded. */
  readonly tensorflow?: string;
  readonly flavour?: Flavour;
}

/**
 * All that may be tried, best first: the engine folder's (CUDA before CPU where there is an NVIDIA driver), then what
 * npm's own installer of tfjs-node put into `node_modules`.
 */
export function locateEngines(preferCuda: boolean, root = engineFolder()): FoundEngine[] {
  const installed = installedEngines(root).sort((a, b) => rank(a, preferCuda) - rank(b, preferCuda));
  const found: FoundEngine[] = installed.map(({ addon, manifest: { tensorflow, flavour } }) => ({ addon, source: 'engine folder', tensorflow, flavour }));
  const npm = npmEngine();
  return npm === undefined ? found : [...found, npm];
}

function rank({ manifest: { flavour } }: InstalledEngine, preferCuda: boolean): number {
  return (flavour === 'cuda') === preferCuda ? 0 : 1;
}

/** What an `npm install` with scripts allowed leaves behind. */
export function npmEngine(): FoundEngine | undefined {
  const folder = packageFolder('@tensorflow/tfjs-node-gpu');
  if (folder === undefined) return undefined;
  const addon = join(folder, 'lib', `napi-v${napiVersion}`, addonFile);
  return existsSync(addon) ? { addon, source: 'npm' } : undefined;
}
