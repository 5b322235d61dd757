/** `npm run bench -- --suite`: one case after another, each in a process of its own, so that none finds the other's memory. */
import { spawnSync } from 'node:child_process';
import { SUITE } from './options.ts';

/** @param further options for every case; a case's own come first and yield to them @returns the exit code: 1 if any failed */
export function runSuite(further: readonly string[]): number {
  const cases = SUITE.map((own) => {
    const args = ['--seconds', '30', ...own, ...further];
    process.stderr.write(`\n${args.join(' ')}\n`);
    const { status, stdout } = spawnSync(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...args], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
    return { options: args.join(' '), ...(status === 0 ? resultOf(stdout) : { error: `ended with ${String(status)}`, ...resultOf(stdout) }) };
  });
  console.log(JSON.stringify({ suite: cases }));
  return cases.some((result) => 'error' in result) ? 1 : 0;
}

function resultOf(stdout: string): object {
  const last = stdout.trim().split('\n').at(-1) ?? '';
  return last.startsWith('{') ? (JSON.parse(last) as object) : {};
}
