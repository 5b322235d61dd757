/** The lines of `distill-lab setup --json`, and how far the whole is. */
import { z } from 'zod';

const STAGES = ['look', 'wait', 'download', 'unpack', 'compile', 'check', 'done'] as const;
export type SetupStage = (typeof STAGES)[number];

const progressSchema = z.object({ type: z.literal('progress'), stage: z.enum(STAGES), message: z.string(), fraction: z.number().min(0).max(1).optional() });
export type SetupProgress = z.output<typeof progressSchema>;

const resultSchema = z.object({ type: z.literal('result'), tensorflow: z.string(), flavour: z.string(), folder: z.string(), installed: z.boolean() });
export type SetupResult = z.output<typeof resultSchema>;

/** @returns undefined where a line is only a line. */
export function setupLine(line: string): SetupProgress | SetupResult | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return z.discriminatedUnion('type', [progressSchema, resultSchema]).safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Where each stage begins, in parts of the whole: as long as each took on two cores with a CPU's libraries. */
const BEGIN: Readonly<Record<SetupStage, number>> = { look: 0, wait: 0, download: 0.02, unpack: 0.4, compile: 0.55, check: 0.95, done: 1 };

/** 0 to 1. It never says that a stage is over before it is. */
export function shareDone({ stage, fraction = 0 }: Pick<SetupProgress, 'stage' | 'fraction'>): number {
  const begin = BEGIN[stage];
  const next = Math.min(...Object.values(BEGIN).filter((other) => other > begin), 1);
  return begin + (next - begin) * fraction;
}
