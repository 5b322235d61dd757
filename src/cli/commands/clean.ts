/** `distill-lab clean`: what nobody would miss, first told, then deleted for good. */
import path from 'node:path';
import { byteSize } from '../../byteSize.ts';
import { DistillError } from '../../errors.ts';
import { type CleanUpItem, listRuns, PICTURES_QUOTA, planCleanUp, purgeAbandoned, refuseGoing, removeForGood } from '../../store/index.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export interface CleanOptions {
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly picturesQuota?: string | undefined;
}

const WHY: Readonly<Record<CleanUpItem['kind'], string>> = {
  run: 'ended before its first step', checkpoints: 'checkpoint other than the last and the best', pictures: 'masks beyond the quota',
};

export async function clean({ output }: Surroundings, folder: string, { dryRun, json, picturesQuota }: CleanOptions): Promise<number> {
  const root = path.resolve(folder);
  const quota = picturesQuota === undefined ? PICTURES_QUOTA : 1e6 * Number(picturesQuota);
  if (!(quota >= 0)) throw new DistillError('DL713', 'The quota of pictures is not a number.', { expected: 'megabytes, 0 or more', got: picturesQuota ?? '' });
  const plan = await planCleanUp(await listRuns([root]), { picturesQuota: quota });
  let bytes = 0;
  for (const item of plan) {
    if (!dryRun) {
      await refuseGoing(item.run);
      await removeForGood(root, item.places);
    }
    bytes += item.bytes;
    if (!json) for (const place of item.places) output.line(`${path.relative(root, place)}  ${WHY[item.kind]}`);
  }
  // What closed windows left in the trash was deleted by a person already.
  if (!dryRun) await purgeAbandoned(root);
  if (json) output.line(JSON.stringify({ dryRun, bytes, items: plan.map(({ kind, run, places, bytes: size }) => ({ kind, run: run.id, places, bytes: size })) }));
  else output.line(plan.length === 0 ? 'There is nothing to clean up.' : `${byteSize(bytes)} ${dryRun ? 'would be freed' : 'freed'}`);
  return EXIT.finished;
}
