/** The project's checks and their sum: `N passed, N failed` stands on the last line. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

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

/** What failed stands right above the sum: of a long log that is often all that is kept. */
function close(counts) {
  for (const failure of counts.flatMap(({ failures }) => failures ?? [])) console.log(`failed: ${failure}`);
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
  return { ...nothing, passed: good ? 1 : 0, failed: good ? 0 : 1, seconds: since(start), failures: good ? [] : ['lint: types or the linter\'s rules, see above'] };
}

async function vitest(root, project, args) {
  const start = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'distill-lab-tests-'));
  const report = join(folder, 'report.json');
  try {
    const entry = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const code = await node(root, [entry, 'run', '--project', project, '--passWithNoTests', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args]);
    return { ...(await sum(root, report, code)), seconds: since(start) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file that cannot be collected has no failed test, yet must count: the exit code has the last word. */
async function sum(root, report, code) {
  let counts = nothing;
  let failures = [];
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(await readFile(report, 'utf8'));
    counts = { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
    failures = testResults.flatMap((file) => failuresOf(root, file));
  } catch {
    // No report: vitest itself fell over, which its exit code says.
  }
  if (code === 0 || counts.failed > 0) return { ...counts, failures };
  return { ...counts, failed: 1, failures: failures.length > 0 ? failures : [`vitest ended with exit code ${code}`] };
}

/** @returns a line a test that failed, `file › test: its message`, and one for a file that could not be collected */
function failuresOf(root, { name, status, message, assertionResults }) {
  const file = relative(root, name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0) return status === 'failed' ? [`${file}: ${shorten(message)}`] : [];
  return failed.map(({ fullName, failureMessages }) => `${file} › ${fullName}: ${shorten(failureMessages[0])}`);
}

/** The first lines say what was expected and got; the stack and long values stand above in the log. */
function shorten(message = '') {
  const lines = stripVTControlCharacters(message).split('\n').filter((line) => !/^\s+at /.test(line));
  return lines.join(' ').replace(/\s+/g, ' ').slice(0, 400);
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
