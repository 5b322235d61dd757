/** The product's TypeScript for benchmarks that are plain scripts: bundled into a folder for the moment, and imported. */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs `work` with a folder of its own, gone afterwards; packages, and the ops that the engine was built with, are found from there. */
export async function withFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), 'distill-lab-benchmark-'));
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
    await mkdir(join(folder, 'native'));
    await symlink(join(root, 'src/engine/native/kernels'), join(folder, 'native', 'kernels'), 'dir');
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param source of the repository, e.g. `src/data/index.ts` @returns the bundle's path */
export async function bundle(folder, source, name, format = 'cjs') {
  const outfile = join(folder, `${name}.${format === 'esm' ? 'mjs' : 'js'}`);
  // A CommonJS bundle gets its own address, as those in dist do.
  const address = format === 'esm' ? {} : { define: { 'import.meta.url': 'bundleUrl' }, banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" } };
  await build({ entryPoints: [join(root, source)], outfile, bundle: true, platform: 'node', target: 'node20', format, external: ['sharp', 'webgpu', '@tensorflow/*'], logLevel: 'error', ...address });
  return outfile;
}

export async function load(folder, source, name) {
  return import(pathToFileURL(await bundle(folder, source, name, 'esm')).href);
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function short(value) {
  return Number(value.toPrecision(4));
}

export function mulberry(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
