/**
 * Packs the extension for one platform: bundles, pictures, and sharp with that platform's binary; nothing else.
 *
 * What goes in is copied aside first, with the few packages that the bundles ask for, and packed there: so the outcome does not
 * depend on what else lies in `node_modules`. `.vscodeignore` names every file that may go in.
 *
 *     node scripts/package.mjs [--target linux-x64|darwin-arm64|…] [--out FILE]
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { halved } from './half-weights.mjs';

const PARTS = ['package.json', 'package.nls.json', '.vscodeignore', 'README.md', 'CHANGELOG.md', 'LICENSE', 'l10n', 'media', 'examples', 'docs', 'dist'];

/** This platform's name in VS Code's marketplace. */
function ownTarget() {
  const arch = process.arch === 'arm' ? 'armhf' : process.arch;
  return `${process.platform}-${arch}`;
}

/** @returns the exit code. Options are those of `vsce package`; `--out` is relative to where the command was given. */
export async function packageExtension(root, args) {
  const target = valueOf(args, '--target') ?? ownTarget();
  const manifest = readManifest(root);
  const missing = missingBinary(root, target);
  if (missing !== undefined) {
    console.error(`${missing} is not in node_modules: sharp reads images, and its binary is that platform's. Fetch it with: npm install --no-save --force ${missing}`);
    return 1;
  }
  const out = resolve(valueOf(args, '--out') ?? valueOf(args, '-o') ?? join(root, `${manifest.name}-${target}-${manifest.version}.vsix`));
  const stage = await mkdtemp(join(tmpdir(), 'distill-lab-package-'));
  try {
    for (const part of PARTS) if (existsSync(join(root, part))) await cp(join(root, part), join(stage, part), { recursive: true, filter: (file) => !file.endsWith('.map') });
    for (const name of packagesOf(root, target, Object.keys(manifest.dependencies))) await cp(join(root, 'node_modules', name), join(stage, 'node_modules', name), { recursive: true, dereference: true });
    await shrink(stage);
    const rest = args.filter((arg, index) => !isOwn(arg) && !isOwn(args[index - 1]));
    return await run(join(root, 'node_modules', '@vscode', 'vsce', 'vsce'), ['package', '--target', target, '--out', out, '--allow-missing-repository', '--no-rewrite-relative-links', ...rest], stage);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Names stay in the bundles: kernels are looked up by them, and stacks tell them. Weights of the sample's teacher go in half precision. */
async function shrink(stage) {
  const esbuild = createRequire(import.meta.url)('esbuild');
  for (const name of (await readdir(join(stage, 'dist'))).filter((file) => file.endsWith('.js'))) {
    const file = join(stage, 'dist', name);
    const { code } = await esbuild.transform(await readFile(file, 'utf8'), { minifyWhitespace: true, minifySyntax: true, legalComments: 'inline', target: 'es2022', charset: 'utf8' });
    await writeFile(file, code);
  }
  const teachers = join(stage, 'examples', 'teachers');
  for (const name of (await readdir(teachers)).filter((file) => file.endsWith('.safetensors'))) {
    const file = join(teachers, name);
    await writeFile(file, halved(await readFile(file)));
  }
}

function isOwn(arg) {
  return ['--target', '--out', '-o'].includes(arg);
}

function valueOf(args, name) {
  const index = args.indexOf(name);
  return index < 0 ? undefined : args[index + 1];
}

/** sharp's package for a target, if it is not there. */
function missingBinary(root, target) {
  // VS Code calls musl's Linux Alpine.
  const name = `@img/sharp-${target.replace('alpine-', 'linuxmusl-').replace('armhf', 'arm')}`;
  return existsSync(join(root, 'node_modules', name)) ? undefined : name;
}

/** The given packages and all that they need; of those for one platform only the target's. */
function packagesOf(root, target, names) {
  const platform = target.replace('alpine-', 'linuxmusl-').replace('armhf', 'arm');
  const found = new Set();
  const visit = (name) => {
    if (found.has(name) || !existsSync(join(root, 'node_modules', name))) return;
    if (/^@img\/sharp-/.test(name) && !name.endsWith(`-${platform}`)) return;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = readManifest(join(root, 'node_modules', name));
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) visit(needed);
  };
  names.forEach(visit);
  return [...found].sort();
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function run(program, args, cwd) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', () => done(127));
    child.on('exit', (code) => done(code ?? 1));
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await packageExtension(dirname(dirname(fileURLToPath(import.meta.url))), process.argv.slice(2));
}
