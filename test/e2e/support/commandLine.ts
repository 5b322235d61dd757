/** The built command line as a user runs it: real processes, real run folders. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventSchema, type EventOf, type RunEvent } from '../../../src/experiment/record.ts';

export const CLI = resolve(import.meta.dirname, '../../../dist/cli.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function commandLine(args: readonly string[], options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }): Promise<Finished> {
  if (!existsSync(CLI)) throw new Error('dist/cli.js is missing: run `npm run build`');
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [CLI, ...args], { cwd: options.cwd, env: { ...process.env, ...options.env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
    child.on('error', fail);
    child.on('close', (code) => { done({ code, stdout, stderr }); });
  });
}

/** A folder of its own with the given files. */
export function workspace(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'distill-lab-test-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

export function eventsOf(runFolder: string): RunEvent[] {
  const file = join(runFolder, 'events.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter((line) => line.endsWith('}')).map((line) => eventSchema.parse(JSON.parse(line)));
}

export function eventsOfType<T extends RunEvent['type']>(runFolder: string, type: T): EventOf<T>[] {
  return eventsOf(runFolder).filter((event): event is EventOf<T> => event.type === type);
}

/** Asks again until there is an answer. */
export async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>, seconds = 120): Promise<T> {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((later) => { setTimeout(later, 50); });
  }
  throw new Error(`waited ${seconds} s for ${what}`);
}

export function lastJson(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
}
