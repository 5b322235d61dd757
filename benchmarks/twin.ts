/** The PyTorch process: started where torch can be imported, spoken to by a JSON line each way. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const readySchema = z.union([z.object({ ready: z.string(), threads: z.number(), optimizer: z.string() }), z.object({ problem: z.string() })]);
const resultSchema = z.object({ milliseconds: z.array(z.number()), cpu: z.array(z.number()), losses: z.array(z.record(z.string(), z.number())), peakMemory: z.number() });
const partsSchema = z.object({ parts: z.record(z.string(), z.array(z.number())) });

export type TwinResult = z.infer<typeof resultSchema>;

/** Why torch cannot be used, or undefined. */
export function torchProblem(python: string): string | undefined {
  const { status, error, stderr } = spawnSync(python, ['-c', 'import torch'], { encoding: 'utf8' });
  if (error !== undefined) return `${python} does not start: ${error.message}`;
  return status === 0 ? undefined : (stderr.trim().split('\n').at(-1) ?? `${python} ended with ${String(status)}`);
}

export type TwinMode = 'eager' | 'compiled';

export class Twin {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;
  private errors = '';

  private constructor(python: string, folder: string, mode: TwinMode) {
    // -B: no compiled files beside the sources.
    this.child = spawn(python, ['-B', join(scriptFolder(), 'step.py'), folder, mode]);
    this.child.stderr.on('data', (chunk: Buffer) => { this.errors += chunk.toString(); });
    this.reader = createInterface({ input: this.child.stdout });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  /** @returns a sentence where this PyTorch cannot do it */
  static async start(python: string, folder: string, mode: TwinMode): Promise<{ twin: Twin; version: string; optimizer: string; threads: number } | string> {
    const twin = new Twin(python, folder, mode);
    const message = readySchema.parse(await twin.next());
    if ('problem' in message) {
      twin.close();
      return message.problem;
    }
    return { twin, version: message.ready, optimizer: message.optimizer, threads: message.threads };
  }

  async run(steps: number): Promise<TwinResult> {
    this.child.stdin.write(`${JSON.stringify({ steps })}\n`);
    return resultSchema.parse(await this.next());
  }

  /** Milliseconds of each part, round by round. */
  async parts(rounds: number): Promise<Readonly<Record<string, readonly number[]>>> {
    this.child.stdin.write(`${JSON.stringify({ parts: rounds })}\n`);
    return partsSchema.parse(await this.next()).parts;
  }

  close(): void {
    this.child.stdin.end();
    this.reader.close();
    this.child.kill();
  }

  private async next(): Promise<unknown> {
    const line = await this.lines.next();
    if (line.done === true) throw new Error(`the PyTorch process ended:\n${this.errors.trim()}`);
    return JSON.parse(line.value);
  }
}

/** Beside the sources, whether this file runs from there or from the bundle in `dist`. */
function scriptFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const folders = [join(here, 'pytorch'), join(here, '..', 'benchmarks', 'pytorch')];
  return folders.find((folder) => existsSync(join(folder, 'step.py'))) ?? (folders[0] as string);
}
