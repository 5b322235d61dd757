/**
 * The engine folder: where compiled TensorFlow lives, outside `node_modules` so that it survives `npm ci` and serves
 * every project and the extension alike. One subfolder an engine, complete once its `manifest.json` is there.
 *
 *     <engine folder>/tensorflow-2.21.0-cpu-linux-x64-napi8/
 *       manifest.json  tfjs_binding.node  kernels-<digest>.node  tensorflow/{libtensorflow_cc.so.2 …, include}  [nvidia/…]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, posix, win32 } from 'node:path';

export type Flavour = 'cpu' | 'cuda';

/** The Node-API version that the addon is compiled for: Node 20 and everything after it has it. */
export const napiVersion = 8;
export const manifestFormat = 1;
export const addonFile = 'tfjs_binding.node';
/** Loaded before the addon: takes TensorFlow's greeting off the error output. Engines without it work too. */
export const quietFile = 'quiet.node';

export interface Manifest {
  readonly format: typeof manifestFormat;
  readonly tensorflow: string;
  readonly flavour: Flavour;
  readonly napi: number;
  readonly platform: string;
  readonly arch: string;
  /** Paths relative to the engine's subfolder; all of them must be there with these sizes in bytes. */
  readonly files: Readonly<Record<string, number>>;
  /** Wheels it was made from. */
  readonly wheels: readonly string[];
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface InstalledEngine {
  readonly folder: string;
  readonly addon: string;
  readonly manifest: Manifest;
}

interface Surroundings {
  readonly platform?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
}

/** `$DISTILL_LAB_ENGINE`, else the platform's place for data of applications. */
export function engineFolder({ platform = process.platform, env = process.env, home = homedir() }: Surroundings = {}): string {
  const path = platform === 'win32' ? win32 : posix;
  if (env.DISTILL_LAB_ENGINE !== undefined && env.DISTILL_LAB_ENGINE !== '') return path.resolve(env.DISTILL_LAB_ENGINE);
  const base = dataFolder(platform, env, home);
  return path.join(base, 'distill-lab', 'engine');
}

function dataFolder(platform: string, env: Readonly<Record<string, string | undefined>>, home: string): string {
  if (platform === 'win32') return env.LOCALAPPDATA ?? win32.join(home, 'AppData', 'Local');
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support');
  // The XDG specification: a relative path is invalid and to be ignored.
  const xdg = env.XDG_DATA_HOME;
  return xdg !== undefined && posix.isAbsolute(xdg) ? xdg : posix.join(home, '.local', 'share');
}

export function engineName(tensorflow: string, flavour: Flavour): string {
  return `tensorflow-${tensorflow}-${flavour}-${process.platform}-${process.arch}-napi${napiVersion}`;
}

/** Every complete engine for this platform, the newest TensorFlow first. Damaged and half-made ones are passed over. */
export function installedEngines(root = engineFolder()): InstalledEngine[] {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch {
    return [];
  }
  return names
    .filter((name) => !name.startsWith('.'))
    .map((name) => readEngine(join(root, name)))
    .filter((engine) => engine !== undefined)
    .sort((a, b) => b.manifest.tensorflow.localeCompare(a.manifest.tensorflow, 'en', { numeric: true }));
}

/** One engine, or undefined if it is not there, not for this platform or not complete. */
export function readEngine(folder: string): InstalledEngine | undefined {
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  } catch {
    return undefined;
  }
  if (!isManifest(manifest)) return undefined;
  const fits = manifest.platform === process.platform && manifest.arch === process.arch && manifest.napi <= Number(process.versions.napi);
  if (!fits || !Object.keys(manifest.files).every((file) => existsSync(join(folder, file)))) return undefined;
  return { folder, addon: join(folder, addonFile), manifest };
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const { format, tensorflow, flavour, napi, platform, arch, files } = value as Partial<Record<keyof Manifest, unknown>>;
  return (
    format === manifestFormat &&
    typeof tensorflow === 'string' &&
    (flavour === 'cpu' || flavour === 'cuda') &&
    typeof napi === 'number' &&
    typeof platform === 'string' &&
    typeof arch === 'string' &&
    typeof files === 'object' &&
    files !== null &&
    addonFile in files
  );
}
