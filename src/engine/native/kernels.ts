/**
 * Our own ops for TensorFlow (`kernels/*.cc`): compiled beside the engine, loaded after the addon. A build carries the digest of its
 * sources in its name, so that versions of Distill Lab that share an engine folder each find their own. All works without them, slower.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compileKernels, findCompiler } from './compile.ts';
import { addonSources, kernelSources } from './places.ts';

/** The file of the sources' build in an engine; undefined where the sources are not there. */
export function kernelsFile(): string | undefined {
  const kernels = kernelSources();
  if (kernels === undefined) return undefined;
  const digest = createHash('sha256');
  for (const name of readdirSync(kernels).sort()) digest.update(name).update(readFileSync(join(kernels, name)));
  return `kernels-${digest.digest('hex').slice(0, 12)}.node`;
}

/** Makes this version's ops known to the TensorFlow that is loaded. @returns whether they are there */
export function loadKernels(engine: string): boolean {
  const file = kernelsFile();
  if (file === undefined || !existsSync(join(engine, file))) return false;
  try {
    process.dlopen({ exports: {} }, join(engine, file));
    return true;
  } catch {
    // Built where the C library was newer, for instance: the doctor tells that they are missing.
    return false;
  }
}

/** Compiles this version's ops for an engine that lacks them. @returns whether it has them now; what keeps it from that is no error */
export async function addKernels(engine: string, signal?: AbortSignal): Promise<boolean> {
  const [file, kernels, headers] = [kernelsFile(), kernelSources(), addonSources()?.headers];
  if (file === undefined || kernels === undefined || headers === undefined) return false;
  const path = join(engine, file);
  if (existsSync(path)) return true;
  const compiler = await findCompiler(signal);
  if (compiler === undefined) return false;
  const aside = join(engine, `.${file}-${process.pid}`);
  if (!(await compileKernels(compiler, { kernels, headers, engine, output: aside }, signal))) {
    await rm(aside, { force: true }).catch(() => undefined);
    return false;
  }
  await rename(aside, path);
  return true;
}
