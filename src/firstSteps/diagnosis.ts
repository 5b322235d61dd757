/** What `distill-lab doctor --json` says, as far as the editor shows it. Tolerant: another version's output is read too. */
import { z } from 'zod';

const text = z.string();

export const diagnosisSchema = z.object({
  node: text,
  platform: text,
  engineFolder: text,
  engines: z.array(z.object({ addon: text, flavour: text.optional(), tensorflow: text.optional(), problem: text.optional() })).default([]),
  used: z.object({ backend: text, device: text, notice: text.optional() }).optional(),
  failure: text.optional(),
  usesGpu: z.boolean().default(false),
  nvidia: z.object({ driver: text, gpus: z.array(z.object({ index: z.number(), name: text })).default([]) }).optional(),
  tools: z.object({ python: text.optional(), pip: text.optional(), compiler: text.optional() }).default({}),
  /** Bytes. */
  memory: z.object({ total: z.number(), free: z.number() }),
  disk: z.number().optional(),
  sharp: text.optional(),
  speed: z.object({ gflops: z.number() }).optional(),
  advice: z.array(z.object({ id: text, text })).default([]),
});

export type Diagnosis = z.output<typeof diagnosisSchema>;

/** The diagnosis in what the doctor printed, whatever stands around it; undefined where there is none. */
export function diagnosisIn(lines: readonly string[]): Diagnosis | undefined {
  for (const line of [...lines].reverse()) {
    if (!line.startsWith('{')) continue;
    try {
      return diagnosisSchema.parse(JSON.parse(line));
    } catch {
      // Another line then.
    }
  }
  return undefined;
}
