/** Events and run folders for the store's tests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Arm, FILES, type Metrics, type RunEvent } from '../../../src/experiment/record.ts';
import { type Subject } from '../../../src/store/index.ts';

export function metrics(AP: number): Metrics {
  return { AP, AP50: AP, AP75: AP, APs: AP, APm: AP, APl: -1, AR1: AP, AR10: AP, AR100: AP, ARs: AP, ARm: AP, ARl: -1 };
}

export function started(more: Partial<Extract<RunEvent, { type: 'started' }>> = {}): RunEvent {
  return {
    type: 'started', time: 1000, pid: 1, host: 'h', name: 'a run', totalSteps: 100, stepsPerEpoch: 10, from: {},
    engine: { backend: 'tensorflow', device: 'CPU', precision: 'float32', captured: true }, summary: 's', arms: ['student', 'control', 'controlInherit'], methods: ['fgd'], classes: ['a'], ...more,
  };
}

export function step(number: number, more: Partial<Extract<RunEvent, { type: 'step' }>> = {}): RunEvent {
  return { type: 'step', time: 1000 + 100 * number, arm: 'student', step: number, losses: { total: 1, 'detection.box': 0.4, 'fgd.global': 0.6 }, learningRate: 0.1, gradientNorm: 1, imagesPerSecond: 40, ...more };
}

export function evaluation(subject: Subject, at: number, AP: number): RunEvent {
  return { type: 'evaluation', time: 1000, subject, step: at, metrics: metrics(AP), perClass: { a: metrics(AP) }, seconds: 1 };
}

export function ended(state: 'finished' | 'stopped' | 'failed' = 'finished', time = 99_000): RunEvent {
  return { type: 'ended', time, state };
}

export function lines(events: readonly RunEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

/** @returns the folder. */
export function runFolder(root: string, id: string, content: string): string {
  const folder = path.join(root, id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, FILES.events), content);
  return folder;
}

export const ALL_ARMS: readonly Arm[] = ['student', 'control', 'controlInherit'];
