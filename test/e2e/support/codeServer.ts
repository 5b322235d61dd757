/** The real VS Code workbench in a browser: code-server with a workspace, an extension folder and user data of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export const PROJECT = path.resolve(import.meta.dirname, '../../..');

/** What the tests need and this machine may lack. */
export interface Tools {
  readonly codeServer: string;
  readonly chromium: string;
}

/** Finds both, or says what is missing. */
export function findTools(): Tools | { readonly missing: string } {
  const folder = process.env.DISTILL_LAB_CODE_SERVER ?? path.join(homedir(), '.cache/distill-lab/code-server');
  const codeServer = path.join(folder, 'node_modules/code-server/out/node/entry.js');
  const chromium = [process.env.DISTILL_LAB_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => file !== undefined && existsSync(file));
  if (!existsSync(codeServer)) return { missing: `code-server is not in ${folder} (scripts/code-server.sh installs it)` };
  if (chromium === undefined) return { missing: 'no Chromium (Debian: apt-get install chromium; or name it in DISTILL_LAB_CHROMIUM)' };
  return { codeServer, chromium };
}

export interface Workbench {
  readonly url: string;
  readonly workspace: string;
  /** Ends the server and, with `keep` false, removes all that it wrote. */
  readonly close: (options?: { readonly keep?: boolean }) => Promise<void>;
}

export interface WorkbenchOptions {
  readonly tools: Tools;
  /** Path in the workspace → content. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** User settings on top of the quiet ones below. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** A folder that is there already and stays; default: a new one. */
  readonly workspace?: string;
  /** Installed as a user does it, by the workbench itself; default: the folder that was built. */
  readonly vsix?: string;
  /** Another YAML extension is installed beside ours. */
  readonly besideYaml?: boolean;
  /** For the workbench, its extension host and every run. */
  readonly env?: Readonly<Record<string, string>>;
  /** Asks the trust question, and so starts in Restricted Mode. */
  readonly trust?: 'all' | 'ask';
}

const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.tips.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'chat.commandCenter.enabled': false,
  'security.workspace.trust.banner': 'never',
  'distillLab.confirmKill': false,
};

export async function startWorkbench({ tools, files, settings = {}, workspace: given, vsix, besideYaml = false, env = {}, trust = 'all' }: WorkbenchOptions): Promise<Workbench> {
  const home = await mkdtemp(path.join(tmpdir(), 'distill-lab-e2e-'));
  const at = (...parts: string[]): string => path.join(home, ...parts);
  const workspace = given ?? at('workspace');
  await mkdir(workspace, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(workspace, file)), { recursive: true });
    await writeFile(path.join(workspace, file), content);
  }
  await mkdir(at('user', 'User'), { recursive: true });
  await writeFile(at('user', 'User', 'settings.json'), JSON.stringify({ ...QUIET, ...settings }));
  await writeFile(at('config.yaml'), 'auth: none\n');
  const folders = ['--config', at('config.yaml'), '--user-data-dir', at('user'), '--extensions-dir', at('extensions')];
  if (vsix === undefined) await installExtension(at('extensions'));
  else await promisify(execFile)(process.execPath, [tools.codeServer, ...folders, '--install-extension', vsix]);

  if (besideYaml) await installOtherYaml(at('extensions'));

  const port = await freePort();
  const server = spawn(process.execPath, [
    tools.codeServer, ...folders, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check',
    '--disable-getting-started-override', ...(trust === 'all' ? ['--disable-workspace-trust'] : []), workspace,
  ], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...env } });
  const url = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(workspace)}`;
  await answering(server, `http://127.0.0.1:${port}/healthz`);
  return {
    url,
    workspace,
    close: async ({ keep = false } = {}) => {
      await ended(server);
      if (!keep) await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** A folder as an installed extension has it. Copies: through a link the workbench would not know whose code it runs. */
async function installExtension(extensions: string): Promise<void> {
  const folder = path.join(extensions, 'distill-lab.distill-lab-0.1.0');
  await mkdir(folder, { recursive: true });
  for (const part of ['package.json', 'package.nls.json', 'media', 'l10n', 'docs/errors.md', 'docs/methods']) await cp(path.join(PROJECT, part), path.join(folder, part), { recursive: true });
  const teachers = path.join(PROJECT, 'examples/teachers');
  if (existsSync(teachers)) await cp(teachers, path.join(folder, 'examples/teachers'), { recursive: true });
  await cp(path.join(PROJECT, 'dist'), path.join(folder, 'dist'), { recursive: true, filter: (file) => !file.endsWith('.map') });
  // Only the child asks for packages: sharp, and what that needs.
  await symlink(path.join(PROJECT, 'node_modules'), path.join(folder, 'node_modules'));
}

/** The schema that it is to take our files for, and packages to run on. */
async function installOtherYaml(extensions: string): Promise<void> {
  const folder = path.join(extensions, 'somebody.other-yaml-1.0.0');
  await cp(path.join(import.meta.dirname, 'otherYaml'), folder, { recursive: true });
  await cp(path.join(PROJECT, 'docs/experiment.schema.json'), path.join(folder, 'experiment.schema.json'));
  await symlink(path.join(PROJECT, 'node_modules'), path.join(folder, 'node_modules'));
}

async function answering(server: ChildProcess, url: string): Promise<void> {
  const output: string[] = [];
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (server.exitCode !== null) throw new Error(`code-server ended with ${server.exitCode}:\n${output.join('')}`);
    const isUp = await fetch(url).then(({ ok }) => ok, () => false);
    if (isUp) return;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error(`code-server does not answer:\n${output.join('')}`);
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null) return;
  const closed = new Promise((resolve) => { server.once('close', resolve); });
  // Its extension host is a child of it: the whole group goes. Runs have a group of their own and stay.
  process.kill(-server.pid, 'SIGTERM');
  const force = setTimeout(() => { if (server.pid !== undefined) process.kill(-server.pid, 'SIGKILL'); }, 5000);
  await closed;
  clearTimeout(force);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no free port'));
        else resolve(address.port);
      });
    });
  });
}
