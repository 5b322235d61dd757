/** Run folders as a child leaves them, without the child: what shows runs can be tested with as many as it takes. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { readExperiment } from '../../../src/experiment/load.ts';
import { FILES, type Heartbeat, type RunEvent } from '../../../src/experiment/record.ts';
import { formatResolved } from '../../../src/experiment/resolved.ts';
import { processStart } from '../../../src/processStart.ts';
import { lines } from '../../unit/store/material.ts';

export interface FakeRun {
  readonly workspace: string;
  /** Relative to the workspace. */
  readonly file: string;
  /** What the experiment said when the run was made. */
  readonly text: string;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly events: readonly RunEvent[];
  /** Of a run that goes: this process answers for it. */
  readonly isLive?: boolean;
}

/** @returns the folder. */
export async function fakeRun({ workspace, file, text, id, created, events, isLive = false }: FakeRun): Promise<string> {
  const folder = path.join(workspace, 'runs', id);
  const source = path.join(workspace, file);
  const { experiment, positions } = readExperiment(text, source);
  if (experiment === undefined) throw new Error(`${file} is no experiment.`);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, FILES.experiment), text);
  await writeFile(path.join(folder, FILES.events), lines(events));
  if (isLive) {
    const sign: Heartbeat = { pid: process.pid, host: hostname(), time: Date.now(), processStart: processStart(process.pid) };
    await writeFile(path.join(folder, FILES.heartbeat), JSON.stringify(sign));
  }
  // Last: an editor that watches takes the folder for a run from now on.
  await writeFile(path.join(folder, FILES.resolved), formatResolved({ experiment, source: { file: source, lines: positions.lines }, overrides: [], version: '0', versions: {}, created }));
  return folder;
}

export async function grow(folder: string, events: readonly RunEvent[]): Promise<void> {
  await appendFile(path.join(folder, FILES.events), lines(events));
}
