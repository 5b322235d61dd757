/** One captured step of a given size, timed. Started by `growth.mjs`, in a process of its own: memory is read as the most it ever had. */
import { startEngine } from '../src/engine/backend.ts';
import { rounded, spreadOf } from './statistics.ts';
import { makeSubject, makeTeacher, type Sizes } from './subject.ts';

export interface Growth {
  /** Medians of a step, in milliseconds: the clock's and all threads' processor time. */
  readonly step: number;
  readonly processor: number;
  /** Processor milliseconds of targets and masks, made on the host. */
  readonly targets: number;
  /** Bytes. */
  readonly peakMemory: number;
}

export async function measureGrowth(sizes: Sizes, steps: number): Promise<Growth> {
  const engine = await startEngine({ backend: 'auto', device: 'cpu' });
  const subject = makeSubject(sizes, makeTeacher(sizes).detector, engine, true);
  for (let warm = 0; warm < 2; warm += 1) subject.step();
  const times = Array.from({ length: steps }, subject.step);
  for (let warm = 0; warm < 10; warm += 1) subject.targets();
  const targets = Array.from({ length: 15 }, () => {
    const before = process.cpuUsage();
    subject.targets();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return {
    step: rounded(spreadOf(times.map(({ milliseconds }) => milliseconds)).median), processor: rounded(spreadOf(times.map(({ cpu }) => cpu)).median),
    targets: rounded(spreadOf(targets).median), peakMemory: process.resourceUsage().maxRSS * 1024,
  };
}
