/**
 * `node scripts/with-setup.mjs TASK [arguments]`: runs one of the project's tasks, and before it whatever a fresh clone
 * still lacks: packages, bundles, the native engine. Node only, no dependencies. What it says itself goes to the
 * error output, so that the last line of the standard output is the task's own (`--json`).
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt, isInstalled, markInstalled } from './stamp.mjs';
import { lint, testAll, testProject } from './tests.mjs';
import { packageExtension } from './package.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'dist', 'cli.js');

/** Each task: what it needs first, and what it does. All return an exit code. */
const tasks = {
  demo: { needs: ['packages', 'bundles', 'engine'], run: (args) => node([cli, 'demo', ...args]) },
  test: { needs: ['packages', 'bundles', 'engine'], run: () => testAll(root) },
  lint: { needs: ['packages'], run: () => lint(root) },
  'test:unit': { needs: ['packages', 'bundles', 'engine'], run: (args) => testProject(root, 'unit', args) },
  'test:methods': { needs: ['packages', 'bundles', 'engine'], run: (args) => testProject(root, 'methods', args) },
  'test:goldens': { needs: ['packages', 'bundles', 'engine'], run: (args) => testProject(root, 'goldens', args) },
  'test:e2e': { needs: ['packages', 'bundles', 'engine'], run: (args) => testProject(root, 'e2e', args) },
  bench: { needs: ['packages', 'bundles', 'engine'], run: bench },
  setup: { needs: ['packages', 'bundles'], run: (args) => node([cli, 'setup', ...args]) },
  build: { needs: ['packages'], run: (args) => node(['scripts/build.mjs', ...args]) },
  package: { needs: ['packages', 'bundles'], run: (args) => packageExtension(root, args) },
};

const steps = {
  packages: { done: () => isInstalled(root), title: 'Installing packages (npm ci)', run: install },
  bundles: { done: () => isBuilt(root), title: 'Building', run: () => node(['scripts/build.mjs']) },
  engine: { done: () => !existsSync(cli), title: 'Checking the native engine', run: setUpEngine },
};

async function main([name, ...args]) {
  const task = tasks[name];
  if (task === undefined) {
    console.error(`usage: node scripts/with-setup.mjs ${Object.keys(tasks).join('|')} [arguments]`);
    return 2;
  }
  for (const need of task.needs) {
    const step = steps[need];
    if (step.done()) continue;
    const code = await timed(step.title, step.run);
    if (code === 0) continue;
    if (name.startsWith('test')) console.log('0 passed, 1 failed');
    return code;
  }
  return task.run(args);
}

async function install() {
  const code = await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci'], { stdoutToStderr: true });
  if (code === 0) markInstalled(root);
  else console.error('Installing the packages failed. Is the network reachable? npm’s own message stands above.');
  return code;
}

/** Without native TensorFlow things are slower, not impossible: what cannot be set up is a notice. */
async function setUpEngine() {
  const code = await run(process.execPath, [cli, 'setup'], { stdoutToStderr: true });
  if (code !== 0) console.error('notice: native TensorFlow is not set up; a slower backend is used. The reason stands above; `node dist/cli.js doctor` tells more.');
  return 0;
}

async function bench(args) {
  if (!existsSync(join(root, 'benchmarks', 'run.ts'))) return node(['benchmarks/run.mjs', ...args]);
  const code = await timed('Building the benchmark', () => node(['scripts/build.mjs', '--bench']));
  return code === 0 ? node(['dist/bench.js', ...args]) : code;
}

async function timed(title, work) {
  const start = performance.now();
  console.error(`${title} …`);
  const code = await work();
  console.error(`${title}: ${code === 0 ? 'done' : 'failed'} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return code;
}

function node(args) {
  return run(process.execPath, args);
}

function run(command, args, { stdoutToStderr = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['inherit', stdoutToStderr ? 2 : 'inherit', 'inherit'], shell: command.endsWith('.cmd') });
    // Ctrl+C reaches the child by the terminal; one that is sent to us alone is passed on, so that a run can stop well.
    const pass = (signal) => child.kill(signal);
    process.on('SIGTERM', pass);
    process.on('SIGINT', ignore);
    const end = (code) => {
      process.off('SIGTERM', pass);
      process.off('SIGINT', ignore);
      resolve(code);
    };
    child.on('error', (error) => {
      console.error(`${command} does not start: ${error.message}`);
      end(127);
    });
    child.on('exit', (code, signal) => end(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function ignore() {}

process.exitCode = await main(process.argv.slice(2));
