/** A captured step in a process of its own: seconds to capture it and megabytes at each point. For `memory.mjs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine } from '../src/engine/backend.ts';
import { makeSubject, makeTeacher, readTeacher, type Sizes, writeTwinFiles } from './subject.ts';

export interface MemoryOptions extends Sizes {
  readonly steps: number;
  readonly threads: number;
  /** Where weights and batch are. */
  readonly folder: string;
}

/** Megabytes of this process, of Linux's count: now, and at most so far. */
function resident(kind: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] = new RegExp(`${kind}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

/** Weights and batch for both, written by a process of its own, so that making them up counts for neither. */
export async function prepareMemory(options: MemoryOptions): Promise<void> {
  const engine = await startEngine({ backend: 'tensorflow', device: 'cpu' });
  const teacher = makeTeacher(options);
  const config = { ...await writeTwinFiles(options.folder, options, teacher, makeSubject(options, teacher.detector, engine, false)), threads: options.threads, device: 'cpu' };
  writeFileSync(join(options.folder, 'config.json'), JSON.stringify(config));
}

export async function measureMemory(options: MemoryOptions) {
  const engine = await startEngine({ backend: 'tensorflow', device: 'cpu' });
  const started = resident('VmRSS');
  const teacher = await readTeacher(options, join(options.folder, 'teacher.safetensors'));
  const read = resident('VmRSS');
  const subject = makeSubject(options, teacher, engine, true);
  const captured = resident('VmRSS');
  const steps = Array.from({ length: options.steps }, subject.step);
  return {
    capture: subject.capturing, stepSeconds: steps.map(({ milliseconds }) => milliseconds / 1000), processorSeconds: steps.map(({ cpu }) => cpu / 1000),
    megabytes: { started, read, captured, end: resident('VmRSS'), peak: resident('VmHWM') },
  };
}
