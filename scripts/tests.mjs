/** The project's checks and their sum: `N passed, N failed` stands on the last line. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const nothing = { passed: 0, failed: 0, skipped: 0 };

/** All of them, also after a failure: one run tells everything. */
export async function testAll(root) {
  const counts = [{ name: 'lint', ...(await lintCount(root)) }];
  for (const project of ['unit', 'methods', 'goldens', 'e2e']) counts.push({ name: project, ...(await vitest(root, project, [])) });
  for (const { name, passed, failed, skipped, seconds } of counts) {
    console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds.toFixed(0)} s`);
  }
  return close(counts);
}

export async function testProject(root, project, args) {
  return close([await vitest(root, project, args)]);
}

export async function lint(root) {
  return close([await lintCount(root)]);
}

function close(counts) {
  const sum = counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }), nothing);
  console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`);
  return sum.failed > 0 ? 1 : 0;
}

/** Types of both worlds (Node, browser) and the linter's rules: one test. */
async function lintCount(root) {
  const start = performance.now();
  const bin = (name) => join(root, 'node_modules', ...name);
  const commands = [
    [bin(['typescript', 'bin', 'tsc']), '--noEmit', '-p', '.'],
    ...(existsSync(join(root, 'webview', 'tsconfig.json')) ? [[bin(['typescript', 'bin', 'tsc']), '--noEmit', '-p', 'webview']] : []),
    [bin(['eslint', 'bin', 'eslint.js']), '.'],
  ];
  const codes = [];
  for (const command of commands) codes.push(await node(root, command));
  const good = codes.every((code) => code === 0);
  return { ...nothing, passed: good ? 1 : 0, failed: good ? 0 : 1, seconds: since(start) };
}

async function vitest(root, project, args) {
  const start = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'distill-lab-tests-'));
  const report = join(folder, 'report.json');
  try {
    const entry = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const code = await node(root, [entry, 'run', '--project', project, '--passWithNoTests', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args]);
    return { ...(await sum(report, code)), seconds: since(start) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file that cannot be collected has no failed test, yet must count: the exit code has the last word. */
async function sum(report, code) {
  let counts = nothing;
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(await readFile(report, 'utf8'));
    counts = { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    // No report: vitest itself fell over, which its exit code says.
  }
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function node(cwd, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' });
    child.on('error', () => resolve(127));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

function since(start) {
  return (performance.now() - start) / 1000;
}
