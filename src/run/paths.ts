import { isAbsolute, resolve } from 'node:path';

/** Paths in an experiment file start at its folder. */
export function resolvePath(path: string, baseFolder: string): string {
  return isAbsolute(path) ? path : resolve(baseFolder, path);
}
