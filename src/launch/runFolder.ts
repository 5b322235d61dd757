/** Makes the folder that a run lives in. */
import { randomInt } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type SourceLines } from '../experiment/positions.ts';
import { FILES, type SweepNote } from '../experiment/record.ts';
import { formatResolved } from '../experiment/resolved.ts';
import { type Experiment } from '../experiment/schema.ts';
import { diskError } from './disk.ts';

export interface NewRun {
  readonly experimentFile: string;
  /** The file's content, kept word for word. */
  readonly text: string;
  readonly experiment: Experiment;
  readonly positions: SourceLines;
  /** Usually `runs` beside the experiment or in the workspace. */
  readonly runsRoot: string;
  readonly overrides?: readonly string[] | undefined;
  /** Of this product. */
  readonly version?: string | undefined;
  /** The sweep that it belongs to. */
  readonly sweep?: SweepNote | undefined;
}

/** @returns the folder `<runsRoot>/<yyyy-mm-dd>-<name>-<id>`, with experiment.yaml and resolved.json. @throws DistillError DL701 to DL703. */
export async function createRunFolder({ experimentFile, text, experiment, positions, runsRoot, overrides = [], version = 'unknown', sweep }: NewRun): Promise<string> {
  const now = new Date();
  const folder = path.resolve(runsRoot, `${dateOf(now)}-${slugOf(experiment.name)}-${shortId()}`);
  try {
    await mkdir(path.dirname(folder), { recursive: true });
    // Not recursive: a folder that is there already belongs to another run.
    await mkdir(folder);
    try {
      await writeFile(path.join(folder, FILES.experiment), text);
      await writeFile(path.join(folder, FILES.resolved), formatResolved({
        experiment, source: { file: path.resolve(experimentFile), lines: positions.lines },
        overrides, version, versions: { node: process.versions.node, platform: `${process.platform}-${process.arch}` }, created: now.getTime(), ...(sweep === undefined ? {} : { sweep }),
      }));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  } catch (cause) {
    throw diskError(folder, cause);
  }
  return folder;
}

/** The user's own day, not Greenwich's. */
function dateOf(time: Date): string {
  return [time.getFullYear(), time.getMonth() + 1, time.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}

/** Letters and digits of the name, safe on every file system. */
export function slugOf(name: string): string {
  const slug = name.normalize('NFKD').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40).replace(/-+$/, '');
  return slug === '' ? 'run' : slug;
}

/** Without letters and digits that look alike; 30⁵ = 24 million for each name and day. */
function shortId(): string {
  const alphabet = '23456789abcdefghjkmnpqrstvwxyz';
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
