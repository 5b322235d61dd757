/** Tells whether `dist/` and `node_modules/` are those of the present sources. Node only, no dependencies. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const stampFile = 'dist/.stamp';
const installedStamp = 'node_modules/.distill-lab-stamp';

/** One line that changes when any file that goes into a bundle is changed, added or removed. */
export function sourcesStamp(root) {
  const hash = createHash('sha256');
  for (const path of ['src', 'webview', 'benchmarks', 'scripts/build.mjs', 'scripts/parts.mjs', 'package-lock.json'].flatMap((entry) => files(root, entry))) {
    const { mtimeMs, size } = statSync(join(root, path));
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function files(root, path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full)
    .sort()
    .flatMap((name) => files(root, join(path, name)));
}

export function isBuilt(root) {
  return read(join(root, stampFile)) === sourcesStamp(root);
}

/** Whether `node_modules` is what `package-lock.json` says. */
export function isInstalled(root) {
  if (!existsSync(join(root, 'node_modules', 'esbuild'))) return false;
  const stamp = read(join(root, installedStamp));
  if (stamp !== undefined) return stamp === lockStamp(root);
  // Installed by hand: npm's own record tells when.
  const record = join(root, 'node_modules', '.package-lock.json');
  return existsSync(record) && statSync(record).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

export function markInstalled(root) {
  writeFileSync(join(root, installedStamp), lockStamp(root));
}

function lockStamp(root) {
  return createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
