/** `distill-lab resume`: goes on with a run and follows it. */
import path from 'node:path';
import { resumeRun } from '../../launch/index.ts';
import { followRun } from '../follow.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';
import { tell } from './run.ts';

export interface ResumeOptions {
  readonly steps?: string | undefined;
  readonly epochs?: string | undefined;
  readonly asStarted: boolean;
  readonly json: boolean;
  readonly detach: boolean;
}

export async function resume({ output, cliPath }: Surroundings, run: string, { steps, epochs, asStarted, json, detach }: ResumeOptions): Promise<number> {
  const folder = path.resolve(run);
  const since = Date.now();
  const { pid } = await resumeRun({ folder, cliPath, asStarted, ...(steps === undefined ? {} : { steps: Number(steps) }), ...(epochs === undefined ? {} : { epochs: Number(epochs) }) });
  if (detach) {
    output.line(json ? JSON.stringify({ state: 'preparing', folder, pid }) : `${folder} (process ${pid})`);
    return EXIT.finished;
  }
  return tell(await followRun({ folder, output, json, since }), json, output);
}
