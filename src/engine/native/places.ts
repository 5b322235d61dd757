/** Where things lie that come with the program: beside the bundle, or in `node_modules` when run from its sources. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The nearest `node_modules/<name>` upwards of this code, or undefined. */
export function packageFolder(name: string, from = here): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

export interface AddonSources {
  /** Folder that holds `binding/tfjs_backend.cc` and its siblings. */
  readonly package: string;
  /** Folder with `node_api.h`. */
  readonly headers: string;
  /** Our own `quiet.c`. */
  readonly quiet: string;
}

/** What is compiled against TensorFlow: copied beside the bundle by the build, else from the packages themselves. */
export function addonSources(): AddonSources | undefined {
  const bundled = join(here, 'native');
  if (existsSync(join(bundled, 'binding', 'tfjs_binding.cc'))) return { package: bundled, headers: join(bundled, 'node-api'), quiet: join(bundled, 'quiet.c') };
  const binding = packageFolder('@tensorflow/tfjs-node-gpu');
  const headers = packageFolder('node-api-headers');
  if (binding === undefined || headers === undefined) return undefined;
  return { package: binding, headers: join(headers, 'include'), quiet: join(here, 'quiet.c') };
}

/** Folder of the sources of our own ops. */
export function kernelSources(): string | undefined {
  return [join(here, 'native', 'kernels'), join(here, 'kernels')].find((folder) => existsSync(folder));
}

/** Folder of tfjs's WebAssembly files, with a slash at its end, as `setWasmPaths` wants it. */
export function wasmFolder(): string | undefined {
  const bundled = join(here, 'wasm');
  if (existsSync(bundled)) return `${bundled}/`;
  const folder = packageFolder('@tensorflow/tfjs-backend-wasm');
  return folder === undefined ? undefined : `${join(folder, 'dist')}/`;
}
