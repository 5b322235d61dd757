/** `resolved.json` of a run folder: the experiment with defaults filled in, where it came from, and with which versions. */
import { z } from 'zod';
import { DistillError } from '../errors.ts';
import { type SourceLines } from './positions.ts';
import { type SweepNote, sweepNoteSchema } from './record.ts';
import { type Experiment, experimentSchema } from './schema.ts';

const resolvedSchema = z.object({
  experiment: experimentSchema,
  source: z.object({
    /** Absolute path of the experiment file; relative paths in it start at its folder. */
    file: z.string(),
    /** 1-based line by key, e.g. `distill[0].alpha`. */
    lines: z.record(z.string(), z.number()),
  }),
  /** `--set` changes, in order. */
  overrides: z.array(z.string()).default([]),
  /** Of this product and of Node. */
  version: z.string(),
  versions: z.record(z.string(), z.string()).default({}),
  created: z.number().describe('Milliseconds since 1970.'),
  sweep: sweepNoteSchema.optional().catch(undefined),
});

export interface Resolved {
  readonly experiment: Experiment;
  readonly source: SourceLines;
  readonly overrides: readonly string[];
  readonly version: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly created: number;
  /** Of a run that belongs to a sweep. */
  readonly sweep?: SweepNote | undefined;
}

/** @throws DistillError DL130 when the text is not what `createRunFolder` wrote. */
export function parseResolved(text: string, file: string): Resolved {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new DistillError('DL130', 'The record of this run is not JSON.', { where: { file }, advice: 'Start a new run from experiment.yaml in the same folder.', cause });
  }
  const parsed = resolvedSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DistillError('DL130', `The record of this run does not fit this version: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`, { where: { file }, advice: 'Start a new run from experiment.yaml in the same folder.' });
}

export function formatResolved(resolved: Resolved): string {
  return `${JSON.stringify(resolved, null, 2)}\n`;
}
