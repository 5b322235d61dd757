/** `distill-lab stop`: asks a run to save and end, and waits for it. */
import path from 'node:path';
import { kill, requestStop } from '../../launch/index.ts';
import { isLive, readResolved, type RunSummary, watchRun } from '../../store/index.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export interface StopOptions {
  readonly kill: boolean;
  readonly wait: boolean;
}

export async function stop({ output }: Surroundings, run: string, options: StopOptions): Promise<number> {
  const folder = path.resolve(run);
  // Says so when this is no run folder.
  await readResolved(folder);
  if (options.kill) await kill(folder);
  else {
    const before = await requestStop(folder);
    if (!isLive(before.state)) {
      output.line(`the run is ${before.state} already`);
      return EXIT.finished;
    }
  }
  if (!options.wait) return EXIT.finished;
  const { state, lastStep } = await ended(folder);
  output.line(lastStep === undefined ? state : `${state} at step ${lastStep.step}`);
  return EXIT.finished;
}

function ended(folder: string): Promise<RunSummary> {
  return new Promise((resolve) => {
    const watch = watchRun(folder, ({ run, more }) => {
      if (more || isLive(run.state)) return;
      watch.dispose();
      resolve(run);
    });
  });
}
