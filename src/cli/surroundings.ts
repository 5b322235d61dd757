/** What the commands share: output, the program's own place and version. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type Output } from './output.ts';

export interface Surroundings {
  readonly output: Output;
  /** The bundle that is running: also the child of every run. */
  readonly cliPath: string;
}

/** The product's own folder: the nearest above the bundle with our package.json. */
export function productFolder(cliPath: string): string {
  for (let folder = path.dirname(cliPath); ; folder = path.dirname(folder)) {
    if (manifestIn(folder) !== undefined || folder === path.dirname(folder)) return folder;
  }
}

export function versionOf(cliPath: string): string {
  return manifestIn(productFolder(cliPath))?.version ?? 'unknown';
}

const manifestSchema = z.object({ name: z.literal('distill-lab'), version: z.string() });

function manifestIn(folder: string): z.infer<typeof manifestSchema> | undefined {
  const file = path.join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  try {
    return manifestSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
